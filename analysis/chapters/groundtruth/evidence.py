"""From the rows of the study `groundtruth` to its tables: how well each method's maps agree with the ground truth."""

from typing import Any

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from analysis.page.empty import table_of
from analysis.page.panels import panels, prepared
from analysis.statistics import bootstrap_interval
from cluscam_lite.methods import METHODS, method_info

LEVEL = 0.95  # of all intervals
BADGES = "badges"


def scenes_table(rows: pd.DataFrame) -> pd.DataFrame:
    """How each method's maps agree with the effects of things, a row for each network, layer and method.

    `rho`, `r`: mean Spearman and Pearson correlation within a scene, BCa intervals over scenes; `undefined` counts the
    scenes without (the map, or all effects, constant). `pointing`, `objects`: percent of scenes in which the map is
    highest on the thing (among the objects: the object) of the largest effect, Wilson interval; `chance ...` is
    the expected value of a random map. Methods that cannot explain a network are rows without numbers, with the
    `reason`.
    """
    measures = {"rho": "rho", "r": "r", "pointing": "pointing", "objects": "top1_objects"}
    return _table(rows[rows["dataset"] != BADGES], measures, {"pointing": "chance", "objects": "chance_objects"})


def badges_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Whether each method's maps light the badge, where it is why the network says "anchor" (`flips`).

    `badge first`: percent of scenes in which the badge is the thing of the largest density, Wilson interval; `lift`:
    the map's mean on the badge as a multiple of its mean, BCa interval; `rho` as in `scenes_table`.
    """
    mine = rows[(rows["dataset"] == BADGES) & rows["flips"].astype(bool)]
    return _table(mine, {"badge first": "badge_first", "lift": "badge_lift", "rho": "rho"}, {"badge first": "chance"})


def planted_truth(rows: pd.DataFrame) -> dict[str, float]:
    """Whether the network uses the shortcut: the number of scenes, and the percentage that flips. Of the scenes that
    flip: the percentage in which the badge has the largest effect, and its mean effect (logits).
    """
    scenes = rows[rows["dataset"] == BADGES].drop_duplicates("image_id")
    flipped = scenes[scenes["flips"].astype(bool)]
    return {
        "scenes": len(scenes),
        "flip": 100 * float(scenes["flips"].astype(bool).mean()),
        "badge has the largest effect": 100 * float(flipped["badge_effect_first"].mean()),
        "effect of the badge": float(flipped["badge_effect"].mean()),
    }


def rho_differences(rows: pd.DataFrame, name: str = "cluscam") -> pd.DataFrame:
    """How far `name` is ahead of each other method in rho: mean over the scenes where both have one, BCa interval.

    Pairs with fewer than two such scenes are left out.
    """
    found = []
    for model, panel, block in panels(prepared(rows[rows["dataset"] != BADGES])):
        wide = block.pivot(index="image_id", columns="method", values="rho").astype(float)
        for other in (other for other in METHODS if other in wide and other != name and name in wide):
            difference = (wide[name] - wide[other]).dropna()
            if len(difference) > 1:
                row = {"model": model, "panel": panel, "against": other, "n": len(difference)}
                found.append(row | _interval("mean", difference))
    return pd.DataFrame(found, columns=["model", "panel", "against", "n", "mean", "mean low", "mean high"])


def share(hits: pd.Series) -> tuple[float, float, float]:
    """The mean of hits (n,), each 0 to 1, in percent, with Wilson's interval; a tie counts as a fraction."""
    low, high = proportion_confint(hits.sum(), len(hits), alpha=1 - LEVEL, method="wilson")
    return 100 * float(hits.mean()), 100 * float(low), 100 * float(high)


def _table(rows: pd.DataFrame, measures: dict[str, str], chances: dict[str, str]) -> pd.DataFrame:
    """`measures`: heading -> column; those in `chances` (heading -> column of the value by chance) are shares."""
    found = []
    for model, panel, block in panels(prepared(rows)):
        there = set(block["method"].unique())
        for name in (name for name in METHODS if name in there):
            mine = block[block["method"] == name]
            info, ran = method_info(name), mine[mine["reason"] == ""]
            row: dict[str, Any] = {"model": model, "panel": panel, "method": name, "title": info.title}
            row |= {"kind": info.kind, "layer": mine["layer"].iloc[0], "scenes": len(ran)}
            for heading, column in measures.items():
                values = ran[column].dropna().astype(float)
                row |= _share(heading, values) if heading in chances else _interval(heading, values)
                if heading in chances:
                    row[f"chance {heading}"] = 100 * ran[chances[heading]].mean()
            row["undefined"] = int(ran["rho"].isna().sum())
            row |= {"passes": ran["forward_passes"].mean(), "backward": ran["backward_passes"].mean()}
            found.append(row | {"reason": next(iter(mine.loc[mine["reason"] != "", "reason"]), "")})
    headings = [heading + end for heading in measures for end in ("", " low", " high")]
    return table_of(found, "model", "panel", "method", "title", "scenes", *headings, "reason")


def _share(heading: str, hits: pd.Series) -> dict[str, float]:
    """Share and Wilson's interval; no interval of one scene, nothing of none."""
    if len(hits) < 2:
        return _alone(heading, hits, 100)
    mean, low, high = share(hits)
    return {heading: mean, f"{heading} low": low, f"{heading} high": high}


def _interval(heading: str, values: pd.Series) -> dict[str, float]:
    """Mean and BCa interval; no interval of one value, nothing of none."""
    if len(values) < 2:
        return _alone(heading, values)
    found = bootstrap_interval(values, level=LEVEL)
    return {heading: found.estimate, f"{heading} low": found.low, f"{heading} high": found.high}


def _alone(heading: str, values: pd.Series, of: float = 1.0) -> dict[str, float]:
    """The one value times `of`, without an interval; NaN of none."""
    mean = of * float(values.iloc[0]) if len(values) else float("nan")
    return {heading: mean, f"{heading} low": float("nan"), f"{heading} high": float("nan")}
