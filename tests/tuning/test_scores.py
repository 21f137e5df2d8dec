"""Scores for a grid of K: those of ClusCAM at each K, from one pass for the maps."""

import numpy as np
import pytest
import torch
from tiny import images, network

from cluscam_lite import ClusCAM, reading
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.weighting import temperature
from cluscam_lite.errors import CluscamError, ClusCAMWarning
from cluscam_lite.tuning import drop_ratio, elbow, grid_scores, proxy, tune

GRID = (2, 5, 9)


def hooked(channels=24):
    return HookedModel(network(channels), "1")


@pytest.mark.parametrize("seed", [0, 5])
def test_each_size_is_cluscam_with_that_many_clusters(seed):
    x = images(1)
    target, found = grid_scores(hooked(), x, GRID, seed)
    for groups in found:
        e = ClusCAM(network(), "1", n_clusters=groups.n_clusters, seed=seed)(x)
        assert torch.equal(groups.scores, e.scores[0]) and target == int(e.target[0])
        assert torch.equal(groups.sizes, e.labels[0].bincount())
        assert torch.allclose(groups.coverage, e.masks[0].mean((1, 2)))


def test_the_maps_are_made_once_and_the_target_is_the_callers():
    model = hooked()
    forward, calls = model.forward, []
    model.forward = lambda x: calls.append(1) or forward(x)
    target, found = grid_scores(model, images(1), GRID, target=3)
    assert calls == [1] and target == 3 and [len(groups.scores) for groups in found] == list(GRID)
    e = ClusCAM(network(), "1", n_clusters=5)(images(1), 3)
    assert torch.equal(found[1].scores, e.scores[0])


def test_equal_maps_give_fewer_groups():
    model = hooked(6)
    with torch.no_grad():  # three different maps, each twice
        convolution = model.module[0]
        convolution.weight[3:] = convolution.weight[:3]
        convolution.bias[3:] = convolution.bias[:3]
    with pytest.warns(ClusCAMWarning, match="only 3 of 5 clusters"):
        _, found = grid_scores(model, images(1), (1, 2, 5))
    assert [len(groups.scores) for groups in found] == [1, 2, 3]
    assert all(torch.isfinite(groups.scores).all() and groups.sizes.sum() == 6 for groups in found)


def test_a_size_above_the_number_of_maps_is_said_before_anything_is_scored(monkeypatch):
    monkeypatch.setattr(reading, "score_masks", lambda *_, **__: pytest.fail("scored"))
    with pytest.raises(CluscamError, match="n_clusters is 40; expected 1 to 24"):
        grid_scores(hooked(), images(1), (2, 5, 40))


def test_tuning_is_the_algorithms_one_after_the_other():
    pictures, seeds, done = [images(1, seed=i) for i in range(4)], (0, 1), []
    tuning = tune(hooked(), pictures, GRID, seeds, progress=done.append)
    by_size = {k: [] for k in GRID}
    for x in pictures:
        for seed in seeds:
            for k in GRID:
                by_size[k].append(ClusCAM(network(), "1", n_clusters=k, seed=seed)(x).scores[0].numpy())
    assert tuning.proxies == pytest.approx([proxy(by_size[k]) for k in GRID]) and done == [1, 2, 3, 4]
    for rule, choice in tuning.choices.items():
        k = int(elbow(GRID, tuning.proxies, rule))
        r = drop_ratio(np.concatenate(by_size[k]))
        assert choice.n_clusters == k and choice.drop_ratio == pytest.approx(r, abs=1e-6)
        assert choice.temperature == pytest.approx(temperature(k, r), rel=1e-5)


def test_nothing_to_tune_on():
    with pytest.raises(CluscamError, match="no image to tune on"):
        tune(hooked(), [], GRID)
    with pytest.raises(CluscamError, match="at least 3 sizes"):
        tune(hooked(), [images(1)], (2, 5))
    constant = hooked()
    with torch.no_grad():
        constant.module[4].weight.zero_()  # the logits are the same for every input
    with pytest.raises(CluscamError, match=r"all equal \(0\)"):
        tune(constant, [images(1)], GRID)
