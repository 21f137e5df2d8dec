"""Checks of the assignment on metrics: a map that fools one, a metric of one's own, and its property test."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from analysis.coursework.answers import NotRight, answer, right, tensor

Probability = Callable[[Tensor], Tensor]  # images (n, 3, H, W) -> the target's probability (n,)
Metric = Callable[[Probability, Tensor, Tensor], float]  # of a map (H, W) of x (1, 3, H, W): higher is better
SAME = 1e-4  # two values of a metric are called equal, as a share of what it can tell apart


@dataclass(frozen=True)
class Case:
    """A photograph for the checks: its input x (1, 3, H, W), its class's probability, and ClusCAM's map (H, W)."""

    name: str
    x: Tensor
    probability: Probability
    saliency: Tensor


@dataclass(frozen=True)
class Toy:
    """A network that looks at one square of the image alone, so that the right map is known.

    Its probability rises with the brightness of the square in `x` (1, 3, 32, 32), whose hidden pixels are 0; `truth`
    (32, 32) is 1 in the middle of the square and falls to 0 with the distance from there.
    """

    x: Tensor
    probability: Probability
    truth: Tensor


def toy(seed: int) -> Toy:
    """A `Toy` whose square, 8 pixels wide, is somewhere: where, depends on the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    row, column = torch.randint(0, 25, (2,), generator=generator).tolist()
    square = torch.zeros(32, 32)
    square[row : row + 8, column : column + 8] = 1
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    away = torch.hypot(rows - row - 3.5, columns - column - 3.5)  # from the middle of the square
    x = 1 + 0.1 * torch.randn(1, 3, 32, 32, generator=generator)

    def probability(images: Tensor) -> Tensor:
        return torch.sigmoid(8 * (images * square).sum((1, 2, 3)) / (3 * 64) - 4)

    return Toy(x, probability, 1 - away / away.max())


def average_drop(cases: Sequence[Case], maps: Sequence[Tensor]) -> float:
    """AD of a map (H, W) for each case, in percent, 0 to 100, lower is better (Eq. 11)."""
    return sum(drop(case.probability, case.x, one) for case, one in zip(cases, maps, strict=True)) / len(cases)


@torch.no_grad()
def drop(probability: Probability, x: Tensor, saliency: Tensor) -> float:
    """One image's drop of the probability p to o on the masked image, 100 max(0, p - o) / p, in percent."""
    p, o = (float(probability(images)[0]) for images in (x, x * saliency))
    return 100 * max(0.0, p - o) / p


def fake(saliency: Tensor) -> Tensor:
    """FakeCAM of the size of a map (H, W): ones, and a zero in the corner."""
    ones = torch.ones_like(saliency)
    ones[0, 0] = 0
    return ones


def check_fooling_map(fooling_map: Callable[[Tensor], Tensor], cases: Sequence[Case]) -> None:
    """Check ``fooling_map(x (1, 3, H, W)) -> (H, W)``: in [0, 1], not all alike, and a better AD than ClusCAM's."""
    maps = []
    for case in cases:
        shape = tuple(case.x.shape[-2:])
        one = tensor(answer(fooling_map, case.x.clone()), shape, "fooling_map")
        if one.min() < 0 or one.max() > 1:
            raise NotRight(f"fooling_map gives values from {one.min():.2f} to {one.max():.2f}; a map lies in [0, 1]")
        if one.min() == one.max():
            raise NotRight("fooling_map gives one value everywhere; a map must tell at least two pixels apart")
        maps.append(one.to(case.x.dtype))
    ours, theirs = average_drop(cases, maps), average_drop(cases, [case.saliency for case in cases])
    if ours >= theirs:
        raise NotRight(f"fooling_map has an AD of {ours:.1f} %, and ClusCAM {theirs:.1f} %: lower is better")
    right(f"an AD of {ours:.2f} %, where ClusCAM has {theirs:.1f} %, and the network was never asked.")


def check_brightest(brightest: Callable[[Tensor, float], Tensor]) -> None:
    """Check ``brightest(saliency (H, W), share) -> (H, W)``: 1 on that share of the pixels, the brightest, else 0."""
    saliency = torch.rand(20, 25, generator=torch.Generator().manual_seed(3)) ** 4  # most values are small
    for share in (0.2, 0.5):
        found = tensor(answer(brightest, saliency.clone(), share), (20, 25), "brightest")
        if not ((found == 0) | (found == 1)).all():
            raise NotRight("brightest gives values between 0 and 1; give 1 on the chosen pixels and 0 elsewhere")
        kept = float(found.mean())
        if abs(kept - share) > 0.01:
            by_value = float((saliency > 1 - share).double().mean())
            why = "; choose by rank, not by a fixed value" if abs(kept - by_value) < 0.01 else ""
            raise NotRight(
                f"brightest keeps {100 * kept:.0f} % of the pixels where {100 * share:.0f} % were asked for{why}"
            )
        if saliency[found == 1].min() < saliency[found == 0].max():
            raise NotRight("brightest does not keep the brightest pixels")
    right("the same coverage for every map.")


