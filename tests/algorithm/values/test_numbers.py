"""Numbers that are none, or not what they seem: one sentence, and never a map, a row or a file."""

import json
import math
import re

import numpy as np
import pytest
import torch
from scipy import stats
from tiny import images, network
from torch import nn

from analysis import statistics as s
from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
from analysis.judging.compare import turned
from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.methods import METHODS
from cluscam_lite.metrics import complexity, evaluate
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.models.statedict import read_state

# ---- logits


class Odd(nn.Module):
    """A network one of whose logits, of a class that is not explained, is a constant."""

    def __init__(self, value):
        super().__init__()
        self.net, self.value = network(), value

    def forward(self, x):
        return torch.cat([self.net(x), x.new_full((len(x), 1), self.value)], 1)


@pytest.mark.parametrize("name", METHODS)
def test_a_logit_that_is_nan_is_refused_in_whatever_class(name):
    info = METHODS[name]
    if info.gradients or name in ("ablationcam", "scorecam"):
        pytest.importorskip("pytorch_grad_cam")
    settings = {"n_clusters": 3} if "n_clusters" in info.parameters else {}
    with pytest.raises(CluscamError, match="NaN or infinite logits|maps of several resolutions"):
        info.factory(Odd(math.nan), **{**info.fixed, **settings})(images(1), 0)


def test_a_class_that_the_network_rules_out_may_have_minus_infinity():
    e = ClusCAM(Odd(-math.inf), n_clusters=3)(images(1), 0)
    torch.testing.assert_close(e.saliency, ClusCAM(network(), n_clusters=3)(images(1), 0).saliency)
    assert torch.isneginf(e.output[0, -1])


# ---- weights


@pytest.fixture(scope="module")
def state():
    return {key: value.clone() for key, value in load_model("scene_cnn").module.state_dict().items()}


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.to(torch.int8), "1 tensor of type int8 .*before they were quantised"),
        (lambda v: v.to(torch.uint8), "of type uint8"),
        (lambda v: v.bool(), "of type bool"),
        (lambda v: v.clone().fill_(math.nan), r"1 tensor with NaN or infinite values \(fc.weight\)"),
        (lambda v: v.clone().fill_(math.inf), "NaN or infinite values"),
    ],
)
def test_weights_that_are_no_finite_numbers(tmp_path, state, suffix, change, words):
    from safetensors.torch import save_file

    path = tmp_path / f"scene_cnn.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(state | {"fc.weight": change(state["fc.weight"])}, path)
    with pytest.raises(CluscamError, match=words):
        load_model("scene_cnn", path)


def test_half_and_double_weights_are_fine(tmp_path, state):
    torch.save({k: v.double() if v.is_floating_point() else v for k, v in state.items()}, tmp_path / "scene_cnn.pth")
    assert load_model("scene_cnn", tmp_path / "scene_cnn.pth").module.fc.weight.dtype == torch.float32


@pytest.mark.parametrize("at", [0.3, 0.5, 0.8])
def test_a_flipped_bit_in_a_pickle_is_found(tmp_path, state, at):
    path = tmp_path / "scene_cnn.pth"
    torch.save(state, path)
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CluscamError, match="corrupted or cut short; get it again"):
        read_state(path)
    assert get_spec("scene_cnn").name == "scene_cnn"


# ---- training


@pytest.mark.parametrize("rate", [0.0, -1e-3, math.nan, math.inf, 1e300])
def test_a_learning_rate_is_honoured_or_refused(rate):
    with pytest.raises(CluscamError, match="learning_rate is .*; expected more than 0, at most 1"):
        recipe_for("phantom_cnn", dataset="phantoms", learning_rate=rate)


@pytest.mark.parametrize("seed", [2**32, -1])
def test_a_seed_of_a_training_is_of_32_bits(seed):
    with pytest.raises(CluscamError, match="seed is"):
        recipe_for("phantom_cnn", dataset="phantoms", seed=seed)


def test_a_training_that_diverges_ends_with_a_sentence_and_is_not_filed_as_complete(tmp_path, monkeypatch):
    from analysis.chapters.alzheimer.networks.training import trainer

    monkeypatch.setattr(trainer, "train_epoch", lambda run, *_: float("nan"))
    recipe = recipe_for("phantom_cnn", dataset="phantoms", images=8, batch_size=4, epochs=2)
    with pytest.raises(CluscamError, match=re.escape("diverged in epoch 1: its loss is nan")):
        trainer.train(recipe, tmp_path / "run", say=lambda _: None)
    assert not (tmp_path / "run" / "card.json").exists() and not list((tmp_path / "run").glob("*.safetensors"))


