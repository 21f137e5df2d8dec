"""ClusCAM as an explanation function of Quantus, against the installed package (its extra; skipped without it)."""

import numpy as np
import pytest
import torch

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.interop.quantus import explain
from tests.tiny import images, network

SETTINGS = {"layer": "1", "n_clusters": 6}


def test_arrays_in_arrays_out():
    model, x = network(), images(2)
    found = explain(model, x.numpy(), np.array([3, 1]), device="cpu", **SETTINGS)
    expected = ClusCAM(model, **SETTINGS)(x, torch.tensor([3, 1])).saliency
    assert found.shape == (2, 1, *x.shape[-2:]) and found.dtype == np.float32
    assert np.array_equal(found[:, 0], expected.numpy())
    assert np.array_equal(explain(model, x, None, **SETTINGS)[:, 0], ClusCAM(model, **SETTINGS)(x).saliency.numpy())


def test_another_kind_of_model_is_one_sentence():
    with pytest.raises(CluscamError, match="model is a function; expected a torch module"):
        explain(lambda x: x, images(1), None)


def test_quantus_metrics_take_it():
    quantus = pytest.importorskip("quantus")
    model, x = network(), images(2, 32, 32)
    options = {"explain_func": explain, "explain_func_kwargs": dict(SETTINGS), "device": "cpu"}
    flipping = quantus.PixelFlipping(features_in_step=128, disable_warnings=True)
    assert np.isfinite(flipping(model, x.numpy(), np.array([3, 1]), **options)).all()
    stability = quantus.AvgSensitivity(nr_samples=2, disable_warnings=True)
    assert np.isfinite(stability(model, x.numpy(), np.array([3, 1]), **options)).all()
