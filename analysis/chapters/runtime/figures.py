"""Figures of the `runtime` chapter. All lengths are ratios to plain passes of the same network, none are seconds."""

from textwrap import fill

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.page.figures import DROPPED, KEPT, figure
from cluscam_lite import get_spec

KMEANS, OTHER = "#e07a3f", "0.35"
# the parts of a bar: heading -> columns of `phase_table`, colour
PARTS = {
    "unmasked pass": (("features",), DROPPED),
    "K-Means, with what it needs": (("normalise", "clustering"), KMEANS),
    "scoring": (("scoring",), KEPT),
    "weighted sum": (("sum",), "0.2"),
}
VARIED = {"d": "maps d", "K": "groups K", "size": "side of the image"}


def phases_figure(table: pd.DataFrame) -> Figure:
    """Fig. 6's bars, from `phase_table`: ClusCAM in phases at the left, beside brute force at the right.

    The unit is the K + 1 plain passes that ClusCAM needs at least (dotted).
    """
    fig, axes = figure(1, 2, 1.2 + 0.5 * len(table), sharey=True)
    names = [fill(get_spec(model).title, 16) for model in table["model"]]
    unit = table["passes"]
    start = 0 * unit
    for part, (columns, colour) in PARTS.items():
        length = table[list(columns)].sum(axis=1) / unit
        axes[0, 0].barh(names, length, left=start, color=colour, label=part, height=0.6)
        start = start + length
    brute = table["brute force overhead"]
    axes[0, 1].barh(names, brute.clip(upper=1), color=KEPT, height=0.6)
    axes[0, 1].barh(names, (brute - 1).clip(lower=0), left=1, color=KMEANS, height=0.6)
    for ax, title in zip(axes[0], ("ClusCAM", "brute force:\nmaps of H x W clustered"), strict=True):
        ax.axvline(1, color="black", lw=0.8, ls=":")
        ax.set_title(title, fontsize=10)
        ax.set_xlabel("time / (K + 1) passes", fontsize=9)
    axes[0, 0].invert_yaxis()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return fig


def growth_figure(table: pd.DataFrame) -> Figure:
    """How K-Means, scoring and the brute-force K-Means grow with d, K and the image's side, from `growth_table`.

    The unit is a plain pass at the same image size.
    """
    model = table["model"].iloc[0]
    lines = {"scoring": (KEPT, "o-"), "K-Means": (KMEANS, "o-"), "brute force K-Means": (OTHER, "s--")}
    fig, axes = figure(1, len(VARIED), 2.9, sharey=True)
    for ax, (varied, label) in zip(axes[0], VARIED.items(), strict=True):
        mine = table[(table["model"] == model) & (table["varied"] == varied)].sort_values("value")
        for name, (colour, style) in lines.items():
            ax.plot(mine["value"], mine[name], style, color=colour, ms=5, lw=1.3, label=name)
        values = mine["value"].tolist()  # none where a reader's own run did not vary this
        ax.set(xlabel=label, yscale="log", xticks=[*values[:1], *values[len(values) // 2 :][:1], *values[-1:]])
        ax.tick_params(axis="x", labelsize=9)
    axes[0, 0].set_ylabel("plain passes")
    axes[0, 0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return fig
