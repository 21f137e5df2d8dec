"""What the `hyperparameters` chapter puts together: Table 3 and Eq. 10, a curve drawn to order, and tables in words."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from analysis.chapters.hyperparameters.evidence import whole_images
from analysis.chapters.hyperparameters.mixture_evidence import SKLEARN, quiet_fit, scores_at, size_for
from analysis.chapters.hyperparameters.study import STUDY
from analysis.judging.sources import Claim
from analysis.judging.text import claims_page
from analysis.page.empty import or_not_run
from analysis.page.panels import blocks, panel_title
from analysis.paper.claims import claims_of
from analysis.paper.tables import paper_table
from analysis.studies.rows import NOT_RUN, reference_rows
from cluscam_lite import temperature
from cluscam_lite.tuning import Mixture, curvature, elbow

RULES = {"argmax": "argmax, as printed", "argmin": "argmin, the elbow"}


@lru_cache(maxsize=1)
def measured() -> pd.DataFrame:
    """The rows of the reference run, as far as it has run."""
    return reference_rows(STUDY)


@lru_cache(maxsize=1)
def reference() -> pd.DataFrame:
    """The rows of the images that the reference run has finished."""
    return whole_images(measured())


def plan_text() -> str:
    """What the reference run is to measure, in words: "100 images, 10 candidates from 5 to 100, 3 seeds of K-Means"."""
    block = STUDY.planned("reference").blocks[0]
    sizes = f"{len(block.grid)} candidates from {block.grid[0]} to {block.grid[-1]}"
    return f"{block.n_images} images, {sizes}, {len(block.seeds)} seeds of K-Means"


def claims() -> list[dict[str, Any]]:
    """The claims of this study."""
    return claims_of(STUDY.name)


def table_3() -> pd.DataFrame:
    """Table 3 with Eq. 10 beside its tau: `exact`, and whether two decimals of it give the printed one, `rounded` and
    `truncated`.
    """
    table = paper_table(3)
    exact = [temperature(k, r / 100) for k, r in table[["K", "r_percent"]].itertuples(index=False)]
    hundredths = (100 * table["tau"]).round().astype(int)
    return table.assign(
        exact=exact,
        rounded=[round(100 * tau) == n for tau, n in zip(exact, hundredths, strict=True)],
        truncated=[math.floor(100 * tau) == n for tau, n in zip(exact, hundredths, strict=True)],
    )


def table_3_page() -> pd.DataFrame:
    """`table_3` for a page."""
    table = table_3()
    return pd.DataFrame(
        {
            "network": table["model"],
            "K": table["K"],
            "r, %": table["r_percent"].map("{:.2f}".format),
            "τ printed": table["tau"].map("{:.2f}".format),
            "τ by Eq. 10": table["exact"].map("{:.4f}".format),
            "which network's row": np.where(
                table["row_certainty"].str.startswith("certain"),
                "certain",
                np.where(table["row_certainty"].str.startswith("UNCERTAIN"), "probable", "by the order of the columns"),
            ),
        }
    )


def saturating(scale: float = 20.0) -> dict[str, Any]:
    """A curve that rises and saturates, 1 - exp(-K / scale), at the reference run's candidates.

    Its P, C (NaN for the first two) and K* of both rules.
    """
    grid = STUDY.planned("reference").blocks[0].grid
    p = 1 - np.exp(-np.asarray(grid) / scale)
    bends = np.array([np.nan, np.nan, *curvature(grid, p)])
    return {"grid": grid, "P": p, "C": bends, **{rule: int(elbow(grid, p, rule)) for rule in RULES}}


def mixture_example(rows: pd.DataFrame) -> tuple[np.ndarray, int, dict[str, Mixture]]:
    """The scores (n,) of the first block under its first seed, their K, and the mixtures of the two stopping rules."""
    model, _, block = next(blocks(rows))
    k = size_for(model, block)
    scores = scores_at(block, k, int(block["seed"].min()))["score"]
    fits = {
        "stopped as by scikit-learn": quiet_fit(scores, tolerance=SKLEARN),
        "run until it stands": quiet_fit(scores),
    }
    return scores.to_numpy(float), k, fits


def choice_page(table: pd.DataFrame) -> pd.DataFrame:
    """`evidence.choice_table` for a page; "not run" if it is empty."""
    page = pd.DataFrame(
        {
            "network": _networks(table),
            "rule": table["rule"].map(RULES),
            "images": table["images"],
            "K*": table["K"],
            "by seed": [", ".join(map(str, seeds)) for seeds in table["by seed"]],
            "most frequent": table["mode"],
            "share of draws": [_against_chance(row, "share") for _, row in table.iterrows()],
            "Table 3": table["Table 3"],
            "near it": [_against_chance(row, "near") for _, row in table.iterrows()],
            "one candidate left out": [f"{n} different K*" for n in table["without"]],
        }
    )
    return or_not_run(page, "this run")


def start_page(summary: pd.DataFrame) -> pd.DataFrame:
    """`mixture_evidence.start_summary` for a page: percent."""
    page = pd.DataFrame(
        {
            "network": _networks(summary),
            "K": summary["K"],
            "EM stops at a gain of": summary["tolerance"].map("{:.0e}".format),
            "iterations": summary["iterations"],
            "r, %": (100 * summary["r"]).map("{:.1f}".format),
            "r over all starts, %": [
                f"{100 * low:.1f} – {100 * high:.1f}"
                for low, high in zip(summary["least"], summary["most"], strict=True)
            ],
            "mean posterior less weight, at most": summary["gap"].map("{:.0e}".format),
        }
    )
    return or_not_run(page, "this run")


def claim_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """C10a to C10g on the rows of the reference run (`measured`), a row for each block."""
    return claims_page(rows, claims(), _claim_cells)


def _claim_cells(claim: Claim, row: pd.Series) -> dict[str, Any]:
    criterion, text = claim["criterion"], row.get("text")
    return {
        "about": criterion["of"] + (f", {criterion['rule']}" if "rule" in criterion else ""),
        "network": panel_title(row["model"], row["panel"]),
        "images": row["planned"],
        "found": text if isinstance(text, str) else NOT_RUN,
        "tier": row["tier"],
    }


def not_run() -> pd.DataFrame:
    """What stands for a table of a run that has no rows."""
    return pd.DataFrame({"this run": [NOT_RUN]})


def _networks(table: pd.DataFrame) -> list[str]:
    return [panel_title(*block) for block in table[["model", "layer"]].itertuples(index=False)]


def _against_chance(row: pd.Series, name: str) -> str:
    return f"{row[name]:.0%} (noise {row[f'{name} by chance']:.0%})"
