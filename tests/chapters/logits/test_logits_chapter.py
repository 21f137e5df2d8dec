"""What the `logits` chapter puts together, on the smallest run, and the state of the reference run."""

import pandas as pd
import pytest
from logits_rows import rows

from analysis.chapters.logits.evidence import tables_1
from analysis.chapters.logits.figures import paper_figure_2, paper_figure_9
from analysis.chapters.logits.page import (
    best_text,
    claim_rows,
    contrast_text,
    gains_table,
    ladder_text,
    leads,
    paper_row,
    planned_blocks,
    side_by_side,
    standing,
)
from analysis.chapters.logits.study import STUDY, Plan
from analysis.engine.contract import empty_rows
from analysis.judging.text import claim_text
from analysis.paper.claims import claims_of
from analysis.studies.rows import progress_table, reference_rows, study_rows
from cluscam_lite.errors import CluscamError

PLANNED = [{"model": "scene_cnn", "layer": "paper", "n": 8}, {"model": "scene_vit", "layer": "last", "n": 4}]
TIERS = {block["model"]: "conceptual" for block in PLANNED}
CLAIMS = [claim | {"population": {"blocks": PLANNED}, "tier": TIERS} for claim in claims_of("logits")]


def test_the_papers_row_is_printed_as_in_the_paper():
    row = paper_row()
    assert row["Mean Difference (range)"] == "1.31 ± 0.05 (1.25 – 1.41)"
    assert row["Cohen's d (range)"] == "0.82 ± 0.04 (0.76 – 0.88)"
    assert (row["p (t-test)"], row["p (Wilcoxon)"]) == ("< 10^-202", "< 10^-199")
    both = side_by_side({"reference run": tables_1(empty_rows(STUDY)), "this run": tables_1(rows(5))})
    assert both["run"].tolist() == ["paper", "reference run", "this run"]
    assert both["images"].tolist() == [2000, "not run", 5]


def test_nothing_run_is_said_in_every_cell():
    progress = progress_table(PLANNED, empty_rows(STUDY))
    assert progress["state"].tolist() == ["not run", "not run"]
    table = claim_rows(empty_rows(STUDY), CLAIMS)
    assert len(table) == 4 and set(table["decision"]) == set(table["mean [95 %]"]) == {"not run"}


def test_an_incomplete_block_has_no_numbers_and_no_block_a_decision():
    some = pd.concat([rows(8), rows(3).assign(model="scene_vit", layer="last")])
    progress = progress_table(PLANNED, some)
    assert progress["state"].tolist() == ["complete", "3 of 4 images"]
    table = claim_rows(some, CLAIMS).set_index(["claim", "network"])
    assert table.loc[("C6a", "Scene CNN"), "mean [95 %]"].startswith("+1.0")
    assert table.loc[("C6a", "Scene CNN"), "decision"].startswith("open")
    assert table.loc[("C6b", "Scene ViT, last block"), "decision"] == "not run"
    assert claim_text(table.reset_index(), "C6a") == "open, since 1 of 2 blocks have not run"


def test_complete_blocks_are_decided():
    everything = pd.concat([rows(8), rows(4, seed=1).assign(model="scene_vit", layer="last")])
    table = claim_rows(everything, CLAIMS)
    decisions = table.set_index(["claim", "network"])["decision"]
    assert claim_text(table, "C6a").startswith("supported in ") and "2 networks" in claim_text(table, "C6a")
    assert decisions["C6b", "Scene CNN"] == "reversed" and decisions["C6a", "Scene CNN"] == "supported"


def test_no_reference_run_is_no_rows(tmp_path):
    assert reference_rows(STUDY, tmp_path / "none").empty


def test_planned_blocks_are_those_of_the_claims():
    assert {block["model"] for block in planned_blocks()} >= {"mobileone_s0", "resnet50_v1"}


def test_figures_of_a_small_run(tmp_path, monkeypatch):
    from analysis.chapters.logits.evidence import contrast_table
    from analysis.studies import rows as engine_rows

    monkeypatch.setattr(engine_rows, "results_folder", lambda name, profile: tmp_path / name)
    found = study_rows(STUDY, {"profile": "smoke", "dataset": "scenes", "seed": 0})
    again = study_rows(STUDY, {"profile": "smoke", "dataset": "scenes", "seed": 0})
    assert found.equals(again) and found.image_id.nunique() == 3
    contrasts = contrast_table(found)
    gains = gains_table(found)
    assert len(gains) == 2 and best_text(gains).endswith("of 2") and best_text(gains[:0]) == "not run"
    assert contrast_text(contrasts)["p"].notna().all()
    assert len(paper_figure_9(found).axes) == 2  # two blocks
    assert paper_figure_2(found[found.model == "scene_cnn"]).axes


def test_leads_and_what_they_say():
    from analysis.chapters.logits.evidence import contrast_table

    contrasts = contrast_table(rows(8))
    shown = leads(contrasts, {"members": "its members", "random": "random groups"})
    assert shown["against"].tolist() == ["its members", "random groups"] and set(shown["network"]) == {"Scene CNN"}
    assert standing(contrasts, "members") == {"ahead": "1 of 1", "behind": "0 of 1", "size": "1.0"}
    assert standing(contrasts, "random")["behind"] == "1 of 1"
    assert standing(contrasts[:0], "random")["size"] == ladder_text(contrasts[:0]) == "not run"
    assert ladder_text(contrasts) == "0 of 1"  # there the mask of all maps scores least
    turned = contrasts.assign(mean=contrasts["mean"].where(contrasts["against"] != "mean of all", -9))
    assert ladder_text(turned) == "1 of 1"


def test_a_profile_of_ones_own():
    plan = STUDY.plan({"profile": "mine", "dataset": "scenes", "models": ["scene_cnn"], "n_images": 2})
    assert isinstance(plan, Plan) and plan.part == "test" and plan.blocks[0].n_images == 2
    with pytest.raises(CluscamError, match="not on folder"):
        STUDY.plan({"profile": "mine", "dataset": "folder", "models": ["scene_cnn"], "n_images": 2})
    with pytest.raises(CluscamError, match="no 'models'"):
        STUDY.plan({"profile": "mine", "dataset": "scenes", "n_images": 2})
