"""What a block could have told: its power at the paper's own figure, and the images that would decide it."""

import math
from typing import Any

import numpy as np
import pandas as pd

from analysis.judging.compare import SHARES
from analysis.judging.printed import paper_effect
from analysis.judging.rules import UNDECIDED, UNINFORMATIVE
from analysis.judging.sources import Claim
from analysis.statistics.power import images_needed, power_of_d_z, power_of_shares

LOW = 0.5  # below this, a block is more likely than not to miss what the paper says


def block_power(row: pd.Series, claim: Claim) -> dict[str, Any]:
    """Of a judged block: `power` of the word "supported", `power at`, in words, and `images needed` if it is open.

    The true effect is the paper's own figure where it prints one, else twice the smallest of interest; the spread is
    the block's own. Holm's correction is taken at its strictest, a test's share of alpha. Empty for claims on limits,
    and where the spread is unknown.
    """
    thresholds, n = claim["thresholds"], row.get("n")
    if thresholds["rule"] != "effect" or "of" in thresholds or n is None or pd.isna(n) or pd.isna(row.get("mean")):
        return {}
    n, sesoi = int(n), float(thresholds["sesoi"])
    alpha = thresholds["alpha"] / len(claim["population"]["blocks"])
    points, own = thresholds["unit"] == "points", paper_effect(claim)
    measure = claim.get("contrast", {}).get("measure")
    spread = abs(row["mean"] / row["d_z"]) if row["d_z"] else math.nan  # of one image's difference
    if own is not None and not points and measure is not None:  # the paper's points as d_z
        own = own / spread if np.isfinite(spread) else None
    effect, said = (own, "the paper's own figure") if own is not None else (2 * sesoi, "twice the smallest effect")
    unit = "points" if points else "d_z"
    found: dict[str, Any] = {"power at": f"{said}, {effect:.2f} {unit}"}
    if points and row.get("test") == "McNemar":
        discordant = row["differing"] / n
        found["power"] = power_of_shares(effect / 100, discordant, n, sesoi / 100, alpha)
    elif points:
        unit_of = np.fmax(spread, least_spread(effect) if measure in SHARES else spread)
        found["power"] = power_of_d_z(effect / unit_of, n, sesoi / unit_of, alpha)
    else:
        found["power"] = power_of_d_z(effect, n, sesoi, alpha)
    if row["verdict"] in (UNDECIDED, UNINFORMATIVE):
        estimate, of_one = (row["mean"], spread) if points else (row["d_z"], 1.0)
        known = np.isfinite(of_one) and np.isfinite(estimate) and not row.get("uninformative")
        needed = images_needed(estimate, of_one, sesoi, alpha) if known else None
        found["images needed"] = f"{needed:,} {row.get('counted', 'images')}" if needed else "no number of images"
    return found


def least_spread(effect: float) -> float:
    """The standard deviation, in points, that an effect on shares brings with it: on so many images one side is ahead.

    Of images that hardly differ by chance. Means over seeds or groups can have less, so that power is rather too low.
    """
    share = min(abs(effect) / 100, 1.0)
    return 100 * math.sqrt(share * (1 - share))


def power_text(row: pd.Series) -> str:
    """The power of a ledger's row in words, for a page; "" where there is none."""
    if pd.isna(row["power"]):
        return ""
    text = f"power {100 * row['power']:.0f} % at {row['power at']}"
    if could_not_confirm(row):
        text += ": it could not have confirmed the paper"
    return f"{text}; decided by {row['images needed']}" if row["images needed"] else text


def could_not_confirm(row: pd.Series) -> bool:
    """Whether the block would have missed the paper's own figure more often than not."""
    return pd.notna(row["power"]) and row["power"] < LOW and str(row["power at"]).startswith("the paper")
