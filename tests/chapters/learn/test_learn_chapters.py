"""The first chapters: maps that are put to the test, logits taken apart, single maps, the metric, the family."""

import re

import numpy as np
import pytest
import torch
from analysis.chapters.learn.gap import mean_gradients, pooled_logit
from analysis.chapters.learn.single_maps import coverage_correlation, explained_share, nearest_correlation, single_maps
from drawn import dots, heights, lines, titles, widths
from tiny import images, network

from analysis.chapters.learn import figures
from analysis.chapters.learn.example import example_of
from analysis.chapters.learn.family import FAMILIES, MEMBERS, family_figure, in_order
from analysis.chapters.learn.saliency import SHOWN, brightest, correlations, extreme_pair, maps_of, predictions
from analysis.paths import ROOT
from cluscam_lite import load_dataset
from cluscam_lite.algorithm.masks import masks_of
from cluscam_lite.errors import CluscamError, NotApplicable
from cluscam_lite.methods import METHODS

BIBLIOGRAPHY = ROOT / "book" / "references.bib"


@pytest.fixture(scope="module")
def cnn():
    return example_of("scene_cnn", "scene:2")


def test_the_example_is_the_networks_first_choice(cnn):
    with torch.no_grad():
        output = cnn.network(cnn.x)[0]
    assert cnn.target == int(output.argmax()) and cnn.class_name == cnn.spec.class_names[cnn.target]
    assert cnn.logit == pytest.approx(float(output[cnn.target]), abs=1e-5)
    assert cnn.probability == pytest.approx(100 * float(output.softmax(0)[cnn.target]), abs=1e-3)
    seen = np.asarray(cnn.spec.preprocess().view(load_dataset("scenes", n=3)[2].image)) / 255
    np.testing.assert_allclose(cnn.photo, seen, atol=1e-6)


def test_brightest_has_the_area_asked_for_whatever_the_ties():
    saliency = torch.tensor([[0.1, 0.9], [0.5, 0.5]])
    assert brightest(saliency, 0.25).tolist() == [[0, 1], [0, 0]]
    assert brightest(saliency, 0.5).tolist() == [[0, 1], [1, 0]]  # of equals, the earlier
    assert brightest(torch.zeros(4, 4), 0.25).sum() == 4
    assert brightest(saliency, 0).sum() == 0 and brightest(saliency, 1).sum() == 4
    assert torch.equal(brightest(saliency, 0.5), brightest(saliency**3, 0.5))  # only the order counts
    with pytest.raises(CluscamError, match="expected a part of the pixels from 0 to 1"):
        brightest(saliency, 20)


def test_predictions_against_a_network_known_by_heart():
    """The logit is the sum of the pixels, so showing and hiding share it out exactly."""

    def output(x):
        return torch.stack([x.sum((1, 2, 3)), -x.sum((1, 2, 3))], 1)

    x = torch.zeros(1, 3, 4, 4)
    x[..., 1, 2] = 1  # 3 in all
    right, wrong = torch.zeros(4, 4), torch.zeros(4, 4)
    right[1, 2], wrong[3, 3] = 1, 1
    table = predictions(output, x, {"right": right, "wrong": wrong}, 0, share=1 / 16)
    assert table["shown"].tolist() == [3, 0] and table["hidden"].tolist() == [0, 3]


def test_correlations_and_their_extremes():
    a = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    table = correlations({"a": a, "twice": 2 * a, "minus": -a, "other": torch.tensor([[1.0, 0.0], [0.0, 1.0]])})
    assert extreme_pair(table, largest=True) == ("a", "twice", pytest.approx(1))
    first, second, least = extreme_pair(table, largest=False)
    assert {first, second} <= {"a", "twice", "minus"} and least == pytest.approx(-1)


def test_six_maps_of_the_transformer_contradict_each_other():
    example = example_of("scene_vit", "scene:5")
    maps = maps_of(example)
    assert list(maps) == [METHODS[name].title for name in SHOWN]
    assert all(saliency.shape == (96, 96) for saliency in maps.values())
    assert extreme_pair(correlations(maps), largest=False)[2] < 0
    assert titles(figures.six_maps_figure(example, maps))[1:] == [*maps, "mean of the six"]
    table = predictions(example.network, example.x, maps, example.target, 0.2)
    drawn = dots(figures.predictions_figure(table, example.logit).axes[0])
    assert drawn[:, 0].tolist() == pytest.approx([*table["shown"], *table["hidden"]])


def test_a_pooled_logit_is_a_sum_over_maps_and_a_mean_over_places():
    net, x = network(), images(1)
    pooled = pooled_logit(net, "1", x, 3)
    with torch.no_grad():
        maps = net[1](net[0](x))[0]
        literal = sum(float(net[4].weight[3, i]) * float(maps[i].mean()) for i in range(len(maps)))
    assert float(pooled.terms.sum()) == pytest.approx(literal, abs=1e-5)
    assert literal + pooled.bias == pytest.approx(pooled.logit, abs=1e-5)
    assert float(pooled.places.mean()) == pytest.approx(literal, abs=1e-5)


