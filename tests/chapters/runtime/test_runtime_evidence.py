"""From timings to tables and decisions, on rows whose answers are known by hand."""

import math

import pandas as pd
import pytest
from drawn import lines

from analysis.chapters.runtime.claims import quotients
from analysis.chapters.runtime.evidence import (
    batch_table,
    growth_table,
    method_table,
    phase_table,
    ratios,
)
from analysis.chapters.runtime.figures import growth_figure, phases_figure
from analysis.chapters.runtime.page import (
    answer,
    batches_page,
    claim_rows,
    claims,
    costs,
    digits,
    methods_page,
    phases_page,
    precision_page,
)
from analysis.chapters.runtime.plan import BRUTE_FORCE
from analysis.engine.contract import empty_rows
from analysis.judging.ledger import judged
from analysis.studies.registry import find_study
from analysis.studies.rows import NOT_RUN
from cluscam_lite.errors import CluscamError

PHASES = {"features": 1.0, "normalise": 0.5, "clustering": 1.5, "scoring": 36.0, "sum": 1.0}  # 40 passes, 5 % K-Means


def rows_of(method, items, variant="", model="scene_cnn", n=2, repeats=3, unit=0.01, **facts):
    """Rows in which the median of each item's ratios is as given in every image; the first repeat is disturbed."""
    found = []
    for i in range(n):
        for repeat in range(repeats):
            slow = 3.0 if repeat == 0 and repeats > 1 else 1.0
            for item, ratio in items.items():
                found.append({
                    "model": model, "layer": "paper", "method": method, "variant": variant, "image_id": f"image {i}",
                    "item": item, "repeat": repeat, "images": 1, "K": 30, "d": 128, "height": 96, "threads": 1,
                    "device": "cpu", "forward_passes": 31, "backward_passes": 0, "through": 31,
                    "seconds": ratio * unit * (1 + i) * slow, "seconds_pass": unit * (1 + i), "reason": "",
                    "inertia_ratio": math.nan, "rank_correlation": math.nan, "max_difference": math.nan, **facts,
                })  # fmt: skip
    return pd.DataFrame(found)


def whole_run(model="scene_cnn", n=2):
    """ClusCAM takes 44 passes where 40 are needed, brute force 200, ScoreCAM 132, AblationCAM 4.4."""
    parts = [
        rows_of("cluscam", {"whole": 44.0, "passes": 40.0, **PHASES}, model=model, n=n),
        rows_of(BRUTE_FORCE, {"whole": 200.0, "passes": 40.0, "clustering": 155.0}, model=model, n=n),
        rows_of("scorecam", {"whole": 132.0}, model=model, n=n, repeats=1, forward_passes=130, through=130),
        rows_of("ablationcam", {"whole": 4.4}, model=model, n=n, forward_passes=1, through=130),
        rows_of("gradcam", {"whole": 2.2}, model=model, n=n, forward_passes=1, backward_passes=1, through=1),
        rows_of("cam", {"whole": math.nan}, model=model, n=n, reason="CAM cannot"),
    ]
    return pd.concat(parts, ignore_index=True)


# ratios


def test_a_ratio_is_the_median_over_repeats_whatever_the_machine():
    slow, fast = (ratios(rows_of("gradcam", {"whole": 2.5}, unit=unit)) for unit in (1.0, 0.001))
    assert slow.ratio.tolist() == pytest.approx([2.5, 2.5]) and fast.ratio.tolist() == pytest.approx([2.5, 2.5])
    assert slow.repeats.tolist() == [3, 3]


def test_the_unit_is_that_of_the_same_round():
    rows = rows_of("gradcam", {"whole": 2.0}, n=1)
    rows["seconds_pass"] *= [3.0, 1.0, 1.0]  # the whole machine was slow in the first round
    assert ratios(rows).ratio.tolist() == pytest.approx([2.0])


