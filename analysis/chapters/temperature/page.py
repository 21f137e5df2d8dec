"""What the `temperature` chapter puts together: the reference run's curve, and pairs of settings in words."""

import pandas as pd

from analysis.chapters.temperature.evidence import MARGIN, against, prepared
from analysis.chapters.temperature.study import STUDY, TABLE_3
from analysis.page.empty import or_not_run
from analysis.page.panels import panel_title
from analysis.page.tables import with_interval
from analysis.statistics import p_text
from analysis.studies.rows import reference_rows

PAIRS = {"Eq. 10 against τ = 1": (TABLE_3, "tau 1"), "Eq. 10 against τ = 50": (TABLE_3, "tau 50")}
PAIRS |= {"Eq. 10 against the best group alone": (TABLE_3, "best"), "Eq. 10 against uniform": (TABLE_3, "uniform")}


def reference() -> pd.DataFrame:
    """The prepared rows of the reference run of `temperature`, as far as it has run."""
    return prepared(reference_rows(STUDY))


def pairs_page(rows: pd.DataFrame) -> pd.DataFrame:
    """How far Eq. 10's tau is ahead of others, in IC and in AD, and whether AD is the same within the margin."""
    table = against(rows, PAIRS)
    page = pd.DataFrame(
        {
            "network": [panel_title(*row) for row in table[["model", "layer"]].itertuples(index=False)],
            "pair": table["pair"],
            "images": table["images"],
            "IC ahead by [95 %]": [with_interval(r, "IC mean", "IC low", "IC high") for _, r in table.iterrows()],
            "p": [p_text(value) for value in table["IC log10 p"]],
            "AD ahead by [95 %]": [with_interval(r, "AD mean", "AD low", "AD high") for _, r in table.iterrows()],
            "AD the same?": [same_text(row) for _, row in table.iterrows()],
        }
    )
    return or_not_run(page)


def same_text(pair: pd.Series) -> str:
    """Whether two settings have the same AD, of a row of `evidence.against`: two questions, each of which may be open.

    They differ where the interval of their difference leaves out 0; they are the same, for all that matters, where two
    one-sided tests show it to be within the margin.
    """
    if pd.isna(pair["p equivalent"]):
        return "yes, on every image"
    differs, close = pair["AD low"] > 0 or pair["AD high"] < 0, pair["p equivalent"] < 0.05
    if differs:
        return f"no, but within {MARGIN} d_z" if close else "no"
    return f"yes, within {MARGIN} d_z" if close else "cannot be told"


def best_tau(curve: pd.DataFrame, measure: str = "increase") -> dict[str, dict[str, str]]:
    """The tau of the grid with the best mean of a measure, by network, as text: `tau`, the `best` mean in percent, and
    the mean at Eq. 10's tau, `own`.
    """
    found = {}
    for model, mine in curve.groupby("model", sort=False):
        grid = mine[mine["kind"] == "grid"]
        best = grid.loc[grid[measure].idxmin() if measure == "drop" else grid[measure].idxmax()]
        own = mine.loc[mine["kind"] == "table 3", measure].iloc[0]
        found[model] = {"tau": f"{best['tau']:g}", "best": f"{best[measure]:.1f}", "own": f"{own:.1f}"}
    return found


def curve_words(curve: pd.DataFrame) -> dict[str, str]:
    """What `evidence.curve` says in words: means at some tau, "drop_0.1_MODEL"; the best tau, "best_drop_MODEL_tau".

    "range_behind": how far the lowest IC from tau 0.3 to 0.5 is below the best of the
    grid, by network; "level_MODEL": from where to where IC goes for tau from 0.3 to 5; "lowest_MODEL": its least.
    """
    words, behind = {}, []
    for model, mine in curve.groupby("model", sort=False):
        grid = mine[mine["kind"] == "grid"].set_index("tau")
        for measure in ("drop", "increase", "coverage", "entropy"):
            words |= {f"{measure}_{tau:g}_{model}": f"{grid.loc[tau, measure]:.0f}" for tau in (0.1, 0.4, 1.0, 5.0)}
        ic = grid["increase"]
        behind.append(f"{ic.max() - ic.loc[[0.3, 0.4, 0.5]].min():.1f}")
        inside = ic[(ic.index >= 0.3) & (ic.index <= 5)]
        words |= {f"level_{model}": f"{inside.min():.1f} to {inside.max():.1f}", f"lowest_{model}": f"{ic.min():.1f}"}
    for measure in ("increase", "drop"):
        for model, found in best_tau(curve, measure).items():
            words |= {f"best_{measure}_{model}_{key}": text for key, text in found.items()}
    return words | {"range_behind": " and ".join(behind)}


def pair_words(pairs: pd.DataFrame) -> dict[str, str]:
    """In how many pairs of `pairs_page` AD differs, is the same, or cannot be told: "2 of 8", "1", "5"."""
    said = pairs["AD the same?"]
    return {
        "differ": f"{said.str.startswith('no').sum()} of {len(said)}",
        "same": str(said.str.startswith("yes").sum()),
        "open": str((said == "cannot be told").sum()),
    }