def check_metric(metric: Metric, cases: Sequence[Case]) -> None:
    """Check a metric of a student's own, a `Metric`. Raises NotRight with the first property that it has not.

    It must give a finite number for any map; prefer the right map of a network whose reason is known; not change when
    only the map's brightness does, since the order of the pixels stays; and rank FakeCAM below ClusCAM.
    """
    for seed in range(3):
        _holds(metric, toy(seed))
    values = [_value(metric, case.probability, case.x, case.saliency) for case in cases]
    fakes = [_value(metric, case.probability, case.x, fake(case.saliency)) for case in cases]
    ours, theirs = (sum(found) / len(cases) for found in (values, fakes))
    if theirs >= ours:
        raise NotRight(f"FakeCAM wins: it gets {theirs:.3g} and ClusCAM {ours:.3g}, on the mean of {len(cases)} images")
    right(f"ClusCAM gets {ours:.3g}, FakeCAM {theirs:.3g}, and brightness buys nothing.")


def _holds(metric: Metric, one: Toy) -> None:
    good, bad = (_value(metric, one.probability, one.x, found) for found in (one.truth, 1 - one.truth))
    if good <= bad:
        raise NotRight(
            f"on a network that looks at one square, the map of that square gets {good:.3g}, and its negative "
            f"{bad:.3g}; the right map must get more"
        )
    for power in (0.25, 4):
        again = _value(metric, one.probability, one.x, one.truth**power)
        if abs(again - good) > SAME * (good - bad):
            raise NotRight(
                f"a map and the same map to the power of {power} get {good:.3g} and {again:.3g}: the order of the "
                "pixels is the same, so brightness buys a score"
            )
    for constant in (0.0, 1.0):
        _value(metric, one.probability, one.x, torch.full_like(one.truth, constant))


def _value(metric: Metric, probability: Probability, x: Tensor, saliency: Tensor) -> float:
    with torch.no_grad():
        found = answer(metric, probability, x.clone(), saliency.clone())
    try:
        value = float(found)
    except (TypeError, ValueError) as error:
        raise NotRight(f"{metric.__name__} gives {type(found).__name__}, but must give one number") from error
    if not math.isfinite(value):
        raise NotRight(f"{metric.__name__} gives {value} for a map; it must give a finite number for any map")
    return value


def rewards_brightness(probability: Probability, x: Tensor, saliency: Tensor) -> float:
    """A broken metric: 100 less the drop. A brighter map of the same order gets more."""
    return 100 - drop(probability, x, saliency)


def says_always_the_same(probability: Probability, x: Tensor, saliency: Tensor) -> float:
    """A broken metric: 1 for every map."""
    return 1.0


BROKEN: tuple[Metric, ...] = (rewards_brightness, says_always_the_same)


def check_test(test_metric: Callable[[Metric], None], metric: Metric) -> None:
    """Check a student's property test: it lets `metric` through and stops `BROKEN` ones and the metric upside down.

    A test stops a metric by an AssertionError. Raises NotRight with what it lets through.
    """

    def upside_down(probability: Probability, x: Tensor, saliency: Tensor) -> float:
        """A broken metric: the student's own, with its sign turned round."""
        return -float(metric(probability, x, saliency))

    if not _lets_through(test_metric, metric):
        raise NotRight(f"{test_metric.__name__} stops your own metric")
    for broken in (*BROKEN, upside_down):
        if _lets_through(test_metric, broken):
            said = broken.__doc__.removeprefix("A broken metric: ").rstrip(".")
            raise NotRight(f"{test_metric.__name__} lets a broken metric through, {broken.__name__} ({said})")
    right(f"your test lets your metric through and stops {len(BROKEN) + 1} broken ones.")


def _lets_through(test_metric: Callable[[Metric], None], metric: Metric) -> bool:
    def passed(one: Metric) -> bool:
        try:
            test_metric(one)
        except AssertionError:
            return False
        return True

    passed.__name__ = test_metric.__name__
    return answer(passed, metric)
