"""The paper's Table 1: differences of logits per group, summarised across groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics import checks
from analysis.statistics.effects import d_z
from analysis.statistics.paired import paired_t, wilcoxon
from analysis.statistics.results import HypothesisTest, p_bound


@dataclass(frozen=True)
class GroupSummary:
    """One group (cluster index): mean difference in logits, Cohen's d (d_z) and both one-sided tests."""

    mean: float
    d: float
    t: HypothesisTest
    wilcoxon: HypothesisTest


@dataclass(frozen=True)
class Spread:
    """Mean, sample standard deviation and range of a value across groups."""

    mean: float
    sd: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.sd:.2f} ({self.low:.2f} – {self.high:.2f})"


@dataclass(frozen=True)
class Table1:
    """Groups in the order of the columns, and what Table 1 prints of them; the log10 p are the largest of any group."""

    groups: tuple[GroupSummary, ...]
    n: int
    mean: Spread
    d: Spread
    log10_p_t: float
    log10_p_wilcoxon: float

    def row(self) -> dict[str, str]:
        """The row "Across all clusters" with the paper's headings."""
        return {
            "Mean Difference (range)": str(self.mean),
            "Cohen's d (range)": str(self.d),
            "p (t-test)": p_bound(self.log10_p_t),
            "p (Wilcoxon)": p_bound(self.log10_p_wilcoxon),
        }


def paper_table1(differences: ArrayLike) -> Table1:
    """Table 1 from differences (n_images, n_groups) in logits, meta-representation minus baseline; at least 2 x 2.

    The tests are one-sided (H0: mean, or median, <= 0) and run per group on the same images, as the paper ran them.
    The groups are not independent, and their index has no meaning across images. The spread across groups is
    therefore no measure of uncertainty. Raises CluscamError if a group's differences are constant and not 0.
    """
    table = checks.array(differences, "differences", ndim=2)
    n, k = table.shape
    checks.at_least(2, n, "images (rows)")
    checks.at_least(2, k, "groups (columns)")
    groups = tuple(GroupSummary(float(d.mean()), d_z(d), paired_t(d), wilcoxon(d)) for d in table.T)
    return Table1(
        groups=groups,
        n=n,
        mean=spread([group.mean for group in groups]),
        d=spread([group.d for group in groups]),
        log10_p_t=max(group.t.log10_p for group in groups),
        log10_p_wilcoxon=max(group.wilcoxon.log10_p for group in groups),
    )


def spread(values: list[float]) -> Spread:
    """The spread of one value per group."""
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)), min(values), max(values))
