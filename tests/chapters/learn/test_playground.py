"""The numbers of the playground are the network's own answers, and the page draws what the network saw."""

import numpy as np
import pytest
import torch

from analysis.chapters.learn.explorables.masks import mask_data
from analysis.chapters.learn.playground import chosen_masks, playground, share_above
from cluscam_lite import load_model


@pytest.fixture(scope="module")
def play():
    return playground("scene_cnn", "scene:8")


def test_the_numbers_of_a_subset_are_the_networks(play):
    loaded = load_model("scene_cnn")
    data, subset = mask_data(play), 0b10100101
    scene = torch.from_numpy(play.example.photo).permute(2, 0, 1)[None].float()
    x = (scene - torch.tensor(loaded.spec.mean).view(1, 3, 1, 1)) / torch.tensor(loaded.spec.std).view(1, 3, 1, 1)
    mask = chosen_masks(play, subset)
    with torch.no_grad():
        logits = loaded.module(x * mask).double()[0]
    target = loaded.spec.class_names.index(data["class"])
    assert data["logit"][subset] == pytest.approx(float(logits[target]), abs=2e-3)
    assert data["probability"][subset] == pytest.approx(100 * float(logits.softmax(0)[target]), abs=0.02)
    assert data["coverage"][subset] == pytest.approx(100 * float(mask.mean()), abs=0.01)
    assert data["unmasked"]["logit"] == pytest.approx(play.example.logit, abs=1e-3)
    assert {len(data[name]) for name in ("logit", "probability", "coverage", "drop", "gain")} == {256}
    assert play.values.sum() == pytest.approx(data["logit"][-1] - data["logit"][0], abs=0.01)  # efficiency


def test_the_page_has_the_masks_that_the_network_saw(play):
    """Upsampled, the page's small masks are the masks, and their maximum the mask of several groups."""
    data, subset = mask_data(play), 0b01000010
    small = torch.tensor(data["masks"]).view(1, 8, data["height"], data["width"])
    masks = torch.nn.functional.interpolate(small, play.few.size, mode="bilinear")[0]
    shown = masks[[j for j in range(8) if subset >> j & 1]].amax(0)
    assert float((shown - chosen_masks(play, subset)).abs().max()) < 1e-3


def test_presets_are_what_they_are_called(play):
    logits = play.subsets["logit"]
    assert logits[play.best] == logits.max() and share_above(play, play.best) == 0
    assert logits[play.worst] == logits.min() and share_above(play, play.worst) > 99
    kept = [j for j in range(8) if play.few.weights[0, j] > 0]
    assert play.kept == sum(2**j for j in kept) and 0 < len(kept) < 8
    assert np.isfinite(play.values).all()
