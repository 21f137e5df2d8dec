"""What the `runtime` chapter puts together: tables in words, where the claims stand, and the answer."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.chapters.runtime.plan import title_of
from analysis.chapters.runtime.study import PASSES, STUDY
from analysis.judging.sources import Claim
from analysis.judging.text import claims_page
from analysis.page.empty import or_not_run
from analysis.paper.claims import claims_of
from analysis.studies.rows import NOT_RUN
from cluscam_lite import get_spec


def digits(value: float) -> str:
    """A positive number with three digits at least and no exponent: "0.539", "1.10", "36.1", "2,048"."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def claims() -> list[dict[str, Any]]:
    """The claims about running time, as written before the study ran (`analysis/paper/claims.yaml`)."""
    return claims_of(STUDY.name)


def claim_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Where each claim stands in each network, by the rows of the reference run; "not run" where they are not there."""
    return claims_page(rows, claims(), _claim_cells)


def _claim_cells(claim: Claim, row: pd.Series) -> dict[str, Any]:
    of, to = claim["contrast"]["of"], claim["contrast"]["to"]
    ran = pd.notna(row.get("ratio"))
    return {
        "network": get_spec(row["model"]).title,
        "ratio": f"{title_of(of)} / {'K + 1 passes' if to == PASSES else title_of(to)}",
        "median [range]": f"{digits(row['ratio'])} [{digits(row['low'])}, {digits(row['high'])}]" if ran else "–",
        "tier": row["tier"],
    }


def methods_page(table: pd.DataFrame) -> pd.DataFrame:
    """`method_table` in words: time in passes, and the passes that are in it."""
    page = pd.DataFrame({"network": [get_spec(model).title for model in table["model"]], "method": table["title"]})
    page["time, passes"] = [_time(row) for _, row in table.iterrows()]
    for column in ("forward", "backward", "through"):
        heading = {"through": "images through network or head"}.get(column, f"{column} passes")
        page[heading] = ["–" if row["reason"] else f"{int(row[column]):,}" for _, row in table.iterrows()]
    return or_not_run(page, "")


def _time(row: pd.Series) -> str:
    if row["reason"]:
        return "n/a"
    return digits(row["ratio"]) + (f" [{digits(row['low'])}, {digits(row['high'])}]" if row["images"] > 1 else "")


def phases_page(table: pd.DataFrame) -> pd.DataFrame:
    """`phase_table` in words, a row for each network."""
    page = pd.DataFrame({"network": [get_spec(model).title for model in table["model"]]})
    page["maps d"], page["groups K"] = table["d"], table["K"]
    page["ClusCAM / (K + 1) passes"] = table["overhead"].map("{:.2f}".format)
    page["K-Means, % of it"] = table["kmeans share"].map("{:.1f}".format)
    brute = table["brute force overhead"]
    page["brute force / (K + 1) passes"] = brute.map(lambda value: "–" if pd.isna(value) else f"{value:.1f}")
    for column, heading in (("grouping ratio", "grouping alone"), ("whole ratio", "whole map")):
        times = table[column].map(lambda value: "–" if pd.isna(value) else _two_digits(value))
        page[f"brute force / ours, {heading}"] = times
    return or_not_run(page, "")


def batches_page(table: pd.DataFrame) -> pd.DataFrame:
    """`batch_table` in words: what batches and bfloat16 change, in time and in the maps."""
    page = pd.DataFrame({"network": [get_spec(model).title for model in table["model"]]})
    page["device"] = ["GPU" if device == "cuda" else "CPU" for device in table["device"]]
    page["images at once"], page["K-Means by"] = table["images"], table["backend"]
    page["scoring in"] = table["precision"]
    page["time, passes of the batch"] = table["whole"].map(digits)
    page["K-Means, % of it"] = table["kmeans share"].map("{:.1f}".format)
    page["inertia / reference's"] = table["inertia"].map("{:.3f}".format)
    page["least rank correlation"] = table["rank correlation"].map("{:.4f}".format)
    page["largest difference"] = table["difference"].map("{:.3f}".format)
    return or_not_run(page, "")


def precision_page(table: pd.DataFrame) -> pd.DataFrame:
    """`analysis.oracles.precision.precision_table` in words: what fewer bits change."""
    table = table.reset_index(drop=True)  # tables of several networks may stand one below the other
    page = pd.DataFrame({"network": [get_spec(model).title for model in table["model"]]})
    page["method"] = [title_of(method) for method in table["method"]]
    page["every pass in"], page["images"] = table["precision"], table["images"]
    page["same class, %"] = table["same class"].map("{:.0f}".format)
    page["correlation of the maps, median"] = table["r"].map("{:.4f}".format)
    page["least"] = table["least r"].map("{:.4f}".format)
    for term in ("AD", "IC", "AG"):
        page[f"{term}, points"] = [f"{change:+.2f}".replace("-", "−") for change in table[term]]
    return or_not_run(page, "")


def costs(table: pd.DataFrame, names: Iterable[str] = ()) -> pd.DataFrame:
    """`method_table` for `leads_figure`, the cheapest method first: `title`, `network`, `ratio`, `low`, `high`.

    `names`: only these methods; none means all. What cannot explain a network is left out.
    """
    wanted = tuple(names) or tuple(table["method"])
    mine = table[(table["reason"] == "") & table["method"].isin(wanted)]
    order = mine.groupby("title")["ratio"].median()
    mine = mine.assign(network=[get_spec(model).title for model in mine["model"]])
    return mine.sort_values("title", key=lambda titles: titles.map(order), kind="stable")


def answer(phases: pd.DataFrame, methods: pd.DataFrame) -> Mapping[str, str]:
    """The numbers of the chapter's answer, over the networks of a run: shares in percent, times as multiples."""
    wide = methods.pivot(index="model", columns="method", values="ratio")

    def times(name: str) -> str:
        return _span(wide[name] / wide["cluscam"]) if name in wide else NOT_RUN

    return {
        "overhead": _span(phases["overhead"], "{:.2f}"),
        "share": _span(phases["kmeans share"], "{:.0f} %"),
        "brute": _span(phases["brute force overhead"]),
        "grouping_ratio": _span(phases["grouping ratio"]),
        "whole_ratio": _span(phases["whole ratio"]),
        "scorecam": times("scorecam"),
        "gradcam": _span(wide["cluscam"] / wide["gradcam"]) if "gradcam" in wide else NOT_RUN,
        "ablationcam": times("ablationcam"),
    }


def _span(values: pd.Series, form: str | None = None) -> str:
    """Smallest to largest of the values, as text, by default with two digits; "not run" if there is none."""
    found = values.dropna()
    if not len(found):
        return NOT_RUN
    low, high = (form.format(end) if form else _two_digits(end) for end in (found.min(), found.max()))
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def _two_digits(value: float) -> str:
    """A positive number rounded to two digits, without an exponent: "0.15", "4.5", "50", "790"."""
    return f"{float(f'{value:.2g}'):g}"
