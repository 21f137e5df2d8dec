"""What the rows of the study `stability` say of the claims C12a to C12e (`analysis/paper/claims.yaml`)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.chapters.stability.evidence import prepared, values
from analysis.judging.compare import compare, equivalence, estimates
from analysis.judging.sources import Claim
from analysis.page.panels import mean_of
from analysis.statistics import wilcoxon

IC_MARGIN, AD_MARGIN = 5.0, 2.0  # points: what C12d lets a weighting lose


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The claim's estimate in each block of its population, none where an image or a perturbation is missing.

    A map without contrast has no correlation: `n` counts the images that have one on every side.
    """
    found = []
    for block in claim["population"]["blocks"]:
        row = {"model": block["model"], "panel": block["layer"]}
        sides = sides_of(prepared(rows), block, claim["contrast"]) if len(rows) else None
        found.append(row | (numbers(sides, claim) if sides is not None else {}))
    return pd.DataFrame(found)


def sides_of(
    rows: pd.DataFrame, block: Mapping[str, Any], contrast: Mapping[str, Any]
) -> dict[str, tuple[pd.Series, ...]] | None:
    """The values of the explainer, and of the one it is held against, by measure; None unless both ran on all images.

    Each image's value is the mean over the contrast's perturbations.
    """
    mine = rows[(rows["model"] == block["model"]) & (rows["panel"] == block["layer"])]
    images = mine["image_id"].unique()[: block["n"]]
    names = [contrast[side] for side in ("explainer", "against") if side in contrast]
    measures = ("increase", "drop") if contrast["measure"] == "loss" else (contrast["measure"],)
    found = {}
    for measure in measures:
        sides = [values(mine, name, contrast["perturbations"], measure) for name in names]
        if len(images) < block["n"] or any(not set(images) <= set(side.index) for side in sides):
            return None
        each = pd.concat([side.loc[images].mean(axis=1, skipna=False) for side in sides], axis=1).dropna()
        if len(each) < 2:
            return None
        found[measure] = tuple(each[column] for column in each)
    return found


def numbers(sides: Mapping[str, tuple[pd.Series, ...]], claim: Claim) -> dict[str, Any]:
    """What the claim's rule reads: of one correlation, of the difference of two, or of what a weighting loses."""
    if claim["contrast"]["measure"] == "loss":
        return loss(sides)
    (each,) = sides.values()
    if claim["thresholds"]["rule"] == "effect":
        return difference(each[0] - each[1], claim)
    found = mean_of("mean", each[0] if len(each) == 1 else each[0] - each[1])
    ends = {"low": found["mean low"], "high": found["mean high"]}
    return {"n": len(each[0]), "mean": found["mean"], **ends, "least": ends["low"], "most": ends["high"]}


def difference(better: pd.Series, claim: Claim) -> dict[str, Any]:
    """The mean of paired differences (n,), its d_z, and the tests of an effect and of equivalence."""
    values_of = better.to_numpy()
    test = wilcoxon(values_of, alternative="two-sided")
    tests = {"p": test.p, "log10 p": test.log10_p, "p_equivalence": equivalence(values_of, claim["thresholds"])}
    return estimates(values_of) | tests


def loss(sides: Mapping[str, tuple[pd.Series, ...]]) -> dict[str, Any]:
    """What the first side loses in IC and AD, each in units of its margin; the larger is judged."""
    ic, ad = (compare(*sides[measure], measure) for measure in ("increase", "drop"))
    scaled = [(-one["high"] / margin, -one["low"] / margin) for one, margin in ((ic, IC_MARGIN), (ad, AD_MARGIN))]
    said = [
        f"{name} {one['mean']:+.1f} [{one['low']:+.1f}, {one['high']:+.1f}]" for name, one in (("IC", ic), ("AD", ad))
    ]
    return {
        "n": ic["n"],
        "least": max(low for low, _ in scaled),
        "most": max(high for _, high in scaled),
        "text": f"better by {' and '.join(said)} points",
    }
