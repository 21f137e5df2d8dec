"""The paper as data: what can be checked without the paper's text."""

import csv
import re

import pandas as pd
import pytest

from analysis.chapters.audit.audit import LOWER_IS_BETTER, faithfulness_cells, table2_recomputed
from analysis.paper.tables import paper_table
from analysis.paths import PAPER

METHODS = ["GradCAM", "GradCAM++", "ScoreCAM", "AblationCAM", "ReciproCAM", "OptiCAM", "ShapleyCAM", "ClusCAM"]
CNNS = {"ResNet-18", "ResNet-34", "ResNet-50", "ResNet-101", "EfficientNet", "InceptionV3"}
TRANSFORMERS = {"ViT-B", "Swin-B", "LeViT-192", "LeViT-256", "CaiT-XXS-24", "PVTv2"}


@pytest.mark.parametrize(("number", "metrics"), [(4, ["EP", "LE"]), (5, ["AD", "IC", "AG"]), (6, ["AD", "IC", "AG"])])
def test_every_cell_is_there_once(number, metrics):
    table = paper_table(number)
    wanted = {(m, name, metric) for m in CNNS | TRANSFORMERS for name in METHODS for metric in metrics}
    found = list(table[["model", "method", "metric"]].itertuples(index=False, name=None))
    assert len(found) == len(wanted) and set(found) == wanted
    assert table["value"].between(0, 100).all() and table["dataset"].nunique() == 1
    families = dict(table[["model", "family"]].drop_duplicates().to_numpy())
    assert families == {**dict.fromkeys(CNNS, "CNN"), **dict.fromkeys(TRANSFORMERS, "VT")}


@pytest.mark.parametrize("number", [4, 5, 6])
def test_values_are_the_printed_ones(number):
    with (PAPER / f"table{number}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(re.fullmatch(r"\d+(\.\d+)?", row["printed"]) for row in rows)
    assert all(float(row["printed"]) == float(row["value"]) for row in rows)
    assert sum(not re.search(r"\.\d\d$", row["printed"]) for row in rows) == (7 if number == 5 else 0)


def test_bold_is_the_best_of_table_2():
    table = paper_table(2)
    assert len(table) == 96 and table["bold_in_text"].sum() == 11
    for key, one in table.groupby(["dataset", "family", "metric"]):
        best = one["value"].min() if key[2] in LOWER_IS_BETTER else one["value"].max()
        assert (one.loc[one["bold_in_text"] == 1, "value"] == best).all()


def test_family_means_follow_within_rounding():
    table = table2_recomputed(faithfulness_cells())
    assert len(table) == 96 and (table["networks"] == 6).all()
    assert table["mean fits"].sum() == 90 and table["sd fits"].sum() == 91 and table["population sd fits"].sum() == 0
    wrong = table[~table["mean fits"]]
    assert set(zip(wrong["dataset"], wrong["family"], strict=True)) == {("ILSVRC", "CNN")}
    assert "ClusCAM" not in set(wrong["method"])


@pytest.mark.parametrize("name", ["public_code", "authors_results"])
def test_facts_about_the_code_are_cited(name):
    table = pd.read_csv(PAPER / f"{name}.csv")
    where = ["branch", "place"] if name == "public_code" else ["origin", "measure", "value", "n"]
    assert len(table) > 20 and table[[*where, "certainty"]].notna().all(axis=None)
    assert (PAPER / f"{name}.csv").stat().st_size < 1e6
