"""The pages of the chapter: Table 6 beside the run, mean maps, figures, and what is said of them."""

import numpy as np
import pandas as pd
import pytest
import torch
from slice_rows import rows_by_hand

from analysis.chapters.alzheimer import figures as alzheimer_figures
from analysis.chapters.alzheimer import page as alzheimer_chapter
from analysis.chapters.alzheimer import tables as alzheimer_tables
from analysis.chapters.alzheimer.maps.class_maps import with_class_maps
from analysis.chapters.alzheimer.plan import OTHER_SEEDS, RESNET, VIT
from analysis.engine.contract import empty_rows
from analysis.judging.rules import WORDS
from analysis.paper.tables import paper_table
from analysis.studies.registry import find_study
from cluscam_lite.datasets.phantoms.phantom import phantom_at

OWN = {"dataset": "phantoms", "models": ["phantom_cnn", "phantom_vit"]}
NOTHING = empty_rows(find_study("alzheimer"))  # the rows of a run that has not begun


def test_mean_maps_are_of_lent_clusters_alone():
    rows = rows_by_hand(models=("phantom_cnn",), methods=("cluscam",))
    rows = rows.assign(**with_class_map(rows))
    twice = pd.concat([rows, rows.assign(variant="tuned, argmax")])
    one, other = (alzheimer_chapter.mean_maps(r, "phantom_cnn", "paper", ("cluscam",)) for r in (rows, twice))
    assert {k: n for k, (_, n) in one["ClusCAM"].items()} == {k: n for k, (_, n) in other["ClusCAM"].items()}


def with_class_map(rows):
    """Columns that hold one mean map of every image."""
    maps = {i: (0, torch.ones(64, 64)) for i in rows["image_id"]}
    found = with_class_maps(rows[["image_id"]].assign(target=0), maps, 1)
    return {name: found[name].to_numpy() for name in ("target", "class_map", "class_images")}


def test_table_6_is_the_papers():
    six, two = paper_table(6), paper_table(2)
    assert len(six) == 288 and (six["value"] == six["printed"].astype(float)).all()
    means = six.groupby(["family", "metric", "method"])["value"].agg(["mean", "std"]).round(2).reset_index()
    both = means.merge(two[two["dataset"] == "Alzheimer"], on=["family", "metric", "method"])
    assert len(both) == 48
    assert (both["mean"] - both["value"]).abs().max() < 0.011 and (both["std_x"] - both["std_y"]).abs().max() < 0.011


def test_what_the_chapter_says_of_table_6():
    assert alzheimer_tables.cells_fitting(1279) == "94 of 96" and alzheimer_tables.cells_fitting(900) == "14 of 96"
    cells = paper_table(6).query("model == 'EfficientNet'").pivot(index="method", columns="metric", values="value")
    assert len(cells) == 8 and (cells["AG"] > cells["IC"]).all()


def test_table_6_beside_the_run():
    rows = rows_by_hand()
    means = alzheimer_tables.means_beside(rows)
    page = alzheimer_tables.table_6(means, "IC").set_index("method")
    assert page.loc["ClusCAM", "paper, ResNet-18"] == "47.3" and page.loc["Donor masks", "paper, ViT-B"] == "–"
    mine = rows[(rows["model"] == VIT) & (rows["method"] == "cluscam")]["increase"].mean()
    (row,) = means[(means["model"] == VIT) & (means["method"] == "cluscam")].to_dict("records")
    expected = f"{mine:.1f} [{row['IC low']:.1f},\N{NO-BREAK SPACE}{row['IC high']:.1f}]"
    assert page.loc["ClusCAM", "reference run, ViT-Tiny/16 (seed 0), patch embedding"] == expected
    few = alzheimer_tables.means_beside(rows[(rows["method"] != "donor") | (rows["image_id"] < "test-00008")])
    page = alzheimer_tables.table_6(few, "AG").set_index("method")
    assert page.loc["Donor masks", "reference run, ResNet-18 (seed 0)"].endswith("] (8)")
    assert page.loc["CAM", "reference run, ResNet-18 (seed 0)"] == "not run"
    empty = alzheimer_tables.table_6(alzheimer_tables.means_beside(NOTHING), "AD")
    assert set(empty["reference run"]) == {"not run"}


def test_two_layers_of_a_network_on_the_same_slices():
    rows = rows_by_hand(models=(RESNET,), n=24)
    earlier = rows_by_hand(models=(RESNET,), n=12, methods=("cluscam", "donor")).assign(layer="layer3", increase=100.0)
    page = alzheimer_tables.layers_page(pd.concat([rows, earlier])).set_index("method")
    assert page.index.tolist() == ["ClusCAM", "Donor masks"] and set(page["IC, layer3"]) == {"100.0"}
    same = rows[(rows["method"] == "donor") & (rows["image_id"] < "test-00012")]["increase"].mean()
    assert page.loc["Donor masks", "IC, last stage"] == f"{same:.1f}"
    assert "not run" in alzheimer_tables.layers_page(rows).to_string()
    assert "not run" in alzheimer_tables.layers_page(NOTHING).to_string()
    beside = alzheimer_tables.means_beside(pd.concat([rows, earlier]))
    assert set(beside["panel"]) == {"paper"}


