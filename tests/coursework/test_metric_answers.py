"""The checks of the assignment on metrics: the right answers pass, typical wrong ones get a sentence of their own."""

import pytest
import torch

from analysis.coursework import metric
from analysis.coursework.answers import NotRight
from cluscam_lite.metrics import changes


@pytest.fixture(scope="module")
def cases():
    """Three toys as photographs; their right maps stand for ClusCAM's."""
    toys = [metric.toy(seed) for seed in range(3)]
    return [metric.Case(str(i), one.x, one.probability, one.truth) for i, one in enumerate(toys)]


def fakecam(x):
    saliency = torch.ones(x.shape[-2:])
    saliency[0, 0] = 0
    return saliency


FOOLING = {
    "0.00 to 255.00": lambda x: 255 * fakecam(x),
    "one value everywhere": lambda x: torch.ones(x.shape[-2:]),
    "lower is better": lambda x: 1 - fakecam(x),
    "gives the shape": lambda x: fakecam(x)[None],
    "stops with IndexError": lambda x: x[7],
}


def test_a_map_that_fools_ad(cases):
    metric.check_fooling_map(fakecam, cases)
    for told, wrong in FOOLING.items():
        wrong.__name__ = "fooling_map"
        with pytest.raises(NotRight, match=told):
            metric.check_fooling_map(wrong, cases)


def test_the_drop_is_the_librarys(cases):
    case = cases[0]
    p, o = (float(case.probability(x)[0]) for x in (case.x, case.x * case.saliency))
    assert metric.drop(case.probability, case.x, case.saliency) == pytest.approx(float(changes(p, o)["drop"]))
    assert metric.average_drop(cases, [torch.ones(32, 32)] * 3) == 0


def by_rank(saliency, share):
    mask = torch.zeros(saliency.numel())
    mask[saliency.flatten().argsort(descending=True)[: round(share * saliency.numel())]] = 1
    return mask.view_as(saliency)


BRIGHTEST = {
    "choose by rank, not by a fixed value": lambda s, share: (s > 1 - share).float(),
    "does not keep the brightest": lambda s, share: by_rank(-s, share),
    "values between 0 and 1": lambda s, share: s * by_rank(s, share),
    "keeps 80 % of the pixels where 20 % were asked for": lambda s, share: by_rank(s, 1 - share),
}


def test_the_brightest_share():
    metric.check_brightest(by_rank)
    for told, wrong in BRIGHTEST.items():
        with pytest.raises(NotRight, match=told):
            metric.check_brightest(wrong)


def top_less_bottom(probability, x, saliency):
    top, bottom = saliency > saliency.quantile(0.8), saliency < saliency.quantile(0.2)
    return float(probability(x * top)[0] - probability(x * bottom)[0])


METRICS = {
    "so brightness buys a score": metric.rewards_brightness,
    "its negative 1; the right map must get more": metric.says_always_the_same,
    "the right map must get more": lambda p, x, s: -top_less_bottom(p, x, s),
    "must give one number": lambda p, x, s: "good",
    "stops with ZeroDivisionError": lambda p, x, s: 1 / 0,
}


def test_a_metric_of_ones_own(cases):
    metric.check_metric(top_less_bottom, cases)


@pytest.mark.parametrize("told", METRICS)
def test_a_metric_without_a_property(told, cases):
    with pytest.raises(NotRight, match=told):
        metric.check_metric(METRICS[told], cases)


def test_a_metric_must_be_finite_for_a_map_without_contrast(cases):
    def divides(probability, x, saliency):
        return top_less_bottom(probability, x, saliency) / float(saliency.std().sign().nan_to_num()) ** 2

    def nan(probability, x, saliency):
        return float("nan") if saliency.std() == 0 else top_less_bottom(probability, x, saliency)

    with pytest.raises(NotRight, match="ZeroDivisionError"):
        metric.check_metric(divides, cases)
    with pytest.raises(NotRight, match="gives nan for a map; it must give a finite number for any map"):
        metric.check_metric(nan, cases)


def test_a_metric_that_fakecam_wins(cases):
    def prefers_hiding_little(probability, x, saliency):
        ones = (saliency == saliency.max()).float().mean()  # FakeCAM's share is nearly one, any other map's nearly zero
        return top_less_bottom(probability, x, saliency) + 2 * float(ones > 0.5)

    with pytest.raises(NotRight, match="FakeCAM wins"):
        metric.check_metric(prefers_hiding_little, cases)


def right_test(one):
    for seed in range(3):
        case = metric.toy(seed)
        good = one(case.probability, case.x, case.truth)
        assert good > one(case.probability, case.x, 1 - case.truth)
        assert abs(good - one(case.probability, case.x, case.truth**3)) < 1e-4


def asserts_nothing(one):
    one(metric.toy(0).probability, metric.toy(0).x, metric.toy(0).truth)


def only_direction(one):
    case = metric.toy(0)
    assert one(case.probability, case.x, case.truth) > one(case.probability, case.x, 1 - case.truth)


def only_order(one):
    case = metric.toy(0)
    good, again = (one(case.probability, case.x, found) for found in (case.truth, case.truth**3))
    assert abs(good - again) < 1e-4


def too_strict(one):
    assert one(metric.toy(0).probability, metric.toy(0).x, metric.toy(0).truth) > 100


TESTS = {
    asserts_nothing: "lets a broken metric through, rewards_brightness",
    only_direction: "lets a broken metric through, rewards_brightness",
    only_order: "lets a broken metric through, says_always_the_same",
    too_strict: "stops your own metric",
}


def test_a_property_test(capsys):
    metric.check_test(right_test, top_less_bottom)
    assert "stops 3 broken ones" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", TESTS, ids=lambda wrong: wrong.__name__)
def test_a_property_test_that_cannot_fail(wrong):
    with pytest.raises(NotRight, match=TESTS[wrong]):
        metric.check_test(wrong, top_less_bottom)


def test_toys_know_their_reason():
    for seed in range(20):
        one = metric.toy(seed)
        row, column = divmod(int(one.truth.argmax()), 32)
        shown = torch.zeros(32, 32)
        shown[max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5] = 1
        whole, alone, rest = (float(one.probability(x)[0]) for x in (one.x, one.x * shown, one.x * (1 - shown)))
        assert alone > 0.9 * whole and rest < 0.1
        assert one.truth.min() == 0 and 0.95 < one.truth.max() <= 1
