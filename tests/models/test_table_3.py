"""Table 3 of the paper: its file, the registry, and Eq. 10."""

import math

import pytest

from analysis.chapters.hyperparameters.page import table_3, table_3_page
from analysis.paper.tables import paper_table
from cluscam_lite import temperature
from cluscam_lite.models import get_spec
from cluscam_lite.models.backbones import TABLE_3

ROWS = list(paper_table(3).itertuples(index=False))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_equation_10_rounded_to_two_decimals_is_the_printed_tau(row):
    assert f"{temperature(row.K, row.r_percent / 100):.2f}" == f"{row.tau:.2f}"


def test_the_printed_tau_is_rounded_and_not_cut_off():
    table = table_3()
    assert table["rounded"].tolist() == [True] * 12
    cut_off = [math.floor(100 / math.log1p(row.K * row.r_percent / 100)) / 100 for row in ROWS]
    assert table["truncated"].tolist() == [value == row.tau for value, row in zip(cut_off, ROWS, strict=True)]
    assert table["truncated"].sum() == 7


def test_the_file_is_the_registry():
    assert {row.name: (row.K, row.r_percent, row.tau) for row in ROWS} == TABLE_3
    assert all(get_spec(row.name).family == {"CNN": "cnn", "VT": "transformer"}[row.family] for row in ROWS)


def test_what_is_uncertain_is_said():
    page = table_3_page().set_index("network")["which network's row"]
    assert page["ResNet-50"] == "certain" and page["PVTv2"] == page["CaiT-XXS-24"] == "probable"
    # the two uncertain rows may be swapped as networks, but not as triples: K and r fit their own tau only
    (k1, r1, tau1), (k2, r2, tau2) = TABLE_3["pvt_v2_b2"], TABLE_3["resnet18"]
    assert round(temperature(k1, r2 / 100), 2) != tau1 and round(temperature(k2, r1 / 100), 2) != tau2
