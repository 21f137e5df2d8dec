"""The audit of the paper's tables, on numbers worked out by hand and on the paper's own."""

import math

import numpy as np
import pandas as pd
import pytest
from drawn import dots, lines
from scipy import stats

from analysis.chapters.audit import audit
from analysis.chapters.audit import counts as audit_counts
from analysis.chapters.audit import figures as audit_figures
from analysis.chapters.audit import method as audit_method
from analysis.chapters.audit import page as audit_chapter
from analysis.chapters.audit import table1 as audit_table1
from analysis.paper.tables import paper_table
from analysis.statistics import paired_t, wilcoxon
from cluscam_lite.errors import CluscamError

CELLS = audit.faithfulness_cells()


def cell(model="a", method="ClusCAM", ad=1.0, ic=2.0, ag=1.0):
    row = {"dataset": "D", "family": "CNN", "model": model, "method": method}
    return row | {"AD": ad, "IC": ic, "AG": ag}


# tables


def test_gains_above_increases_by_hand():
    cells = pd.DataFrame([cell(), cell("b", ic=2, ag=2.005), cell("c", ic=2, ag=2.5), cell("c", "GradCAM")])
    bad = audit.gains_above_increases(cells)
    assert bad["model"].tolist() == ["c"] and bad["excess"].tolist() == [0.5]
    assert audit.without(cells, bad)["model"].tolist() == ["a", "b"]  # GradCAM on c goes, too


def test_a_mean_of_possible_images_is_never_above_the_line():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p, o = rng.random((2, 30))
        gain, over_p = np.maximum(0, o - p) / (1 - p), np.maximum(0, o - p) / p
        assert gain.mean() <= (o > p).mean()
    assert over_p.mean() > (o > p).mean()  # the other denominator has no bound


def test_the_papers_impossible_cells():
    bad = audit.gains_above_increases(CELLS)
    counts = bad.groupby(["dataset", "model"]).size().to_dict()
    assert counts == {("ILSVRC", "ViT-B"): 2, ("ILSVRC", "Swin-B"): 7, ("Alzheimer", "EfficientNet"): 8}
    assert CELLS["dataset"].iloc[0] == "ILSVRC"


def test_margins_by_hand():
    values = pd.Series({"ClusCAM": 5.0, "a": 4.0, "b": 7.0})
    assert audit.margin(values, "IC") == {"best other": "b", "ahead": -2.0}
    assert audit.margin(values, "AD") == {"best other": "a", "ahead": -1.0}


def test_where_the_two_margins_come_from():
    (ic,) = audit.origins(17.8, "IC").to_dict("records")
    (ag,) = audit.origins(24.19, "AG").to_dict("records")
    assert (ic["dataset"], ic["family"], ic["against"], ic["rank"]) == ("ILSVRC", "CNN", "OptiCAM", 2)
    assert (ag["dataset"], ag["family"], ag["against"], ag["rank"]) == ("Alzheimer", "CNN", "OptiCAM", 3)
    texts = audit_chapter.margins_text(CELLS)
    assert (texts["ic_true"], texts["ag_true"], texts["wins"]) == ("11.59", "15.51", "53 of 72")
    assert (texts["le_cnn"], texts["le_vt"], texts["ep_all"]) == ("1", "6", "0")


def test_paired_over_networks_by_hand():
    rows = [cell(m, "ClusCAM", ad=1, ic=10 + i, ag=5) for i, m in enumerate("abcdef")]
    rows += [cell(m, "GradCAM", ad=0.5 + 0.1 * i, ic=1, ag=5 + i - 2.6) for i, m in enumerate("abcdef")]
    found = audit.paired_over_networks(pd.DataFrame(rows), "GradCAM").set_index("metric")
    assert found.loc["IC", "p"] == 1 / 64 and found.loc["IC", "networks won"] == 6
    assert found.loc["IC", "mean ahead"] == pytest.approx(11.5)
    assert found.loc["AD", "mean ahead"] == pytest.approx(-0.25)


