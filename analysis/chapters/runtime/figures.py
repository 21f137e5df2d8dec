"""Figures of the `runtime` chapter. All lengths are ratios to plain passes of the same network, none are seconds."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from analysis.chapters.runtime.plan import BRUTE_FORCE
from analysis.page.figures import DROPPED, KEPT, figure
from cluscam_lite import get_spec
from cluscam_lite.methods import METHODS

OURS, KMEANS, OTHER = "#d9009b", "#e07a3f", "0.35"
# the parts of a bar: heading -> columns of `phase_table`, colour
PARTS = {
    "unmasked pass": (("features",), DROPPED),
    "K-Means, with what it needs": (("normalise", "clustering"), KMEANS),
    "scoring": (("scoring",), KEPT),
    "weighted sum": (("sum",), "0.2"),
}
VARIED = {"d": "number of maps d", "K": "number of groups K", "size": "side of the image, pixels"}


def phases_figure(table: pd.DataFrame) -> Figure:
    """Fig. 6's bars, from `phase_table`: ClusCAM in phases at the left, beside brute force at the right.

    The unit is the K + 1 plain passes that ClusCAM needs at least (dotted).
    """
    fig, axes = figure(1, 2, 0.9 + 0.5 * len(table), sharey=True)
    names = [get_spec(model).title for model in table["model"]]
    unit = table["passes"]
    start = 0 * unit
    for part, (columns, colour) in PARTS.items():
        length = table[list(columns)].sum(axis=1) / unit
        axes[0, 0].barh(names, length, left=start, color=colour, label=part, height=0.6)
        start = start + length
    brute = table["brute force overhead"]
    axes[0, 1].barh(names, brute.clip(upper=1), color=KEPT, height=0.6)
    axes[0, 1].barh(names, (brute - 1).clip(lower=0), left=1, color=KMEANS, height=0.6)
    for ax, title in zip(axes[0], ("ClusCAM", "ClusCAM, brute force: maps of H x W clustered"), strict=True):
        ax.axvline(1, color="black", lw=0.8, ls=":")
        ax.set_title(title, fontsize=10)
        ax.set(xlabel="time / time of K + 1 plain passes")
    axes[0, 0].invert_yaxis()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return fig


def methods_figure(table: pd.DataFrame) -> Figure:
    """Every method's time, a panel for each network, from `method_table`: log axis, in plain passes.

    Filled: time, with the range over images; hollow: the passes counted, forward and backward.
    """
    models = list(dict.fromkeys(table["model"]))
    ran = table[table["reason"] == ""]
    order = [name for name in ("cluscam", BRUTE_FORCE, *METHODS) if name in set(ran["method"])]
    order = list(dict.fromkeys(order))
    titles = ran.drop_duplicates("method").set_index("method")["title"]
    fig, axes = figure(1, len(models), 0.9 + 0.21 * len(order), sharey=True, sharex=True)
    for ax, model in zip(axes[0], models, strict=True):
        mine = ran[ran["model"] == model].set_index("method")
        for y, name in enumerate(order):
            if name in mine.index:
                _dot(ax, y, mine.loc[name], OURS if name in ("cluscam", BRUTE_FORCE) else KEPT)
        ax.set_title(get_spec(model).title, fontsize=10)
        ax.set(xscale="log", xlabel="plain passes")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(axis="x", lw=0.4, color="0.85")
        ax.axvline(1, color="0.4", lw=0.8, ls=":")
    axes[0, 0].set_yticks(range(len(order)), [titles[name] for name in order], fontsize=8)
    axes[0, 0].invert_yaxis()
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
        ax.set(xlabel=label, yscale="log", xticks=mine["value"])
        ax.tick_params(axis="x", labelsize=8)
    axes[0, 0].set_ylabel("plain passes")
    axes[0, 0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return fig


def _dot(ax: Axes, y: float, row: pd.Series, colour: str) -> None:
    """One method: its time with the range over images, and the passes that were counted."""
    ax.plot([row["low"], row["high"]], [y, y], color=colour, lw=1.5)
    ax.plot(row["ratio"], y, "o", color=colour, ms=5)
    ax.plot(row["forward"] + row["backward"], y, "o", mfc="none", mec="0.3", ms=8, mew=0.8)
