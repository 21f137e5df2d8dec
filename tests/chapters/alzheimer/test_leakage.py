"""Leakage: found where slices of one scan are in both parts, gone where scans are kept together."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.alzheimer import leakage
from analysis.chapters.alzheimer.leakage import (
    component_curve,
    leak_row,
    nearest,
    one_nearest,
    phantom_scans,
    plateau,
    twins,
    two_splits,
)
from analysis.paths import ROOT
from cluscam_lite.datasets.alzheimer.duplicates import components, features, pairs_above
from cluscam_lite.datasets.alzheimer.samples import THRESHOLD
from cluscam_lite.datasets.alzheimer.source import CONTENT_SHA256
from cluscam_lite.errors import CluscamError


@pytest.fixture(scope="module")
def scans():
    return phantom_scans(brains=16, slices=6)


def test_phantom_scans_know_their_scan(scans):
    assert scans.pixels.shape == (96, 128, 128) and len(np.unique(scans.scans)) == 16
    assert all(len(set(scans.labels[scans.scans == s])) == 1 for s in range(16))
    i, j, _ = pairs_above(features(scans.pixels), 0.98)
    found = components(96, i, j)
    assert len(set(zip(found, scans.scans, strict=True))) == len(np.unique(found))  # never two scans in one


def test_nearest_neighbours_against_numpys_correlations(monkeypatch):
    monkeypatch.setattr("cluscam_lite.datasets.alzheimer.duplicates.BLOCK", 3)  # so that there are several blocks
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 16), dtype=np.uint8)
    expected = np.corrcoef(pixels.reshape(8, 8, 2, 8, 2).mean((2, 4)).reshape(8, -1))
    np.fill_diagonal(expected, -np.inf)
    images = features(pixels)
    found = nearest(images)
    assert np.array_equal(found.index, expected.argmax(1)) and found.similarity == pytest.approx(
        expected.max(1), abs=1e-5
    )
    other = nearest(images[:2], images[2:])
    assert np.array_equal(other.index, expected[:2, 2:].argmax(1))


def test_a_constant_image_is_like_nothing_and_one_image_has_no_neighbour():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    pixels[0] = 0
    assert nearest(features(pixels)).similarity[0] == 0
    with pytest.raises(CluscamError, match="no other image"):
        nearest(features(pixels[:1]))


def test_a_random_split_leaks_and_a_split_by_scans_does_not(scans):
    table = two_splits(scans).set_index("split by")
    assert table.loc["slices", "accuracy"] > 95 and table.loc["slices", "shared"] > 95
    assert table.loc["scans", "accuracy"] < 75 and table.loc["scans", "shared"] == 0
    assert table.loc["slices", "median"] > table.loc["scans", "median"]
    assert (table["low"] <= table["accuracy"]).all() and (table["accuracy"] <= table["high"]).all()


def test_a_row_by_hand():
    """Two test images: a copy of a training image, and the likeness of one with another label."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (4, 8, 8), dtype=np.uint8)
    near = base[1].copy()
    near[0, 0] ^= 255
    pixels = np.stack([*base, base[0], near])
    labels = np.array([0, 1, 0, 1, 0, 0])
    images, train, test = features(pixels, pool=1), np.arange(4), np.array([4, 5])
    found, hit = one_nearest(images, labels, train, test)
    assert found.index.tolist() == [0, 1] and hit.tolist() == [True, False]
    assert found.similarity[0] == pytest.approx(1, abs=1e-5)
    row = leak_row(images, labels, np.array([0, 1, 2, 3, 0, 9]), train, test)
    assert row["accuracy"] == row["balanced"] == row["shared"] == 50 and row["groups"] == 2 and row["chance"] == 100
    assert sum(row["counts"]) == 2


def test_the_curve_and_its_plateau():
    """Two pairs of twins: joined below their likeness, and all in one below that of the pairs."""
    rng = np.random.default_rng(1)
    noise = rng.integers(-30, 31, (4, 16, 16))
    common, own = rng.integers(60, 196, (16, 16)), rng.integers(-60, 61, (2, 16, 16))
    pixels = np.stack([common + own[k // 2] + noise[k] for k in range(4)]).astype(np.uint8)
    curve = component_curve(features(pixels, pool=1), np.array([0, 0, 1, 1]), np.arange(0.0, 1.0, 0.01))
    assert curve["components"].iloc[0] == 1 and curve["components"].iloc[-1] == 4
    assert 2 in set(curve["components"])
    row = curve[curve["components"] == 2].iloc[0]
    assert row["smallest"] == row["largest"] == 2 and row["same label"] == 100
    steps = pd.DataFrame({"threshold": [0.1, 0.2, 0.3, 0.4], "components": [1, 2, 2, 5]})
    assert plateau(steps) == {"low": 0.2, "high": 0.3, "components": 2}


def test_twins_are_a_test_slice_and_its_nearest_training_slice(scans):
    one, other, similarity = twins(scans)
    assert similarity > 0.97 and not np.array_equal(one, other)


def test_the_committed_figures_are_of_the_pinned_data_and_threshold():
    figures = json.loads((ROOT / "results" / "reference" / "alzheimer" / "leakage.json").read_text())
    assert figures["data"] == CONTENT_SHA256 and figures["threshold"] == THRESHOLD
    assert figures["plateau"]["low"] <= THRESHOLD <= figures["plateau"]["high"]
    assert plateau(pd.DataFrame(figures["curve"])) == figures["plateau"]
    assert figures["splits"]["components, test"]["shared"] == 0
    for row in figures["splits"].values():
        assert sum(row["counts"]) == row["test"]


def test_without_the_slices_there_is_a_sentence(no_data_root, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("cluscam_lite.datasets.hub.reachable", lambda url: False)
    assert leakage.main(["--out", str(tmp_path / "leakage.json")]) == 2
    assert "the Alzheimer slices are not here" in capsys.readouterr().err
