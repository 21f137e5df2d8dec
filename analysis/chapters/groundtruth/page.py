"""The `groundtruth` chapter: its rows, one scene's truth with several methods' maps, and tables as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from torch import Tensor

from analysis.chapters.groundtruth.contributions import Truth
from analysis.chapters.groundtruth.evidence import BADGES, planted_truth
from analysis.chapters.groundtruth.study import DATASETS, STUDY, explained, image_ids, knows_scenes, truth_by_id
from analysis.page.empty import or_not_run
from analysis.page.panels import panel_title
from analysis.studies.plans.profile import profile_name
from analysis.studies.rows import NOT_RUN, study_rows
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import method_info

RIVALS = ("cluscam", "rival")  # kinds of methods that read the network to explain it
OFTEN = 0.9  # of the scenes: from there on a method is said to find the badge

# column of the evidence's tables -> its heading on a page, and how its numbers are written
HEADINGS = {
    "rho": ("Spearman's ρ", "{:+.2f}"),
    "r": ("Pearson's r", "{:+.2f}"),
    "mean": ("ClusCAM ahead in ρ", "{:+.2f}"),
    "pointing": ("largest thing first, %", "{:.0f}"),
    "objects": ("largest object first, %", "{:.0f}"),
    "badge first": ("badge first, %", "{:.0f}"),
    "lift": ("lift", "{:.1f}"),
}


def scene_rows(parameters: Mapping[str, Any]) -> pd.DataFrame:
    """The study's rows: this run's, or those of "embedded" where a profile is about other images or networks."""
    planned = profile_name(parameters) in STUDY.plan_file().plans
    of_scenes = parameters["dataset"] in DATASETS and all(knows_scenes(model) for model in parameters["models"])
    return study_rows(STUDY, parameters if planned or of_scenes else {"profile": "embedded"})


def example(
    dataset: str, model: str, number: int, names: Sequence[str], seed: int = 0
) -> tuple[Truth, dict[str, Tensor]]:
    """The truth of scene `number` of the study's data set, and the maps (H, W) of the methods `names` by their titles.

    Methods that cannot explain the network are left out. Raises UnknownName for an unknown method.
    """
    profile = {"dataset": dataset, "models": [model], "n_images": number + 1, "methods": tuple(names), "seed": seed}
    image_id = image_ids(dataset, number + 1)[number]
    maps = {}
    for cell in (cell for cell in STUDY.cells(profile) if image_id in cell.images):
        try:
            maps[method_info(cell.method).title] = explained(cell, image_id).saliency[0].cpu()
        except NotApplicable:
            continue
    return truth_by_id(model, dataset, image_id), maps


def words(rows: pd.DataFrame, differences: pd.DataFrame) -> dict[str, str]:
    """What the chapter says of prepared rows and their `rho_differences`, in words.

    "MODEL_PANEL_METHOD": mean ρ on the scenes; "point_MODEL_PANEL_METHOD": in how many scenes (percent) the map is
    highest on the thing with the largest effect; "place_MODEL_PANEL": ClusCAM's place among the rivals by it;
    "MODEL_PANEL_smooth_less": its lead over smooth masks with its interval; "first_METHOD" and "lift_METHOD": how
    often the badge is brightest (percent), and the lift; "finders": how many rivals light it first in nine of ten;
    "scenes", and what `planted_truth` says: "flip", "largest", "effect" ("not run" without badges).
    """
    scenes, found = rows[rows["dataset"] != BADGES], dict.fromkeys(("flip", "largest", "effect", "finders"), NOT_RUN)
    rho = scenes.groupby(["model", "panel", "method"])["rho"].mean().dropna()
    found |= {"_".join(key): signed(value) for key, value in rho.items()}
    first = scenes.groupby(["model", "panel", "method"])["pointing"].mean().dropna()
    found |= {"point_" + "_".join(key): percent(value) for key, value in first.items()}
    found["scenes"] = f"{scenes['image_id'].nunique()}"
    for (model, panel), mine in rho.groupby(["model", "panel"]):
        rivals = mine[[method_info(name).kind in RIVALS for *_, name in mine.index]]
        place = (rivals > mine.get((model, panel, "cluscam"), float("nan"))).sum() + 1
        found[f"place_{model}_{panel}"] = f"number {place} of {len(rivals)}"
    for _, row in differences.iterrows():
        if row["against"] == "smooth":
            said = [signed(row[column]) for column in ("mean", "mean low", "mean high")]
            found[f"{row['model']}_{row['panel']}_smooth_less"] = f"{said[0]} ({said[1]} to {said[2]})"
    if BADGES not in set(rows["dataset"]):
        return found
    return found | planted_words(rows)


def planted_words(rows: pd.DataFrame) -> dict[str, str]:
    """Of the scenes with a badge: see `words`."""
    planted = planted_truth(rows)
    flipped = rows[(rows["dataset"] == BADGES) & rows["flips"].astype(bool)]
    first = flipped.groupby("method")["badge_first"].mean().dropna()
    lift = flipped.groupby("method")["badge_lift"].mean().dropna()
    rivals = first[[method_info(name).kind in RIVALS for name in first.index]]
    return {
        "flip": f"{planted['flip']:.0f} % of {planted['scenes']}",
        "largest": f"{planted['badge has the largest effect']:.0f} %",
        "effect": f"{planted['effect of the badge']:.1f}",
        "finders": f"{(rivals >= OFTEN).sum()} of {len(rivals)}",
        **{f"first_{name}": percent(value) for name, value in first.items()},
        **{f"lift_{name}": f"{value:.1f}" for name, value in lift.items()},
    }


def percent(share: float) -> str:
    """A share for a sentence, in percent, rounded as the tables round it (shares are stored in single precision)."""
    return f"{round(100 * float(share), 4):.0f}"


def signed(value: float) -> str:
    """A correlation for a sentence, with a minus sign only."""
    return f"{value:.2f}".replace("-", "−")


def for_page(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `evidence` as text: networks and methods by their titles, means with their intervals.

    "n/a" where a method cannot explain the network, "–" where there is no number; "not run" for an empty table.
    """
    names = table["method"] if "method" in table else table["against"]
    page = pd.DataFrame({"network": [panel_title(*row) for row in table[["model", "panel"]].itertuples(index=False)]})
    page["method" if "method" in table else "against"] = [method_info(name).title for name in names]
    page["scenes"] = (table["scenes"] if "scenes" in table else table["n"]).to_numpy()
    for column, (heading, form) in HEADINGS.items():
        if column in table:
            page[heading] = [_cell(row, column, form) for _, row in table.iterrows()]
    return or_not_run(page, "this run")


def _cell(row: pd.Series, column: str, form: str) -> str:
    """Mean and interval of one row, as text."""
    if row.get("reason"):
        return "n/a"
    if pd.isna(row[column]):
        return "–"
    mean, low, high = (form.format(row[name]) for name in (column, f"{column} low", f"{column} high"))
    return mean if pd.isna(row[f"{column} low"]) else f"{mean} [{low}, {high}]"
