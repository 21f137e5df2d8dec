"""The figures of the verdicts, and where this copy's own rows are."""

import pandas as pd
import pytest
from drawn import dots, row_names, widths

from analysis.chapters.verdicts.figures import effects_figure, tiers_figure
from analysis.chapters.verdicts.page import own_folder
from analysis.judging.counts import tier_counts
from analysis.judging.ledger import COLUMNS
from analysis.judging.rules import REVERSED, SUPPORTED, VERDICTS
from analysis.paths import ROOT
from analysis.studies.rows import NOT_RUN


def row(claim, model="mobileone_s0", verdict=REVERSED, mean=-1.5, n=100, **others):
    found = {
        "claim": claim,
        "quote": "q",
        "place": "p",
        "study": "s",
        "paper": "x",
        "tier": "conceptual",
        "panel": "paper",
    }
    found |= {"model": model, "planned": n, "n": n, "mean": mean, "low": mean - 0.5, "high": mean + 0.5}
    found |= {"d_z": mean / 2, "d_z low": mean / 2 - 0.3, "d_z high": mean / 2 + 0.3, "p (Holm)": 0.001}
    return found | {"unit": "logits", "verdict": verdict, "reason": ""} | others


def table(*rows):
    return pd.DataFrame(rows).reindex(columns=COLUMNS).astype({"n": "Int64"})


def test_figures():
    some = table(row("C6b"), row("C6a", verdict=SUPPORTED, mean=1.0), row("C1", verdict=NOT_RUN, d_z=None))
    counts = tier_counts(some)
    assert (
        counts.loc["conceptual"].tolist() == [1, 1, 0, 0, 1, 0]
        and list(counts.columns) == list(VERDICTS)
        and counts.loc["reproduction"].sum() == 0
    )
    bars = tiers_figure(counts).axes[0]
    assert [text.get_text() for text in bars.texts] == ["1", "1", "1"] and sum(widths(bars)) == 3
    effects = effects_figure(some).axes[0]
    assert dots(effects)[:, 0].tolist() == [-0.75, 0.5]
    assert row_names(effects) == ["C6b, MobileOne-S0", "C6a, MobileOne-S0"]
    assert effects_figure(some[some["verdict"] == NOT_RUN]) is None


@pytest.mark.parametrize(("profile", "folder"), [("reference", None), ("embedded", ROOT / "out/studies/embedded")])
def test_where_this_copys_rows_are(profile, folder):
    assert own_folder(profile) == folder
