"""The gallery: its maps are those of the methods, and what is measured of them is what it is called."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.chapters.qualitative.entries import FOLDER, SHOWN, SIDE, Entry, Place, entry, make, places, small, stored
from analysis.chapters.qualitative.gallery import (
    brightness,
    find,
    focus,
    gallery_widget,
    likeness,
    map_grid,
    parts,
    text_of,
)
from cluscam_lite import load_model
from cluscam_lite.datasets.photographs import SETTINGS


@pytest.fixture(scope="module")
def entries():
    return stored()


def drawn(*maps, image="scene:2", **place):
    """An entry of hand-made maps: ClusCAM's, GradCAM's, ... in the registry's order."""
    rows = pd.DataFrame([{"method": name, "drop": 1.0, "reason": ""} for name in SHOWN[: len(maps)]])
    given = {"model": "scene_cnn", "panel": "paper", "setting": "different"} | place
    return Entry(Place(image=image, **given), np.zeros((96, 96, 3)), rows, np.stack(maps).astype(np.uint8))


def test_every_entry_is_there_and_has_every_method(entries):
    assert [e.place for e in entries] == list(places())
    assert {e.place.setting for e in entries if e.place.model == "efficientnet_lite0"} == set(SETTINGS)
    for one in entries:
        assert one.rows["method"].tolist() == list(SHOWN) and one.maps.shape == (len(SHOWN), SIDE, SIDE)
        without = one.rows["drop"].isna()
        assert (one.rows.loc[without, "reason"] != "").all() and (one.rows.loc[~without, "reason"] == "").all()
        assert not one.maps[without.to_numpy()].any()


def test_a_stored_map_can_be_made_again(entries):
    names = ("cluscam", "gradcam", "scorecam", "cam", "smooth")
    for model, panel in (("scene_cnn", "paper"), ("scene_vit", "last")):
        old = find(entries, model, "same", panel)
        rows, maps = entry(load_model(model), old.place, names)
        kept = old.rows.set_index("method").loc[list(names)]
        np.testing.assert_allclose(rows["drop"], kept["drop"], atol=0.05)
        np.testing.assert_allclose(rows["gain"], kept["gain"], atol=0.05)
        assert (rows["class"] == kept["class"].to_numpy()).all()
        order = [SHOWN.index(name) for name in names]
        assert int(np.abs(maps.astype(int) - old.maps[order].astype(int)).max()) <= 2


def test_what_is_there_is_not_made_again(tmp_path, monkeypatch):
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr("analysis.chapters.qualitative.entries.load_model", None)  # nothing may be loaded
    make(tmp_path)
    assert len(stored(tmp_path)) == len(list(places()))


def test_a_stored_pixel_is_the_mean_of_those_it_covers():
    saliency = torch.zeros(112, 112)
    saliency[:2, :2] = 1
    saliency[2:4, :2] = 0.5
    found = small(saliency)
    assert found.shape == (SIDE, SIDE) and found[0, 0] == 255 and found[1, 0] == 128 and found.sum() == 383


def test_parts_are_the_objects(entries):
    collage = parts(find(entries, "efficientnet_lite0", "same"))
    assert list(collage) == ["chelsea (above)", "chelsea (below)"]
    above, below = collage.values()
    assert above.sum() == below.sum() == above.size / 2 and not (above & below).any() and above[0].all()
    scene = parts(find(entries, "scene_cnn", "different"))
    assert len(scene) >= 2 and all(mask.dtype == bool and 0 < mask.mean() < 0.3 for mask in scene.values())


def test_brightness_is_the_share_of_the_means():
    first = next(iter(parts(drawn(np.zeros((SIDE, SIDE)))).values()))
    on_first = np.asarray(torch.nn.functional.adaptive_max_pool2d(torch.tensor(first)[None].float(), SIDE)[0]) * 255
    found = brightness(drawn(np.full((SIDE, SIDE), 90), on_first, np.zeros((SIDE, SIDE))))
    assert found.iloc[0].tolist() == pytest.approx([50, 50])
    assert found.iloc[1, 0] > 99 and found.iloc[2].isna().all()
    ratios = focus(drawn(np.full((SIDE, SIDE), 90), on_first)).set_index("method")["ratio"]
    assert ratios["cluscam"] == pytest.approx(1) and ratios["gradcam"] > 5


def test_likeness_is_spearmans():
    ramp = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 251
    found = likeness(drawn(ramp, ramp // 2, 250 - ramp, np.zeros((SIDE, SIDE))))
    assert found["GradCAM"] == pytest.approx(1, abs=1e-3) and found["GradCAM++"] == pytest.approx(-1)
    assert np.isnan(found["ScoreCAM"]) and "ClusCAM" not in found


def test_a_map_that_is_not_there_says_why(entries):
    row = pd.Series({"drop": np.nan, "reason": "it does not fit this network"})
    assert text_of(row) == "it does not fit this network"
    assert text_of(pd.Series({"drop": 12.4, "gain": 0.0, "reason": ""})) == "drop 12 %, gain 0 %"
    patch = find(entries, "scene_vit", "single")
    text = map_grid(patch, ("cluscam", "cam")).data
    assert text.count("<img") == 2  # the image and one map


def test_the_gallery_holds_every_entry_and_stays_small(entries):
    text = gallery_widget(entries).data
    assert text.count('"sheet":') == len(entries) and len(text) < 1_500_000
    assert 'for="cw-gallery-image"' in text and 'id="cw-gallery-image"' in text
    renamed = [replace(one, place=replace(one.place, setting="single")) for one in entries[:1]]
    assert "one object: chelsea" in gallery_widget(renamed).data
