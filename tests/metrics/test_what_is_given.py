"""What the metrics take: tensors, NumPy arrays and lists alike, and one sentence for anything else."""

import numpy as np
import pytest
import torch
from torch import nn

from cluscam_lite import ClusCAM, get_spec
from cluscam_lite.algorithm.scoring import fill_image
from cluscam_lite.errors import CluscamError, ClusCAMWarning
from cluscam_lite.metrics import (
    adcc,
    box_mask,
    changes,
    coherency,
    complexity,
    correlation,
    deletion,
    energy_pointing,
    evaluate,
    insertion,
    localisation_error,
    localise,
    log_odds,
    matched,
    matching_power,
    overlap,
    predicted_box,
    probabilities,
    rank_correlation,
)
from cluscam_lite.metrics.evaluation import evaluate_images
from cluscam_lite.metrics.localisation import energy_error, half_error, soft_error
from cluscam_lite.metrics.masking import masked_outputs

SIZE = 8
BOX = [[1.0, 2.0, 5.0, 7.0]]
X = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
WEIGHTS = torch.randn(3 * SIZE * SIZE, 4, generator=torch.Generator().manual_seed(1))


def network(x):
    return x.flatten(1) @ WEIGHTS


OF_ONE_MAP = {
    "energy_pointing": lambda e: energy_pointing(e, BOX),
    "localisation_error": lambda e: localisation_error(e, BOX),
    "soft_error": lambda e: soft_error(e, BOX),
    "half_error": lambda e: half_error(e, BOX),
    "energy_error": lambda e: energy_error(e, BOX),
    "predicted_box": predicted_box,
    "correlation": lambda e: correlation(e, torch.eye(SIZE)),
    "rank_correlation": lambda e: rank_correlation(torch.eye(SIZE), e),
    "overlap": lambda e: overlap(e, torch.eye(SIZE)),
    "insertion": lambda e: insertion(network, X, e, 1, steps=4)[0],
    "deletion": lambda e: deletion(network, X, e, 1, steps=4)[0],
    "evaluate": lambda e: evaluate(network, X, e, 1, fills=["mean"]),
}
OF_MAPS = {
    "complexity": complexity,
    "coherency": lambda e: coherency(e, torch.eye(SIZE)[None]),
    "coherency, again": lambda e: coherency(torch.eye(SIZE)[None], e),
    "matched": matched,
}
NO_NUMBERS = [
    None,
    "a map",
    [[0.1, 0.2], [0.3]],
    {"map": 1},
    torch.eye(SIZE) * 1j,
    object(),
    torch.eye(SIZE).to_sparse(),
]


def as_numbers(found):
    return found.tolist() if hasattr(found, "tolist") else found


@pytest.mark.parametrize(
    "kind", [np.asarray, torch.Tensor.tolist, torch.Tensor.double], ids=["numpy", "list", "double"]
)
@pytest.mark.parametrize("name", [*OF_ONE_MAP, *OF_MAPS])
def test_an_array_and_a_list_are_a_map_like_a_tensor(name, kind):
    e = torch.linspace(0, 1, SIZE * SIZE).reshape(SIZE, SIZE)
    metric, e = (OF_ONE_MAP[name], e) if name in OF_ONE_MAP else (OF_MAPS[name], e[None])
    found, expected = as_numbers(metric(kind(e))), as_numbers(metric(e))
    if name == "evaluate":
        found, expected = ([list(row.values())[2:] for row in rows] for rows in (found, expected))
    assert np.allclose(np.asarray(found, dtype=float), np.asarray(expected, dtype=float), atol=1e-5)


@pytest.mark.parametrize("given", NO_NUMBERS, ids=lambda given: type(given).__name__)
@pytest.mark.parametrize("name", [*OF_ONE_MAP, *OF_MAPS])
def test_what_is_no_map_is_refused_in_one_sentence(name, given):
    with pytest.raises(CluscamError, match="map"):
        (OF_ONE_MAP | OF_MAPS)[name](given)


