"""The chapter of maps side by side: its images, its maps, and how like ClusCAM's map each of the others is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis.chapters.qualitative import page
from analysis.chapters.qualitative.page import Gallery, agreement_table, gallery, pictures
from analysis.studies.plans.file import groups_of_methods
from cluscam_lite import load_dataset, load_model
from cluscam_lite.datasets.scenes.scene import SETTINGS
from cluscam_lite.methods import METHODS

OURS = METHODS["cluscam"].title


def test_each_setting_of_the_scenes_has_a_picture():
    shown = [np.asarray(image) for image in pictures("scenes", "", None)]
    first = [np.asarray(load_dataset("scenes", part="test", n=1, setting=s)[0].image) for s in SETTINGS]
    assert len(shown) == 3 and all(np.array_equal(a, b) for a, b in zip(shown, first, strict=True))


def test_agreement_is_the_mean_over_images_where_both_have_a_map():
    own = torch.rand(32, 32, generator=torch.Generator().manual_seed(0))
    others = {"same order": [own**3, own], "inverted": [1 - own, 1 - own], "flat": [own * 0, own * 0]}
    others |= {"half": [own, 1 - own], "one refused": [None, own]}
    found = agreement_table({"net": Gallery([], [], {OURS: [own, own]}, others)}).set_index("method")["net"]
    assert found.to_dict() == {
        "same order": "+1.00", "inverted": "-1.00", "flat": "–", "half": "+0.00", "one refused": "+1.00",
    }  # fmt: skip


@pytest.mark.parametrize("library", ["embedded", "timm"])
def test_methods_of_hundreds_of_passes_are_left_out_on_large_networks(monkeypatch, library):
    asked = []

    def one_map(loaded, name, layer, x, seed):
        asked.append(name)
        return torch.zeros(x.shape[-2:])

    monkeypatch.setattr(page, "one_map", one_map)
    loaded = load_model("scene_cnn")
    loaded = replace(loaded, spec=replace(loaded.spec, library=library))
    found = gallery(loaded, pictures("scenes", "", None)[:1], "last", 0)
    dear = {METHODS[name].title for name in groups_of_methods()["dear"] if name in (*page.IN_TABLES, *page.OTHERS)}
    left_out = {title for title, maps in (found.first | found.second).items() if maps == [None]}
    assert left_out == (set() if library == "embedded" else dear) and len(asked) == len(set(asked))
    assert list(found.first)[0] == OURS and not set(found.first) & set(found.second)
    (label,) = found.labels
    assert label.split(",")[0] in loaded.spec.class_names and label.endswith(" %")
