"""Maps that no power brings to one half are marked, counted, and left out of the second comparison."""

import pandas as pd
import pytest
import torch

from analysis.chapters.metrics.page import FLAT, missed_page, missed_text
from analysis.page.panels import reached
from cluscam_lite.metrics import matched

ON = {"model": "mobileone_s0", "layer": "paper", "panel": "paper", "variant": "", "fill": "mean", "reason": ""}


def rows(form="matched"):
    """Four images: GradCAM misses one half on the last, with an IC of 100 there alone; all ones miss it everywhere."""
    coverage = {"cluscam": [0.5] * 4, "gradcam": [0.5, 0.51, 0.49, 0.3], "ones": [1.0] * 4}
    increase = {"cluscam": [100, 100, 0, 0], "gradcam": [0, 100, 0, 100], "ones": [0.0] * 4}
    return pd.DataFrame(
        ON | {"method": name, "image_id": f"i{i}", "form": form, "coverage": covered, "increase": float(rise)}
        for name in coverage
        for i, (covered, rise) in enumerate(zip(coverage[name], increase[name], strict=True))
    )


def test_reached():
    found = rows().assign(reached=reached(rows())).groupby("method")["reached"].sum()
    assert found.to_dict() == {"cluscam": 4, "gradcam": 3, "ones": 0}
    assert reached(rows("raw")).all()
    assert not reached(rows().assign(coverage=float("nan"))).any()


def test_why_maps_miss_it():
    sparse, full, soft = torch.zeros(4, 4), torch.ones(4, 4), torch.rand(4, 4, generator=torch.manual_seed(0))
    sparse[0] = 0.5  # a quarter of the pixels is not zero
    coverage = [float(one.mean()) for one in matched(torch.stack([sparse, full, soft]))]
    assert coverage == pytest.approx([0.25, 1, 0.5], abs=0.001)


def test_the_table_by_hand():
    page = missed_page(rows()).set_index("method")
    gradcam = page.loc["GradCAM"]
    assert gradcam[["maps", "below one half", "above"]].tolist() == [4, 1, 0]
    assert gradcam["ClusCAM ahead, IC [95 %]"].startswith("+0.00") and gradcam.iloc[-2].endswith(", 4")
    assert gradcam["without these"].startswith("+33.33") and gradcam["without these"].endswith(", 3")
    assert page.loc["All ones", ["below one half", "above", "without these"]].tolist() == [0, 4, "–"]


def test_the_counts():
    text = missed_text(rows())
    assert [text[name] for name in ("missed", "matched", "missed_flat", "missed_others")] == ["5", "12", "4", "1"]
    assert text["missed_methods"] == "GradCAM" and "ones" in FLAT
    nothing = rows()[rows()["method"] == "cluscam"]
    assert missed_text(nothing)["missed_methods"] == "none"
    assert missed_page(nothing).iloc[0, 0] == missed_page(nothing.iloc[:0]).iloc[0, 0] == "not run"