@pytest.mark.parametrize(
    "boxes",
    [
        [[1, 2, float("nan"), 7]],
        [[5, 2, 1, 7]],
        [[1, 7, 5, 2]],
        [[1, 2, 1, 7]],
        [[1, 2, 5]],
        [1, 2, 5, 7],
        [[1, 2, float("inf"), 7]],
        "box",
        None,
        [[1, 2, 5, 7], [1, 2, 5]],
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "metric", [energy_pointing, localisation_error, soft_error, half_error, energy_error], ids=lambda f: f.__name__
)
def test_a_box_that_is_none_is_refused(metric, boxes):
    with pytest.raises(CluscamError, match="box"):
        metric(torch.rand(SIZE, SIZE), boxes)


def test_no_box_covers_nothing():
    assert box_mask(torch.empty(0, 4), (2, 2)).tolist() == [[0, 0], [0, 0]]
    assert energy_pointing(torch.ones(2, 2), []) == 0 and localisation_error(torch.ones(2, 2), []) == 100


def test_adcc_takes_one_number_of_each_for_every_image():
    with pytest.raises(CluscamError, match=r"several shapes \(coherency \(2,\), complexity \(3,\), drop \(2,\)\)"):
        adcc([50, 60], [1, 2, 3], [4, 5])
    with pytest.raises(CluscamError, match="several shapes"):
        adcc([50, 60], 10, 20)
    with pytest.raises(CluscamError, match="coherency is str"):
        adcc("fifty", 10, 20)
    assert adcc(torch.tensor([50.0]), np.array([20.0]), [10.0]).tolist() == adcc([50], [20], [10]).tolist()


@pytest.mark.parametrize("given", ["half", None, [[0.5], [0.5, 0.2]]], ids=repr)
def test_probabilities_that_are_none_are_refused(given):
    with pytest.raises(CluscamError, match=r"p is .*expected real numbers"):
        changes(given, [0.5])


@pytest.mark.parametrize(
    "target",
    [[0], [0, 4], [0, -1], [0, 1.9], (True, False), torch.tensor([0.0, 1.0]), [True, False], [[0, 1]], ["a", "b"]],
)
@pytest.mark.parametrize("measure", [log_odds, probabilities])
def test_classes_that_do_not_fit_their_logits_are_refused(measure, target):
    target = torch.tensor(target) if target in ([True, False],) else target
    with pytest.raises(CluscamError):
        measure(torch.zeros(2, 4), target)


@pytest.mark.parametrize("measure", [log_odds, probabilities])
def test_logits_and_classes_may_be_lists(measure):
    logits = torch.tensor([[1.0, 2.0], [3.0, 1.0]])
    assert measure(logits.tolist(), [1, 0]).tolist() == measure(logits, torch.tensor([1, 0])).tolist()


@pytest.mark.parametrize("target", [True, 1.0, "1", None, -1, 4])
def test_a_class_that_is_none_is_refused(target):
    with pytest.raises(CluscamError, match="expected one of the network's classes"):
        evaluate(network, X, torch.rand(SIZE, SIZE), target, fills=["mean"])


@pytest.mark.parametrize("x", [None, X.numpy(), X[0], X.long(), X.to_sparse()], ids=lambda x: type(x).__name__)
def test_an_image_that_is_none_is_refused(x):
    for metric in (evaluate, insertion, deletion):
        with pytest.raises(CluscamError, match=r"x is .*expected a normalised float tensor"):
            metric(network, x, torch.rand(SIZE, SIZE), 1)


@pytest.mark.parametrize(
    "normalization",
    [
        (0.5, 0.5),
        ((0.5,) * 3,),
        ((0.5,) * 3, (0.0,) * 3),
        ((124, 116, 104), (58, 57, 57)),
        "mean",
        ((0.5,) * 3, (0.2,) * 2),
    ],
    ids=repr,
)
@pytest.mark.parametrize("fill", ["mean", "black", "blur", torch.zeros(3)], ids=str)
def test_a_bad_normalisation_is_refused_with_every_fill(fill, normalization):
    with pytest.raises(CluscamError, match=r"normalization is .*expected \(mean, std\)"):
        fill_image(X, fill, normalization)


def test_a_fill_may_be_a_numpy_array_and_nothing_that_is_no_colour():
    assert torch.equal(fill_image(X, np.ones(3)), fill_image(X, torch.ones(3)))
    for bad in (None, 0.5j, [0.1, 0.2], {"red": 1}, np.ones((5, 5))):
        with pytest.raises(CluscamError, match="the fill is"):
            fill_image(X, bad)


def test_masks_are_of_one_image_and_shares():
    whole = torch.ones(SIZE, SIZE)
    masked_outputs(network, X, [whole, 0 * whole], [None, None])
    for x, mask, fill, words in [
        (X.expand(2, -1, -1, -1), whole, None, "expected one image"),
        (X, 5 * whole, None, r"a mask is not in \[0, 1\]"),
        (X, whole * float("nan"), None, r"a mask is not in \[0, 1\]"),
        (X, whole[:, :1], None, "expected one image"),
        (X, whole, "blur", "a fill is a str"),
    ]:
        with pytest.raises(CluscamError, match=words):
            masked_outputs(network, x, [mask], [fill])


def test_unmasked_logits_are_those_of_the_network():
    e = torch.rand(1, SIZE, SIZE)
    found = evaluate_images(network, X, e, [1], ["mean"], forms=["raw"])
    again = evaluate_images(network, X, e, [1], ["mean"], forms=["raw"], unmasked=found.unmasked)
    assert again.rows == found.rows
    for wrong in (torch.zeros(1, 9), torch.zeros(1, 3), torch.zeros(2, 4), "logits"):
        with pytest.raises(CluscamError, match="unmasked is"):
            evaluate_images(network, X, e, [1], ["mean"], forms=["raw"], unmasked=wrong)
    for wrong in (None, 1, "1"):
        with pytest.raises(CluscamError, match="targets is .*expected a class for each image"):
            evaluate_images(network, X, e, wrong, ["mean"])


@pytest.mark.parametrize("factor", [1e-300, 1e-162, 1e-80, 1e75, 1e160, 1e300])
def test_a_correlation_does_not_depend_on_the_unit(factor):
    one, two = (torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(i)).double() for i in (1, 2))
    assert correlation(factor * one, two) == pytest.approx(correlation(one, two), abs=1e-12)
    assert correlation(one, factor * two) == pytest.approx(correlation(one, two), abs=1e-12)
    both = coherency(torch.stack([factor * one, one]), torch.stack([two, two]))
    assert float(both[0]) == pytest.approx(float(both[1]), abs=1e-10)


