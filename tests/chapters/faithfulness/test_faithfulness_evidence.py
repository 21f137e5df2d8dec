"""From rows of `faithfulness` to comparisons and decisions, on rows whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from analysis.chapters.faithfulness import page as faithfulness_chapter
from analysis.chapters.faithfulness.evidence import fill_table, layer_table
from analysis.chapters.metrics import page as metrics_chapter
from analysis.engine.contract import empty_rows
from analysis.judging.compare import FEWEST, against_all, compare, comparison_table
from analysis.judging.ledger import judged
from analysis.judging.rules import judge
from analysis.page.panels import MEASURES, method_table, prepared, seed_table
from analysis.paper.tables import paper_means, paper_network, paper_table
from analysis.statistics import bootstrap_interval
from analysis.studies.registry import find_study
from cluscam_lite.errors import CluscamError

NOTHING = empty_rows(find_study("faithfulness"))  # the rows of a run that has not begun

N = 40
D_Z = {"rule": "effect", "sesoi": 0.2, "unit": "d_z", "alpha": 0.05}
RISES = {"cluscam": 0.8, "scorecam": 0.2, "donor": 0.75, "fakecam": 0.0}  # share of images with an increase


def rows(model="mobileone_s0", layer="paper", n=N, shares=RISES, variant="", seed=0, fills=("mean", "black", "blur")):
    found = []
    for name, share in shares.items():
        for i in range(n):
            for form, fill in [("raw", f) for f in fills] + [("matched", f) for f in fills] + [("complement", "mean")]:
                up = i < share * n
                p = 0.2 + 0.015 * i
                o = p + 0.1 if up else p * (1 - 0.01 * (i % 7))
                found.append(
                    {
                        "dataset": "ilsvrc", "part": "confirm", "model": model, "layer": layer, "method": name,
                        "variant": variant, "seed": seed, "image_id": f"{i:03d}", "form": form, "fill": fill,
                        "label": i % 3, "target": i % 2, "probability": p, "probability_masked": o,
                        "drop": 100 * max(0, p - o) / p, "increase": 100.0 * (o > p),
                        "gain": 100 * max(0, o - p) / (1 - p), "gain_over_p": 100 * max(0, o - p) / p,
                        "coverage": 0.999 if name == "fakecam" else 0.4 + 0.001 * i, "ep": 50.0 + i,
                        "le": 60.0 + (name == "scorecam"),
                        "forward_passes": 31, "backward_passes": 0, "uniform": False, "reason": "",
                    }
                )  # fmt: skip
    return pd.DataFrame(found)


def test_a_comparison_is_turned_so_that_above_0_is_better():
    ic = compare([100, 100, 100, 0], [0, 0, 100, 0], "increase")
    assert ic["mean"] == 50 and ic["test"] == "McNemar" and ic["p"] == pytest.approx(0.5)  # 2 of 2 discordant
    ad = compare([1.0, 2.0, 3.0], [2.0, 4.0, 5.0], "drop")
    assert ad["mean"] == pytest.approx(5 / 3) and ad["rank-biserial"] == 1
    same = compare([5.0, 5.0], [5.0, 5.0], "gain")
    assert same["mean"] == same["low"] == same["high"] == 0 and same["p"] == 1


def test_a_difference_without_spread_has_no_effect_size_and_decides_nothing_by_it():
    same = compare([5.0] * 60, [5.0] * 60, "gain", D_Z)
    assert np.isnan([same["d_z"], same["d_z low"], same["d_z high"]]).all() and same["p_equivalence"] == 1
    assert judge(pd.DataFrame([same]), D_Z)["verdict"].tolist() == ["uninformative"]
    behind = compare([4.0] * 60, [5.0] * 60, "gain", D_Z)
    assert judge(pd.DataFrame([behind]), D_Z)["verdict"].tolist() == ["undecided"]


@pytest.mark.parametrize(("n", "decision"), [(200, "negligible"), (20, "uninformative")])
def test_shares_that_hardly_differ_are_not_surer_than_their_images_allow(n, decision):
    flat = np.repeat([0.0, 100.0], n // 2)
    found = compare(flat, flat, "increase", points_of_interest(5))
    assert found["low"] == -found["high"] and found["high"] == pytest.approx(196 * np.sqrt(2) / (n + 2), rel=1e-3)
    assert judge(pd.DataFrame([found]), points_of_interest(5))["verdict"].tolist() == [decision]
    floor = compare(np.zeros(n), np.zeros(n), "increase", points_of_interest(5))
    assert floor["uninformative"] == "a floor: both shares are below 5 %"
    assert judge(pd.DataFrame([floor]), points_of_interest(5))["verdict"].tolist() == ["uninformative"]
    assert compare(100 - np.zeros(n), 100 - np.zeros(n), "increase", D_Z)["uninformative"].startswith("a ceiling")
    several = flat.copy()
    several[:FEWEST] = 100
    enough = compare(several, flat, "increase")
    assert enough["low"] == bootstrap_interval(several - flat).low and enough["differing"] == FEWEST


def test_groups_whose_shares_hardly_differ_count_whole():
    """Two of 75 groups differ, by a half each: the interval is that of two whole groups, which is the wider one."""
    first = np.full(75, 50.0)
    second = first.copy()
    second[:2] = 100
    found = compare(first, second, "increase")
    assert found["mean"] == pytest.approx(-100 / 75) and found["test"] != "McNemar, exact"
    # Bonett-Price: (1 - 3) / 77 -+ 1.96 sqrt((4/77 - 4/77^2) / 77)
    half = 1.959964 * np.sqrt((4 / 77 - 4 / 77**2) / 77)
    assert [found["low"], found["high"]] == pytest.approx([100 * (-2 / 77 - half), 100 * (-2 / 77 + half)], rel=1e-5)
    assert compare(first, second, "gain")["high"] < 0.1  # no share


def test_pairs_are_compared_on_the_images_of_both():
    wide = pd.DataFrame({"cluscam": [100.0, 0, 100], "scorecam": [0.0, np.nan, 0], "opticam": [np.nan, np.nan, 0]})
    found = against_all(wide, "cluscam", "increase")
    assert found["against"].tolist() == ["scorecam"] and found["n"].tolist() == [2]


def test_the_table_has_a_row_for_each_method_and_says_why_one_is_missing():
    none = pd.DataFrame(
        [{"model": "mobileone_s0", "layer": "paper", "method": "cam", "variant": "", "image_id": "000", "form": "",
          "fill": "", "reason": "no linear layer"}]
    )  # fmt: skip
    table = method_table(prepared(pd.concat([rows(), none])), MEASURES).set_index("method")
    assert table.loc["cluscam", "IC"] == 80 and table.loc["scorecam", "IC"] == 20 and table.loc["fakecam", "AG"] == 0
    assert table.loc["cluscam", "IC low"] < 80 < table.loc["cluscam", "IC high"]
    assert np.isnan(table.loc["cam", "IC"]) and table.loc["cam", "reason"] == "no linear layer"


def test_an_unknown_method_in_the_rows_is_one_sentence():
    with pytest.raises(CluscamError, match="'wizardcam', which is not registered"):
        prepared(rows(shares={"wizardcam": 0.5}))


def points_of_interest(points):
    return {"rule": "effect", "sesoi": points, "unit": "points", "alpha": 0.05}


def claim(against, n=N, points=5):
    return {
        "id": "X",
        "contrast": {
            "measure": "increase",
            "method": "cluscam",
            "against": against,
            "better": "higher",
        },
        "study": "faithfulness",
        "thresholds": points_of_interest(points),
        "tier": {"mobileone_s0": "conceptual"},
        "population": {"blocks": [{"model": "mobileone_s0", "layer": "paper", "n": n}]},
    }


@pytest.mark.parametrize(
    ("against", "decision"), [("scorecam", "supported"), ("donor", "uninformative"), ("fakecam", "supported")]
)
def test_a_claim_is_decided_by_its_rule(against, decision):
    found = judged(prepared(rows()), claim(against)).iloc[0]
    assert found["verdict"] == decision and found["n"] == N


def test_a_claim_far_below_its_smallest_effect_is_negligible():
    found = judged(prepared(rows()), claim("donor", points=20)).iloc[0]
    assert found["verdict"] == "negligible" and found["high"] < 20


def test_a_network_that_answers_one_class_tells_nothing():
    found = judged(prepared(rows().assign(target=3)), claim("scorecam")).iloc[0]
    assert found["verdict"] == "uninformative" and found["because"] == "the network answers one class on all 40 images"
    alike = rows().assign(target=3, label=3)  # so do the images
    assert judged(prepared(alike), claim("scorecam")).iloc[0]["verdict"] == "supported"


def test_a_claim_takes_exactly_the_planned_images():
    assert judged(prepared(rows()), claim("scorecam", n=20)).iloc[0]["n"] == 20
    assert judged(prepared(rows()), claim("scorecam", n=N + 1)).iloc[0]["verdict"] == "not run"
    assert judged(pd.DataFrame(), claim("scorecam")).iloc[0]["verdict"] == "not run"


def test_layers_fills_and_seeds():
    vit = "vit_tiny_patch16_224"
    both = prepared(pd.concat([rows(vit, "paper"), rows(vit, "last_input", shares={"scorecam": 0.6, "donor": 0.1})]))
    layers = layer_table(both).set_index("method")
    assert layers.loc["scorecam", "IC, paper"] == 20 and layers.loc["scorecam", "IC, last"] == 60
    assert "cluscam" not in layers.index
    blurred = rows(shares={"cluscam": 0.5}, variant="fill blur")
    black = rows(shares={"cluscam": 0.3}, variant="fill black")
    fills = fill_table(prepared(pd.concat([rows(), blurred, black]))).set_index("scored with")
    assert fills.loc["blur", "mean"] == 50 and fills.loc["mean", "black"] == 80
    seeds = prepared(pd.concat([rows(), rows(shares={"cluscam": 0.8}, variant="seed 1", seed=1)]))
    found = seed_table(seeds, ["increase"]).iloc[0]
    assert found["seeds"] == 2 and found["seed"] == 0 and found["image"] == pytest.approx(100 * np.sqrt(0.16 * 40 / 39))


def test_a_comparison_with_all_others():
    comparisons = comparison_table(prepared(rows()), "increase")
    assert set(comparisons["against"]) == {"scorecam", "donor", "fakecam"}


def test_the_tables_of_the_metrics_chapter():
    ready = prepared(rows())
    assert metrics_chapter.null_table(ready)["null method"].tolist() == ["Donor masks"]
    assert metrics_chapter.fill_text(fill_table(ready)).iloc[0, 0] == "not run"
    assert metrics_chapter.sensitivity_table(ready).iloc[0, 0] == "not run"


def test_the_page_of_layers_names_the_network():
    both = [rows("vit_tiny_patch16_224", layer) for layer in ("paper", "last")]
    page = metrics_chapter.layers_page(layer_table(prepared(pd.concat(both, ignore_index=True))))
    assert set(page["network"]) == {"ViT-Tiny/16"} and page.columns[1] == "method" and "model" not in page


def test_the_papers_tables_agree_with_each_other():
    table_2 = paper_table(2)
    mine = table_2[(table_2.dataset == "ILSVRC") & (table_2.family == "VT") & (table_2.metric == "IC")]
    for method, value in paper_means("IC", "transformer").items():
        assert value == pytest.approx(mine.set_index("method").loc[method, "value"], abs=0.0051)
    assert paper_network("IC", "ResNet-50")["ClusCAM"] > 50 and len(paper_means("LE", "cnn")) == 8


def test_claims_of_nothing_are_not_run():
    assert set(faithfulness_chapter.claim_rows(pd.DataFrame(), "C1")["decision"]) == {"not run"}
