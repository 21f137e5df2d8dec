"""The paper's Table 1, and p-values too small for a float, against the audit and 50 digits."""

import math

import numpy as np
import pytest
from by_hand import with_d_z
from scipy import stats

from analysis import statistics as s
from analysis.statistics.tails import log10_noncentral_t_cdf, log10_sign_p, log10_tail


@pytest.mark.parametrize(("d", "t", "log10_p"), [(0.76, 33.99, -199.8), (0.82, 36.67, -225), (0.88, 39.35, -251)])
def test_the_audits_t_of_table_1(d, t, log10_p):
    result = s.paired_t(with_d_z(np.random.default_rng(0).exponential(size=2000), d))
    assert result.statistic == pytest.approx(t, abs=0.006) and result.statistic == pytest.approx(d * math.sqrt(2000))
    assert result.log10_p == pytest.approx(log10_p, abs=0.06 if d < 0.8 else 0.5)


def test_the_audits_wilcoxon_of_table_1():
    # all 2,000 positive: z = sqrt(1.5 * 2000 * 2001 / 4001) = 38.73; exactly it would be 2^-2000
    everything = s.wilcoxon(np.arange(1, 2001))
    assert (everything.p, everything.log10_p) == (0, pytest.approx(-327.8, abs=0.05))
    assert s.sign_test(np.ones(2000)).log10_p == pytest.approx(-2000 * math.log10(2))
    # normal differences of d = .76 give z = 27.8 only, about 10^-170
    normal = with_d_z(stats.norm.ppf((np.arange(2000) + 0.5) / 2000), 0.76)
    assert s.wilcoxon(normal).log10_p == pytest.approx(-170, abs=1)


@pytest.mark.parametrize(
    ("distribution", "x", "expected"),
    [  # the first four by mpmath with 50 digits
        (stats.t(1999), 60, -449.02779163540214),
        (stats.t(99), 1e6, -496.6140620855962),
        (stats.t(1_000_000), 40, -349.15900706407507),
        (stats.chi2(7), 3000, -644.0223469711702),
        (stats.chi2(2), 4000, -2000 / math.log(10)),  # exp(-x / 2)
        (stats.norm(), 50, stats.norm.logsf(50) / math.log(10)),
        (stats.norm(), 0, math.log10(0.5)),
    ],
)
def test_tails_far_below_the_smallest_float(distribution, x, expected):
    assert log10_tail(distribution, x) == pytest.approx(expected, rel=1e-10)


def test_the_tail_has_no_step_where_the_method_changes():
    x = np.linspace(43.3, 43.6, 60)  # log10 p = -290 is in the middle
    log10_p = [log10_tail(stats.t(1999), v) for v in x]
    assert log10_p[0] > -290 > log10_p[-1]
    assert np.ptp(np.diff(log10_p, 2)) < 1e-7


@pytest.mark.parametrize(
    ("t", "df", "nc"), [(1.5, 4, 2), (-1, 30, 1), (8, 99, 5), (0.1, 1, 0.5), (30, 1999, 33), (-200, 3, 1)]
)
def test_noncentral_t_where_scipy_has_it(t, df, nc):
    assert 10 ** log10_noncentral_t_cdf(t, df, nc) == pytest.approx(stats.nct.cdf(t, df, nc), rel=1e-7)


def test_noncentral_t_where_scipy_has_it_not():
    # at t = 0 it is Phi(-noncentrality); with none it is Student's t
    assert log10_noncentral_t_cdf(0, 1999, 60) == pytest.approx(stats.norm.logcdf(-60) / math.log(10))
    assert log10_noncentral_t_cdf(-60, 1999, 0) == pytest.approx(-449.02779163540214)
    assert log10_noncentral_t_cdf(-600, 1999, 0) == pytest.approx(log10_tail(stats.t(1999), 600))
    assert log10_noncentral_t_cdf(90, 1999, 0) == pytest.approx(0, abs=1e-10)


def test_binomial_tail_of_many_signs():
    assert log10_sign_p(1500, 2000, "greater") == pytest.approx(math.log10(stats.binom.sf(1499, 2000, 0.5)))
    assert log10_sign_p(0, 3000, "two-sided") == pytest.approx(-2999 * math.log10(2))


@pytest.mark.parametrize(
    ("log10_p", "text", "bound"),
    [
        (-199.8, "1.6e-200", "< 10^-199"),
        (-5, "1.0e-5", "< 10^-4"),
        (-4 - 1e-9, "1.0e-4", "< 10^-4"),
        (-3, "0.001", "0.001"),
        (math.log10(0.05), "0.050", "0.050"),
        (0, "1.000", "1.000"),
        (-math.inf, "0", "0"),
    ],
)
def test_printed_p_values(log10_p, text, bound):
    assert s.p_text(log10_p) == text
    assert s.p_bound(log10_p) == bound


def test_table_1_by_hand():
    # both columns: sd = mean / sqrt(2), so d = sqrt(2) and t = 2; one degree of freedom; Wilcoxon (1/2)^2
    table = s.paper_table1([[1, 2], [3, 6]])
    assert [group.t.p for group in table.groups] == pytest.approx([0.5 - math.atan(2) / math.pi] * 2)
    assert [group.mean for group in table.groups] == [2, 4]
    assert table.n == 2 and table.mean.sd == pytest.approx(math.sqrt(2))
    assert list(table.row().values()) == ["3.00 ± 1.41 (2.00 – 4.00)", "1.41 ± 0.00 (1.41 – 1.41)", "0.148", "0.250"]


def test_table_1_prints_the_largest_p_as_the_paper_does():
    shape = np.random.default_rng(0).exponential(size=2000)
    table = s.paper_table1(np.column_stack([1.6 * with_d_z(shape, d) for d in (0.7653, 0.82, 0.88)]))
    row = table.row()
    assert row["Cohen's d (range)"] == "0.82 ± 0.06 (0.77 – 0.88)"
    # the audit: "< 10^-202" needs d >= .7652
    assert row["p (t-test)"] == "< 10^-202" and table.log10_p_t == max(g.t.log10_p for g in table.groups)
