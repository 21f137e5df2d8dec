"""Paired statistics over images: tests, effect sizes, intervals, and the paper's Table 1.

Every function is pure. Samples are 1-D sequences of finite numbers with one entry per image; a paired function takes
either the differences `x` or two samples `x, y` in the same order of images and works on x - y. `alternative` is about
x - y: "greater" (the claim is x > y), "less", or "two-sided". Bad input raises CluscamError with one sentence.
"""

from analysis.statistics.effects import d_z, mean_and_d_z, rank_biserial, standardised
from analysis.statistics.equivalence import Equivalence, tost, tost_shares
from analysis.statistics.multiplicity import holm
from analysis.statistics.paired import paired_t, sign_test, wilcoxon
from analysis.statistics.proportions import McNemar, bonett_price, mcnemar
from analysis.statistics.resampling.intervals import Interval, bootstrap_interval
from analysis.statistics.resampling.permutation import permutation_test
from analysis.statistics.results import HypothesisTest, p_bound, p_text
from analysis.statistics.table1 import GroupSummary, Spread, Table1, paper_table1

__all__ = [
    "Equivalence", "GroupSummary", "HypothesisTest", "Interval", "McNemar", "Spread", "Table1", "bonett_price",
    "bootstrap_interval", "d_z", "holm", "mcnemar", "mean_and_d_z", "p_bound", "p_text", "paired_t", "paper_table1",
    "permutation_test", "rank_biserial", "sign_test", "standardised", "tost", "tost_shares",
    "wilcoxon",
]  # fmt: skip