def test_pictures_of_phantoms():
    phantom = phantom_at(3)
    grades = alzheimer_figures.grades(phantom)
    assert len(grades) == 5 and all(picture.shape == (128, 128, 3) for picture in grades.values())
    maps, said = {"A": torch.rand(128, 128), "B": torch.ones(128, 128)}, {"A": 50.0, "B": 61.2}
    assert [*alzheimer_figures.example_pictures(phantom, maps, said)][1:] == ["what differs", "A, AUC 50", "B, AUC 61"]
    means = {"A": {0: (np.ones((16, 16)), 7), 2: (np.zeros((16, 16)), 9)}, "B": {2: (np.ones((16, 16)), 9)}}
    assert [*alzheimer_figures.class_pictures(means, ("a", "b_b", "c"))] == ["A: a (7)", "A: c (9)", "B: c (9)"]
    assert alzheimer_figures.similarity_figure(alzheimer_tables.leakage()).axes


def test_class_means_of_two_methods_are_compared(monkeypatch):
    ramp = np.linspace(0, 1, 256).reshape(16, 16)
    means = {"ClusCAM": {0: (ramp, 7), 1: (ramp, 9)}, "Donor masks": {0: (2 * ramp, 7), 1: (1 - ramp, 9), 2: (ramp, 5)}}
    monkeypatch.setattr(alzheimer_chapter, "mean_maps", lambda *_: means)
    assert alzheimer_chapter.likeness_text(VIT, "last", "cluscam", "donor") == "-1.00 to 1.00"
    del means["Donor masks"]
    assert alzheimer_chapter.likeness_text(VIT, "last", "cluscam", "donor") == "not run"


def test_figures_of_the_reference_run_or_not_run(monkeypatch):
    monkeypatch.setattr(alzheimer_chapter, "reference", lambda study="alzheimer": empty_rows(find_study(study)))
    places = (
        alzheimer_chapter.reference_ranks(alzheimer_chapter.ranks()),
        alzheimer_chapter.reference_means(VIT, "last", ("cluscam",)),
    )
    assert all("not run" in place.to_html() for place in places)  # a table, in the place of a figure or of pictures
    rows = rows_by_hand(models=(VIT, *OTHER_SEEDS), n=40)
    monkeypatch.setattr(alzheimer_chapter, "reference", lambda study="alzheimer": rows)
    assert alzheimer_chapter.reference_ranks(alzheimer_chapter.ranks()).axes


def test_an_example_of_maps():
    phantom, maps, said = alzheimer_chapter.example("phantom_cnn", "paper", 2, ("gradcam", "edges"))
    assert phantom == phantom_at(2) and list(maps) == list(said) == ["GradCAM", "Edges"]


def test_the_public_split_leaks_in_words():
    leak = alzheimer_tables.leakage()
    page = alzheimer_tables.leakage_table(leak, pd.DataFrame([leak["splits"]["paper, test"] | {"split by": "slices"}]))
    assert page["of a head seen in training, %"].tolist() == ["100", "0", "100"]


def test_the_claims_of_the_chapter_are_not_run_or_judged():
    page = alzheimer_tables.claim_rows(alzheimer_tables.reference())
    assert page["claim"].tolist() == ["C5a", "C5b", "C5c", *["C5d"] * 6, *["C5e"] * 6, *["C5n"] * 3]
    assert set(page["decision"]) <= {*WORDS}
    assert set(page.loc[page["claim"].isin(["C5d", "C5e"]), "decision"]) == {"not tested"}


@pytest.mark.parametrize(
    ("profile", "n_images", "seed", "expected"),
    [
        ("smoke", 1, 0, {"profile": "smoke", "n_images": 1, "seed": 0}),
        ("reference", 3, 0, {"profile": "embedded"}),
        ("mine", 2, 1, {"profile": "mine", "n_images": 2, "seed": 1} | OWN),
        ("embedded", 2, 0, {"profile": "embedded", "n_images": 2, "seed": 0} | OWN),  # not what that profile says
    ],
)
def test_the_phantoms_of_a_profile(monkeypatch, profile, n_images, seed, expected):
    asked = []
    monkeypatch.setattr(alzheimer_chapter, "study_rows", lambda study, mine: asked.append((study.name, mine)))
    alzheimer_chapter.phantom_rows(profile, n_images, seed)
    assert asked == [("alzheimer", expected), ("sanity", expected)]
