"""The `cheap` chapter: the factor that its cells make by hand measures enlarged maps, and the table of the work."""

import pytest
import torch

from analysis.chapters.learn.cheap import work_table
from cluscam_lite.algorithm.clustering import axis_factor
from cluscam_lite.algorithm.masks import axis_weights, upsample


@pytest.mark.parametrize(("source", "target"), [(7, 224), (12, 96), (3, 10)])
def test_a_factor_of_the_metric_measures_enlarged_maps(source, target):
    maps = torch.randn(6, source, source, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = axis_weights(source, target)
    factor = torch.linalg.qr(weights, mode="r").R
    torch.testing.assert_close(factor.T @ factor, weights.T @ weights)
    torch.testing.assert_close(factor, axis_factor(source, target))
    lower = torch.linalg.cholesky(weights.T @ weights)
    far = torch.pdist(upsample(maps[None], (target, target))[0].flatten(1))
    for coordinates in (factor @ maps @ factor.T, lower.T @ maps @ lower):
        torch.testing.assert_close(torch.pdist(coordinates.flatten(1)), far, rtol=1e-10, atol=1e-10)


def test_table_of_work():
    resnet = work_table().set_index("maps").loc["7 x 7, ResNet"]
    assert resnet["enlarged"] == 50176 and resnet["here"] == 49 and resnet["times less"] == 1024
    assert resnet["extremes"] == 144
