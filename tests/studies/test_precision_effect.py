"""What a lower precision changes: measured on the same images, zero where nothing is lower."""

import pytest
import torch

from analysis.chapters.faithfulness.study import STUDY
from analysis.oracles.precision import COLUMNS, precision_table
from analysis.studies.batching import pictures
from analysis.studies.batching.cells import rows_of_cell
from analysis.studies.explaining import loaded
from analysis.studies.map_study import map_rows
from analysis.studies.plan import Block, Plan
from cluscam_lite.errors import UnknownName

SCENES = {"dataset": "scenes", "part": "test", "n_images": 2}


def test_bfloat16_changes_a_little():
    table = precision_table("scene_cnn", methods=("gradcam", "donor"), **SCENES)
    assert tuple(table.columns) == COLUMNS and table["images"].tolist() == [2] * 2
    assert table["r"].between(0.9, 1).all() and (table["same class"] == 100).all()
    assert (table[["AD", "AG"]].abs() < 5).all(axis=None) and (table["r"] < 1).any()


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU TF32 is shorter")
def test_tf32_changes_nothing_on_a_cpu():
    (row,) = precision_table("scene_cnn", "tf32", methods=("gradcam",), **SCENES).to_dict("records")
    assert row["r"] == row["least r"] == pytest.approx(1) and row["AD"] == row["IC"] == row["AG"] == 0


def test_a_block_of_a_plan_may_name_a_precision():
    plan = Plan("scenes", "test", "train", ())
    plain, short = (
        STUDY.block_cells(plan, Block("scene_cnn", "paper", "ones", 1, precision=precision), 0)[0]
        for precision in ("float32", "bfloat16")
    )
    assert "passes_in" not in plain.settings and short.settings["passes_in"] == "bfloat16"
    pictures.forget(loaded("scene_cnn"))
    one, other = (rows_of_cell(cell, loaded("scene_cnn"), map_rows, lambda _: None) for cell in (plain, short))
    assert one[0]["probability"] != other[0]["probability"] == pytest.approx(one[0]["probability"], abs=0.05)
    with pytest.raises(UnknownName, match="unknown precision 'half'"):
        STUDY.finished(Block("scene_cnn", "paper", "ones", 1, precision="half"), "scenes")


def test_a_profile_of_ones_own_may_name_a_precision():
    mine = {"profile": "own", "dataset": "scenes", "models": ["scene_cnn"], "n_images": 1, "methods": ["ones"]}
    assert {block.precision for block in STUDY.plan(mine).blocks} == {"float32"}
    assert {block.precision for block in STUDY.plan(mine | {"precision": "bfloat16"}).blocks} == {"bfloat16"}
