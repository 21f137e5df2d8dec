"""The checks of the assignment on Algorithm 1: the right answer passes, typical wrong ones get a sentence each."""

import math

import pytest
import torch
from tiny import images, network
from torch.nn.functional import interpolate

from analysis.coursework import algorithm
from analysis.coursework.answers import NotRight, answer
from cluscam_lite import ClusCAM


def scaled(maps):
    maps = maps - maps.amin((1, 2), keepdim=True)
    return maps / maps.amax((1, 2), keepdim=True)


def groups(full, labels):
    return torch.stack([full[labels == j].mean(0) for j in range(int(labels.max()) + 1)])


def larger(maps, size, mode="bilinear"):
    return interpolate(maps[None], size, mode=mode)[0]


def masks_right(maps, labels, size):
    return groups(scaled(larger(maps, size)), labels)


MASKS = {
    "averaged first and scaled afterwards": lambda m, g, s: scaled(groups(larger(m, s), g)),
    "not scaled to": lambda m, g, s: groups(larger(m, s), g),
    "scaled before they are upsampled": lambda m, g, s: groups(larger(scaled(m), s), g),
    'mode="nearest"': lambda m, g, s: groups(scaled(larger(m, s, "nearest")), g),
    "sum of a group's maps": lambda m, g, s: masks_right(m, g, s) * g.bincount()[:, None, None],
    r"gives the shape \(3, 4, 5\), but must give \(3, 12, 17\)": lambda m, g, s: groups(scaled(m), g),
    "gives a list, but must give a torch tensor": lambda m, g, s: list(masks_right(m, g, s)),
    "not finite": lambda m, g, s: masks_right(m, g, s) / 0,
    "away from the right answer by up to": lambda m, g, s: masks_right(m, g, s) ** 2,
}


def test_right_masks(capsys):
    algorithm.check_masks(masks_right)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize("told", MASKS)
def test_wrong_masks(told):
    with pytest.raises(NotRight, match=told):
        algorithm.check_masks(named(MASKS[told], "masks_of_groups"))


def named(function, name):
    function.__name__ = name
    return function


SCORES = {
    "whole image is not subtracted": lambda m, x, f: f(x * m[:, None]),
    "sign is turned round": lambda m, x, f: f(x) - f(x * m[:, None]),
    "absolute change": lambda m, x, f: (f(x * m[:, None]) - f(x)).abs(),
    "multiply by the mask, not by one minus it": lambda m, x, f: f(x * (1 - m[:, None])) - f(x),
    "a ratio": lambda m, x, f: f(x * m[:, None]) / f(x),
}


def test_right_scores():
    algorithm.check_scores(lambda m, x, f: f(x * m[:, None]) - f(x))


@pytest.mark.parametrize("told", SCORES)
def test_wrong_scores(told):
    with pytest.raises(NotRight, match=told):
        algorithm.check_scores(named(SCORES[told], "scores_of"))


def weigh(s, kept, factor):
    return torch.zeros(len(s)).scatter(0, kept, torch.softmax(s[kept] * factor, 0))


def inverse_tau(s, r):
    return math.log(1 + r * len(s))


WEIGHTS = {
    "drop the worst": lambda s, r: weigh(s, s.argsort(descending=True)[int(r * len(s)) :], inverse_tau(s, r)),
    "multiplied by tau": lambda s, r: weigh(s, s.argsort()[int(r * len(s)) :], 1 / inverse_tau(s, r)),
    "no temperature": lambda s, r: weigh(s, s.argsort()[int(r * len(s)) :], 1),
    "no group is dropped": lambda s, r: torch.softmax(s * inverse_tau(s, r), 0),
    "do not add up to 1": lambda s, r: torch.softmax(s * inverse_tau(s, r), 0).where(
        s >= s.sort().values[int(r * len(s))], 0
    ),
    r"\(1 - r\) K": lambda s, r: weigh(s, s.argsort()[int(r * len(s)) :], inverse_tau(s, 1 - r)),
    "one group too many": lambda s, r: weigh(s, s.argsort()[math.ceil(r * len(s)) :], inverse_tau(s, r)),
}


def test_right_weights():
    algorithm.check_weights(lambda s, r: weigh(s, s.argsort()[int(r * len(s)) :], inverse_tau(s, r)))


@pytest.mark.parametrize("told", WEIGHTS)
def test_wrong_weights(told):
    with pytest.raises(NotRight, match=told):
        algorithm.check_weights(named(WEIGHTS[told], "weights_of"))


def test_the_map_is_held_against_the_librarys(capsys):
    reference = ClusCAM(network(), n_clusters=6)(images(1)).saliency[0]
    algorithm.check_map(reference + 1e-6 * (1 - 2 * reference), reference)
    assert "differ by at most 1e-06" in capsys.readouterr().out
    with pytest.raises(NotRight, match="upside down"):
        algorithm.check_map(1 - reference, reference)
    with pytest.raises(NotRight, match=r"gives a map from 0.00 to 0.50; scale it to \[0, 1\]"):
        algorithm.check_map(reference / 2, reference)
    with pytest.raises(NotRight, match="away from the right answer"):
        algorithm.check_map(reference.flip(1), reference)
    with pytest.raises(NotRight, match="gives the shape"):
        algorithm.check_map(reference[None], reference)


def shuffled(labels, seed):
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))]


SHUFFLED = {
    "how large the groups are": lambda g, seed: torch.randint(0, 4, g.shape, generator=torch.manual_seed(seed)),
    "as they were": lambda g, seed: g,
    "on the seed": lambda g, seed: shuffled(g, 5),
    "a tensor of labels": lambda g, seed: list(g),
}


def test_random_groups_of_the_same_sizes():
    algorithm.check_shuffled(shuffled)
    for told, wrong in SHUFFLED.items():
        with pytest.raises(NotRight, match=told):
            algorithm.check_shuffled(wrong)


def three_lines(x):
    """This is no line of code."""
    y = x + 1

    # nor is this
    z = (
        y * 2)  # fmt: skip
    return z


def test_lines_are_counted_without_what_is_no_code():
    assert algorithm.lines_of(three_lines) == 4
    assert algorithm.lines_of(three_lines, shuffled) == 5


def test_an_answer_that_is_missing_or_stops_is_one_sentence():
    def not_there(x):
        raise NotImplementedError

    def stops(x):
        return x[3]

    with pytest.raises(NotRight, match="not_there is not written yet; write it above, and run that cell"):
        answer(not_there, 1)
    with pytest.raises(NotRight, match="stops stops with IndexError: list index out of range") as caught:
        answer(stops, [])
    assert caught.value._render_traceback_() == [f"Not yet: {caught.value}"]