def test_repeated_cells():
    rows = [cell(method="x", ad=1), cell(method="y", ad=1), cell(method="z", ad=2)]
    assert audit.repeated(pd.DataFrame(rows), ("AD",))["methods"].tolist() == ["x = y"]
    assert audit.repeated(CELLS)["methods"].tolist() == ["GradCAM = AblationCAM"]


# how many images


def test_shares_of_n_images_fit_n():
    rng = np.random.default_rng(1)
    for n in (7, 29, 1279, 2000):
        values = np.round(100 * rng.integers(0, n + 1, 40) / n, 2)
        assert audit_counts.fits(values, n).all() and audit_counts.fits(values, 3 * n).all()
    assert not audit_counts.fits([33.34], 3).any() and audit_counts.fits([33.33], 3).all()
    assert audit_counts.nearest_counts(32.40, 1279) == {414: 32.37, 415: 32.45}


def test_chance_is_what_random_numbers_do():
    values = np.round(np.random.default_rng(2).uniform(0, 100, 20_000), 2)
    table = audit_counts.fitting(values, [500, 2000])
    assert table["fit"].to_numpy() == pytest.approx(table["chance"].to_numpy(), rel=0.1)


def test_the_papers_counts():
    texts = audit_chapter.counts_text()
    assert (texts["n5"], texts["n5_fit"], texts["n6"], texts["n6_fit"]) == ("2000", "95 of 96", "1279", "94 of 96")
    assert texts["n6_stated"] == "14"


def test_the_exercise_has_one_answer():
    found = audit_counts.fitting([37.93, 55.17, 20.69], range(2, 100)).query("fit == 3")
    assert found["n"].tolist() == [29, 58, 87]


# Table 1


def differences(d, shape, n=audit_table1.N):
    """The expected quantiles of n differences of a shape, with mean d."""
    return audit_table1.SHAPES[shape].ppf((np.arange(n) + 0.5) / n) + d


@pytest.mark.parametrize("shape", audit_table1.SHAPES)
def test_p_from_d_is_that_of_a_sample(shape):
    x = differences(0.5, shape)
    x = (x - x.mean()) / x.std(ddof=1) + 0.5
    assert audit_table1.log10_p_t(0.5) == pytest.approx(paired_t(x).log10_p)
    # the sample of quantiles lacks the far tails, which a mean of 0 and an sd of 1 were scaled for
    assert audit_table1.log10_p_wilcoxon(0.5, shape) == pytest.approx(wilcoxon(x).log10_p, rel=0.06)
    assert audit_table1.SHAPES[shape].std() == pytest.approx(1)


def test_shares_and_their_inverse():
    assert audit_table1.rank_share(0.76, "normal") == pytest.approx(stats.norm.cdf(0.76 * math.sqrt(2)))
    assert audit_table1.rank_share(0.0, "Laplace") == pytest.approx(0.5)
    d = audit_table1.least_d_wilcoxon(-199, "normal")
    assert audit_table1.log10_p_wilcoxon(d, "normal") == pytest.approx(-199) and d == pytest.approx(0.863, abs=1e-3)
    assert audit_table1.log10_p_t(audit_table1.least_d(-202)) == pytest.approx(-202)


# rules


def test_eq_10_counts_the_dropped():
    readings = audit_method.table3_readings()
    assert readings["dropped fits"].all() and not readings["kept fits"].any()
    assert audit_method.eq10(audit_method.least_dropped()) == pytest.approx(1)
    assert (np.diff(audit_method.eq10(np.arange(1, 50))) < 0).all()  # more dropped, sharper


def test_algorithm_2_by_hand():
    table = audit_method.algorithm2([2, 4, 8, 10], [0.0, 4, 6, 6])
    assert table["S"].tolist()[1:] == [2, 0.5, 0]
    assert table["C"].tolist()[2:] == [(0.5 - 2) / 4, (0 - 0.5) / 2]
    assert audit_method.chosen(table) == {"argmax": 10, "argmin": 8}
    for bad in ([1, 2], [1, 3, 2]):
        with pytest.raises(CluscamError, match="the candidate grid is"):
            audit_method.algorithm2(bad, [0.0] * len(bad))