@pytest.mark.parametrize("column", ["seconds", "seconds_pass"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_a_time_that_is_none_is_refused(column, value):
    rows = rows_of("gradcam", {"whole": 2.0})
    rows.loc[2, column] = value
    with pytest.raises(CluscamError, match="a time of the study of running time is not above zero"):
        ratios(rows)


# tables


def test_phases_and_overheads():
    table = phase_table(whole_run()).iloc[0]
    assert {phase: table[phase] for phase in PHASES} == pytest.approx(PHASES)
    assert table["overhead"] == pytest.approx(1.1) and table["kmeans share"] == pytest.approx(5.0)
    assert table["grouping ratio"] == pytest.approx(155 / 2) and table["whole ratio"] == pytest.approx(200 / 44)
    assert table["brute force"] == pytest.approx(200) and table["brute force overhead"] == pytest.approx(5.0)
    alone = phase_table(rows_of("cluscam", {"whole": 44.0, "passes": 40.0, **PHASES})).iloc[0]
    assert alone["overhead"] == pytest.approx(1.1) and math.isnan(alone["brute force overhead"])


def test_methods_in_their_order_with_reasons():
    table = method_table(pd.concat([whole_run("scene_vit"), whole_run()]))
    order = ["cluscam", BRUTE_FORCE, "gradcam", "scorecam", "ablationcam", "cam"]
    assert table["model"].tolist() == ["scene_vit"] * 6 + ["scene_cnn"] * 6 and table["method"].tolist() == order * 2
    mine = table[table.model == "scene_cnn"].set_index("method")
    assert mine.loc["scorecam", ["ratio", "low", "high"]].tolist() == pytest.approx([132] * 3)
    assert mine.loc["ablationcam", ["forward", "through"]].tolist() == [1, 130]
    assert math.isnan(mine.loc["cam", "ratio"]) and mine.loc["cam", "reason"] == "CAM cannot"
    with pytest.raises(CluscamError, match="'nocam', which is not registered"):
        method_table(rows_of("nocam", {"whole": 1.0}))


def test_growth():
    rows = pd.concat(
        [rows_of("cluscam", PHASES, f"{varied} {value}", n=1) for varied, value in (("K", 5), ("size", 64))]
        + [rows_of(BRUTE_FORCE, {"clustering": 90.0}, "K 5", n=1), whole_run()]
    )
    table = growth_table(rows)
    assert table[["varied", "value"]].values.tolist() == [["K", 5], ["size", 64]]
    assert table["K-Means"].tolist() == pytest.approx([2, 2]) and table["scoring"].tolist() == pytest.approx([36, 36])
    assert table["brute force K-Means"][0] == pytest.approx(90) and math.isnan(table["brute force K-Means"][1])
    assert len(growth_table(whole_run())) == 0


def batch_rows():
    variant = "batch, torch, bfloat16"
    agreement = rows_of("cluscam", {"agreement": math.nan}, variant, n=3, repeats=1, images=3)
    agreement = agreement.assign(
        inertia_ratio=[0.98, 1.0, 1.05], rank_correlation=[0.99, 0.9, 1.0], max_difference=[0.1, 0.2, 0.0]
    )
    return pd.concat([rows_of("cluscam", PHASES, variant, n=1, images=3), agreement])


def test_batches():
    (row,) = batch_table(batch_rows()).to_dict("records")
    assert (row["backend"], row["precision"], row["images"], row["device"]) == ("torch", "bfloat16", 3, "cpu")
    assert row["whole"] == pytest.approx(40) and row["kmeans share"] == pytest.approx(5)
    assert (row["rank correlation"], row["difference"]) == (0.9, 0.2) and row["inertia"] == pytest.approx(1.01)


# claims


def evidence(rows, claim_id, n=2):
    claim = next(claim for claim in claims() if claim["id"] == claim_id)
    block = {"model": "scene_cnn", "layer": "paper", "n": n}
    claim = claim | {"population": {"blocks": [block]}, "tier": {"scene_cnn": "embedded"}}
    return judged(rows, claim).iloc[0]


def test_claims_are_decided_from_rows():
    rows = whole_run()
    expected = {"C11a": (1.1, "supported"), "C11b": (5.0, "reversed"), "C11c": (3.0, "supported"),
                "C11d": (0.1, "reversed")}  # fmt: skip
    for claim_id, (ratio, decision) in expected.items():
        found = evidence(rows, claim_id)
        assert found["ratio"] == pytest.approx(ratio) and found["verdict"] == decision, claim_id
    slow = rows.copy()
    slow.loc[(slow.method == "cluscam") & (slow.item == "whole") & (slow.image_id == "image 1"), "seconds"] *= 1.5
    found = evidence(slow, "C11a")
    assert found["verdict"] == "undecided" and found["high"] == pytest.approx(1.65)


def test_claims_wait_for_all_images_and_for_a_cpu():
    rows = whole_run()
    assert evidence(rows, "C11a", n=3)["verdict"] == "not run"
    assert evidence(rows[rows.method != "scorecam"], "C11c")["verdict"] == "not run"
    assert evidence(rows.assign(device="cuda"), "C11a")["verdict"] == "not run"
    assert evidence(pd.DataFrame(), "C11a")["verdict"] == "not run"
    contrast = {"of": "cam", "to": "cluscam"}  # a method that could not run has no ratio
    assert quotients(rows, {"model": "scene_cnn", "layer": "paper", "n": 2}, contrast) is None


# pages and figures


def test_pages_in_words():
    rows = whole_run()
    phases, methods = phase_table(rows), method_table(rows)
    assert phases_page(phases).iloc[0].tolist() == ["Scene CNN", 128, 30, "1.10", "5.0", "5.0", "78", "4.5"]
    page = methods_page(methods).set_index("method")
    assert page.loc["ScoreCAM"].tolist() == ["Scene CNN", "132 [132, 132]", "130", "0", "130"]
    assert page.loc["CAM"].tolist() == ["Scene CNN", "n/a", "–", "–", "–"]
    assert batches_page(batch_table(batch_rows()))["inertia / reference's"].tolist() == ["1.010"]
    assert answer(phases, methods) == {
        "overhead": "1.10", "share": "5 %", "brute": "5", "grouping_ratio": "78", "whole_ratio": "4.5",
        "scorecam": "3", "gradcam": "20", "ablationcam": "0.1",
    }  # fmt: skip
    few = method_table(rows[rows.method == "cluscam"])
    assert answer(phases, few)["scorecam"] == "not run" and answer(phases, few)["gradcam"] == "not run"
    nothing = empty_rows(find_study("runtime"))
    for page, made in ((phases_page, phase_table), (methods_page, method_table), (batches_page, batch_table)):
        assert page(made(nothing)).to_numpy().tolist() == [[NOT_RUN]]


def test_the_claims_page_says_not_run():
    page = claim_rows(pd.DataFrame())
    assert len(page) == 16 and set(page["decision"]) == {"not run"} and set(page["median [range]"]) == {"–"}


def test_figures_show_what_is_in_the_tables():
    rows = pd.concat([whole_run(), whole_run("scene_vit"), rows_of("cluscam", PHASES, "K 5", n=1)])
    left, right = phases_figure(phase_table(rows)).axes[:2]
    assert max(bar.get_x() + bar.get_width() for bar in left.patches) == pytest.approx(1.0)  # 40 of 40 passes
    assert max(bar.get_x() + bar.get_width() for bar in right.patches) == pytest.approx(5.0)
    shown = costs(method_table(rows))
    assert list(dict.fromkeys(shown["title"])) == [
        "GradCAM",
        "AblationCAM",
        "ClusCAM",
        "ScoreCAM",
        "ClusCAM, brute force",
    ]
    assert costs(method_table(rows), ["gradcam"])["ratio"].tolist() == pytest.approx([2.2, 2.2])
    groups = growth_figure(growth_table(rows)).axes[1]
    assert [line.tolist() for line in lines(groups)[:2]] == [[[5, pytest.approx(36)]], [[5, pytest.approx(2)]]]


@pytest.mark.parametrize(("value", "text"), [(0.5388, "0.539"), (1.1, "1.10"), (36.14, "36.1"), (2047.6, "2,048")])
def test_a_ratio_has_three_digits_and_no_exponent(value, text):
    assert digits(value) == text


def test_what_fewer_bits_change_in_words():
    row = {"model": "scene_cnn", "layer": "stage4", "method": "cluscam", "precision": "bfloat16", "images": 2}
    row |= {"same class": 100.0, "r": 0.99876, "least r": 0.9871, "AD": -0.125, "IC": 0.0, "AG": 1.5}
    two = pd.concat([pd.DataFrame([row])] * 2)
    found, _ = precision_page(two).to_dict("records")
    assert [*found.values()] == [
        "Scene CNN", "ClusCAM", "bfloat16", 2, "100", "0.9988", "0.9871", "−0.12", "+0.00", "+1.50",
    ]  # fmt: skip