def test_gradients_are_the_weights_over_the_number_of_places():
    net, x = network(), images(1)
    pooled = pooled_logit(net, "1", x, 3)
    found = mean_gradients(net, "1", x, 3)
    torch.testing.assert_close(found * pooled.maps[0].numel(), pooled.weights, rtol=0, atol=1e-6)
    assert not net[1]._forward_hooks and net[4].weight.grad is None


def test_a_network_without_pooling_has_no_such_sum():
    example = example_of("scene_vit", "scene:2")
    with pytest.raises(NotApplicable, match="not a linear function of the means of 'blocks.5'"):
        pooled_logit(example.network, "blocks.5", example.x, example.target)


def test_single_maps_have_the_literal_scores(cnn):
    single = single_maps(cnn)
    assert single.forward_passes == 129 and len(single.scores) == 128
    for i in (0, 77):
        mask = masks_of(single.maps[None, i : i + 1], (96, 96))[0, 0]
        with torch.no_grad():
            logit = float(cnn.network(cnn.x * mask)[0, cnn.target])
        assert float(single.scores[i]) == pytest.approx(logit - cnn.logit, abs=1e-4)
        assert float(single.coverage[i]) == pytest.approx(float(mask.mean()), abs=1e-6)
    assert -1 <= coverage_correlation(single) <= 1
    above = titles(figures.single_maps_figure(single, n=8, columns=4))
    shown = [float(title.replace("−", "-")) for title in above]
    assert len(shown) == 8 and shown == sorted(shown, reverse=True)
    assert (shown[0], shown[-1]) == pytest.approx((float(single.scores.max()), float(single.scores.min())), abs=0.051)


def test_nearest_correlation_and_shares_by_hand():
    a = torch.tensor([[0.0, 1.0], [2.0, 5.0]])
    b = torch.tensor([[1.0, -1.0], [0.0, 0.0]])
    found = nearest_correlation(torch.stack([a, 3 * a + 1, b, torch.zeros(2, 2)]))
    assert found[:2].tolist() == pytest.approx([1, 1])
    assert float(found[2]) == pytest.approx(max(0, np.corrcoef(a.flatten(), b.flatten())[0, 1]), abs=1e-6)
    assert float(found[3]) == pytest.approx(0)  # a constant map is like no other
    four = torch.eye(4).view(4, 2, 2)
    assert explained_share(four).tolist() == pytest.approx([0.25, 0.5, 0.75, 1])


def test_the_family_is_one_tree_of_known_methods():
    keys = {member.key for member in MEMBERS}
    assert len(keys) == len(MEMBERS) == len(list(in_order()))  # nobody is left out, nobody twice
    assert [member.key for member in MEMBERS if not member.parent] == ["cam"]
    assert {member.family for member in MEMBERS} == set(FAMILIES)
    rivals = {name for name, info in METHODS.items() if info.kind in ("rival", "cluscam")}
    variants = {"opticam_norm", "polycam_plus", "polycam_minus"}
    assert rivals - variants == keys - {"clustercam"}  # cited, not implemented


def test_the_familys_years_are_those_of_the_bibliography():
    text = BIBLIOGRAPHY.read_text()
    for member in MEMBERS:
        entry = re.search(rf"^@\w+{{{member.key},(.*?)^}}", text, re.S | re.M).group(1)
        assert int(re.search(r"year\s*=\s*{(\d+)}", entry).group(1)) == member.year, member.key


def test_every_member_is_drawn():
    texts = [text.get_text() for text in family_figure().axes[0].texts]
    assert all(any(member.title in text and str(member.year) in text for text in texts) for member in MEMBERS)
    assert all(member.change in texts for member in MEMBERS)


def test_the_other_figures_show_their_numbers(cnn):
    pooled = pooled_logit(cnn.network, "stage4", cnn.x, cnn.target)
    bars = widths(figures.pooled_figure(pooled).axes[-1])
    assert bars[-1] == pytest.approx(pooled.logit) and sum(bars[:-1]) == pytest.approx(pooled.logit, abs=1e-4)
    gradients = mean_gradients(cnn.network, "stage4", cnn.x, cnn.target)
    drawn = figures.cam_figure(cnn.photo, torch.zeros(96, 96), torch.zeros(96, 96), pooled.weights, gradients)
    np.testing.assert_allclose(dots(drawn.axes[2]), torch.stack([pooled.weights, gradients], 1), rtol=1e-6)
    single = single_maps(cnn)
    against = dots(figures.coverage_scatter(single).axes[0])
    np.testing.assert_allclose(against, torch.stack([100 * single.coverage, single.scores], 1), rtol=1e-6)
    shares, similar = figures.rank_figure(single, 6.0, nearest_correlation(single.maps)).axes
    np.testing.assert_allclose(lines(shares)[0][:, 1], 100 * explained_share(single.maps))
    assert lines(shares)[1][:, 0].tolist() == [6, 6] and sum(heights(similar)) == 128