def test_on_a_saturating_curve_the_largest_curvature_is_the_far_end():
    k = np.arange(5, 105, 5)
    table = audit_method.algorithm2(k, audit_method.saturating(k, 20.0))
    assert (table["C"].dropna() < 0).all()
    assert audit_method.chosen(table) == {"argmax": 100, "argmin": 15}


def test_the_authors_curves():
    final, kept = audit_method.authors_curves().values()
    assert audit_method.chosen(final) == {"argmax": 6, "argmin": 10}
    assert audit_method.chosen(kept)["argmax"] == 30 == kept["K"].iloc[2]
    assert kept["P"].iloc[0] == pytest.approx(-2.899, abs=1e-3)


# the chapter


def test_every_table_of_the_chapter():
    for table in (audit_chapter.mismatches(CELLS), audit_chapter.margins_table(), audit_chapter.networks_table(CELLS)):
        assert len(table) in (6, 12) and table.notna().all(axis=None)
    assert {"topic", "place", "certainty"} <= set(audit_chapter.public_code().columns)
    assert audit_chapter.backbones() == {"backbones4": "12", "backbones5": "12", "backbones6": "12"}
    assert audit_chapter.authors_text()["similar_lowest"] == "3 of 3"
    assert audit_chapter.recomputed_text(CELLS)["means_wrong_largest"] == "1.30"
    assert audit_chapter.impossible_text(CELLS)["vt_networks_without"] == "4"
    assert audit_chapter.table1_text()["d_needed"] == "0.7652"
    assert audit_chapter.method_text()["tau_dropped"] == "12 of 12"


def test_impossible_cells_are_drawn_above_the_diagonal():
    for ax, n, bad in zip(audit_figures.impossible_figure(CELLS).axes, (96, 96), (9, 8), strict=True):
        every, impossible = dots(ax)[:n], dots(ax)[n:]
        assert len(impossible) == bad and (impossible[:, 1] > impossible[:, 0]).all()
        assert (every[:, 1] > every[:, 0]).sum() == bad  # and all of them are marked


def test_the_curve_of_counts_is_highest_at_the_number_of_images():
    shares = {f"Table {n}": audit_chapter.increases(n)["value"].to_numpy() for n in (5, 6)}
    for ax, n in zip(audit_figures.counts_figure(shares, 2100).axes, (2000, 1279), strict=True):
        fit = lines(ax)[0]
        assert fit[fit[:, 1].argmax(), 0] == n and f"N = {n}" in ax.texts[0].get_text()


def test_the_curves_of_table_1_are_p_at_each_d():
    (ax,) = audit_figures.table1_figure((0.76, 0.88), {"t test": -202.0, "Wilcoxon": -199.0}).axes
    t, normal = lines(ax)[:2]
    assert t[0] == pytest.approx([0.6, audit_table1.log10_p_t(0.6)])
    assert normal[-1] == pytest.approx([1.0, float(audit_table1.log10_p_wilcoxon(1.0, "normal"))])
    assert [line[0, 1] for line in lines(ax)[-2:]] == [-202, -199]


def test_both_rules_are_marked_on_the_curves_of_algorithm_2():
    curves = audit_method.authors_curves()
    chosen = {title: audit_method.chosen(table) for title, table in curves.items()}
    figure = audit_figures.algorithm2_figure(curves, chosen)
    for ax, (title, table) in zip(figure.axes[::2], curves.items(), strict=True):
        assert lines(ax)[0] == pytest.approx(table[["K", "P"]].to_numpy())
        assert dots(ax)[:, 0].tolist() == list(chosen[title].values())


def test_table_1_is_the_papers():
    assert audit_table1.N == 2000 and paper_table(1).set_index("metric").loc["cohens_d", "value"] == 0.82