def test_probabilities_in_the_place_of_logits_are_noted():
    with pytest.warns(ClusCAMWarning, match="seems to give probabilities, not logits"):
        evaluate(lambda x: network(x).softmax(1), X, torch.rand(SIZE, SIZE), 1, fills=["mean"])
    with pytest.warns(ClusCAMWarning, match="seems to give probabilities, not logits"):
        net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1))
        ClusCAM(net, "1", n_clusters=4)(X)
    with pytest.raises(CluscamError, match=r"a tensor of torch\.int64"):
        evaluate(lambda x: network(x).argmax(1), X, torch.rand(SIZE, SIZE), 0, fills=["mean"])


@pytest.mark.parametrize("wrong", ["0.1", None, float("nan"), -0.1, 1, True])
def test_a_share_or_tolerance_that_is_none(wrong):
    e = torch.rand(SIZE, SIZE)
    for refused in (lambda: overlap(e, e.T, wrong), lambda: matched(e[None], wrong)):
        with pytest.raises(CluscamError, match="expected"):
            refused()
    with pytest.raises(CluscamError, match="tolerance is"):
        changes(0.5, 0.4, wrong)


@pytest.mark.parametrize("metric", [localisation_error, soft_error, half_error, energy_error], ids=lambda f: f.__name__)
def test_what_lies_beyond_the_map_is_cut_off_in_every_measure(metric):
    one = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    assert metric(one, [[-9, 2, 5, 30]]) == pytest.approx(metric(one, [[0, 2, 5, SIZE]]))
    assert metric(one, [[-9, -9, -1, -1], *BOX]) == pytest.approx(metric(one, BOX))
    assert metric(one, [[SIZE, 0, SIZE + 4, SIZE]]) == 100
    assert metric(torch.ones(SIZE, SIZE), [[-9, -9, 99, 99]]) == 0


@pytest.mark.parametrize("share", [0.01, 0.07, 0.1, 0.14, 0.28, 0.55, 0.56, 0.57])
def test_a_top_has_the_share_of_the_pixels_exactly(share):
    values = torch.arange(100.0).view(10, 10)
    other = values.clone()
    other.flatten()[: 100 - round(100 * share)] = values.flatten()[: 100 - round(100 * share)].flip(0)
    assert overlap(values, other, share) == 1  # the two differ below their tops alone
    assert overlap(values, values.flip(0), 1e-9) == 0  # one pixel at least


@pytest.mark.parametrize("logits", [[[torch.inf, 2.0]], [[torch.nan, 2.0]], torch.tensor([[1.0, 70000.0]]).half()])
def test_logits_without_a_softmax_are_refused(logits):
    with pytest.raises(CluscamError, match="the logits hold NaN or infinity"):
        probabilities(logits, [0])
    assert probabilities([[-torch.inf, 2.0]], [0]).tolist() == [0]


def test_other_mistakes_are_one_sentence():
    one = torch.rand(1, SIZE, SIZE)
    for call, words in (
        (lambda: box_mask(BOX, 4), "size is 4; expected"),
        (lambda: matching_power(one, 0.5), r"the values are \(1, 8, 8\) and the means \(\); expected"),
        (lambda: masked_outputs(network, X, one, None), "the fills are a NoneType"),
        (lambda: masked_outputs(network, X, one, [X.repeat(2, 1, 1, 1)]), r"a fill is \(2, 3, 8, 8\)"),
        (lambda: masked_outputs(network, X, None, [None]), "the masks are a NoneType"),
        (lambda: evaluate(network, X, one, 1, fills=[torch.zeros(3)]), "fills has a Tensor in it; expected names"),
        (lambda: evaluate(None, X, one, 1), "the network is a NoneType; expected a torch module"),
        (lambda: evaluate(network, X * torch.nan, one, 1), "x contains NaN"),
        (lambda: localise(one[0], BOX, 8, 8, get_spec("scene_cnn")), "preprocess is a ModelSpec"),
    ):
        with pytest.raises(CluscamError, match=words):
            call()