# ---- small samples


def every_sign(d):
    """p of Wilcoxon's test, greater and less, by all 2^m choices of signs: the slow oracle."""
    ranks = stats.rankdata(np.abs(d))
    signs = (np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1
    sums, w = signs @ ranks, ranks[np.asarray(d) > 0].sum()
    return (sums >= w - 1e-9).mean(), (sums <= w + 1e-9).mean()


@pytest.mark.parametrize(
    "d", [[1, 1, 1], [1, 1, -1, 2], [2, 2, 2, 2, -2, 1], [1, 2, 3, 4], [3, -3, 1, 1, 1, 5, 5, -2, 7, 7, 7]]
)
def test_wilcoxon_with_ties_counts_every_choice_of_signs(d):
    greater, less = every_sign(d)
    assert s.wilcoxon(d).p == pytest.approx(greater, rel=1e-12)
    assert s.wilcoxon(d, alternative="less").p == pytest.approx(less, rel=1e-12)
    assert s.wilcoxon(d, alternative="two-sided").p == pytest.approx(min(1, 2 * min(greater, less)), rel=1e-12)
    assert s.wilcoxon(d).method == "exact" and s.wilcoxon(d).p >= 0.5 ** len(d)


def test_three_equal_differences():
    assert s.wilcoxon([0.3, 0.3, 0.3]).p == 1 / 8 and s.wilcoxon([0.3, 0.3, 0.3], alternative="two-sided").p == 1 / 4


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_the_exact_test_agrees_with_scipy_up_to_50_differences(alternative):
    rng = np.random.default_rng(0)
    for m in (1, 2, 5, 20, 49, 50):
        d = rng.permutation(np.arange(1, m + 1)) * rng.choice([-1, 1], m, p=[0.4, 0.6])
        theirs = stats.wilcoxon(d, alternative=alternative, method="exact").pvalue
        assert s.wilcoxon(d, alternative=alternative).p == pytest.approx(theirs, rel=1e-12)


def test_differences_that_rounding_makes_are_ties_in_every_paired_test():
    x, y = [0.1 + 0.2, 0.1 + 0.2, 5.0, 7.0], [0.3, 0.3, 4.0, 5.0]
    assert s.wilcoxon(x, y) == s.wilcoxon([0, 0, 1, 2]) and s.wilcoxon(x, y).n == 2
    assert s.sign_test(x, y).n == 2 and s.rank_biserial(x, y) == 1
    assert s.paired_t([0.1 + 0.2] * 3, [0.3] * 3).p == 1 and s.d_z([0.1 + 0.2] * 3, [0.3] * 3) == 0
    tied = [0.1 + 0.2, 0.3, 0.3, -0.3]  # one size, up to rounding
    assert s.wilcoxon(tied) == s.wilcoxon([0.3, 0.3, 0.3, -0.3])
    assert turned(np.array([0.1 + 0.2, 9.0]), np.array([0.3, 8.0]), "gain").tolist() == [0, 1]
    assert turned(np.array([0.1 + 0.2, 9.0]), np.array([0.3, 8.0]), "drop").tolist() == [0, -1]


def test_small_differences_of_small_numbers_are_differences():
    assert s.wilcoxon([1e-17, 2e-17, 3e-17]).n == 3
    assert s.wilcoxon([1e-9, 1.0]).n == 2


# ---- measures


def test_measures_of_maps_out_of_range_are_refused():
    with pytest.raises(CluscamError, match=r"not in \[0, 1\]"):
        complexity(torch.full((1, 4, 4), 255.0))
    with pytest.raises(CluscamError, match="NaN"):
        complexity(torch.full((1, 4, 4), math.nan))


def test_a_network_in_train_mode_is_measured_in_eval_mode():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, 4), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    x, saliency = images(1, 32, 32), torch.rand(32, 32, generator=torch.Generator().manual_seed(0))
    expected = evaluate(net.eval(), x, saliency, 1, fills=("mean",))
    before = json.dumps({key: value.tolist() for key, value in net.state_dict().items()})
    assert evaluate(net.train(), x, saliency, 1, fills=("mean",)) == expected
    assert net.training and json.dumps({key: value.tolist() for key, value in net.state_dict().items()}) == before
