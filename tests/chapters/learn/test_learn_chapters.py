"""The first chapters: maps that are put to the test, single maps, the metric, the family."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from drawn import titles

from analysis.chapters.learn import figures
from analysis.chapters.learn.example import example_of
from analysis.chapters.learn.family import FAMILIES, MEMBERS, family_figure, in_order
from analysis.chapters.learn.saliency import (
    SHOWN,
    alike,
    brightest,
    extreme_pair,
    in_words,
    maps_of,
    named,
    of_all,
    outcome_words,
    predictions,
)
from analysis.paths import ROOT
from cluscam_lite import load_dataset
from cluscam_lite.errors import CluscamError
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
    both = predictions(output, x, {"both": torch.stack([right, wrong])}, 0, share=1 / 16)  # several of one name
    assert both["map"].tolist() == ["both", "both"] and both["shown"].tolist() == [3, 0]


def test_the_pair_that_agrees_least_and_the_groups_that_agree():
    names = ["a", "b", "c", "d"]
    values = [[1, 0.96, 0.5, -0.2], [0.96, 1, 0.95, 0.1], [0.5, 0.95, 1, 0.3], [-0.2, 0.1, 0.3, 1]]
    table = pd.DataFrame(values, names, names)
    assert extreme_pair(table, largest=True) == ("a", "b", 0.96)
    assert extreme_pair(table, largest=False) == ("a", "d", -0.2)
    assert alike(table, 0.95) == [["a", "b", "c"], ["d"]]  # a and c through b
    assert alike(table, 0.96) == [["a", "b"], ["c"], ["d"]] and alike(table, -1) == [names]


def test_names_and_counts_in_words():
    assert [named(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [of_all(n, 6) for n in (0, 4, 6)] == ["none of the six", "four of the six", "all six"]
    assert in_words(3) == "three"


def test_maps_of_the_transformer_contradict_each_other():
    example = example_of("scene_vit", "scene:5")
    maps = maps_of(example)
    assert list(maps) == [METHODS[name].title for name in SHOWN]
    assert all(saliency.shape == (96, 96) for saliency in maps.values())
    table = pd.DataFrame({name: saliency.flatten().numpy() for name, saliency in maps.items()}).corr()
    assert extreme_pair(table, largest=False)[2] < 0


def test_single_maps_are_drawn_by_falling_score():
    scores = torch.tensor([-1.5, 2.0, 0.25])
    drawn = figures.single_maps_figure(torch.rand(3, 6, 6), scores, columns=2)
    assert titles(drawn) == ["+2.0", "+0.2", "−1.5"] and len(drawn.axes) == 4 and not drawn.axes[3].axison


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


def test_the_test_of_maps_in_words():
    names, hidden = ["A", "B", "C", "random regions", "random regions"], [-1.25, 4.0, 2.0, 3.0, 4.0]
    rows = pd.DataFrame({"map": names, "hidden": hidden, "shown": [9.0, 8.0, 7.0, 1.0, 2.5], "whole": 10.0})
    rows = rows.assign(image="scene: a ring", showing=[True, True, True, None, None])
    words = outcome_words(rows.assign(hiding=[True, False, True, None, None]))
    assert words["class"] == "a ring" and words["hiding"] == "two of the three" and words["showing"] == "all three"
    assert (words["best"], words["lowest"], words["worst"], words["highest"]) == ("A", "−1.2", "B", "4.0")
    assert (words["whole"], words["random_shown"], words["random_hidden"]) == ("10.0", "1.8", "3.5")
