"""Figures of the `hyperparameters` chapter."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.chapters.hyperparameters.evidence import bootstrap_choices, curves, noise_shares, proxy_table, shares
from analysis.chapters.hyperparameters.mixture_evidence import bootstrap_r, r_interval, ratio_table, size_for
from analysis.chapters.hyperparameters.page import RULES, table_3
from analysis.page.figures import DROPPED, KEPT, figure
from analysis.page.panels import blocks, panel_title
from cluscam_lite import get_spec
from cluscam_lite.tuning import Mixture, elbow

COLOURS = {"argmax": "#c44e52", "argmin": KEPT}
MARKERS = {"argmax": "^", "argmin": "v"}


def elbow_figure(example: Mapping[str, Any]) -> Figure:
    """A curve that saturates (`saturating`): P with both choices, and the curvature that they are made by."""
    fig, axes = figure(2, 1, 4.6, sharex=True)
    grid = np.asarray(example["grid"])
    axes[0, 0].plot(grid, example["P"], "o-", color="0.35", ms=4, lw=1)
    axes[1, 0].plot(grid, example["C"], "o-", color="0.35", ms=4, lw=1)
    axes[1, 0].axhline(0, color="0.4", lw=0.8, ls=":")
    for rule, name in RULES.items():
        j = list(grid).index(example[rule])
        for ax, values in zip(axes[:, 0], (example["P"], example["C"]), strict=True):
            ax.plot(grid[j], values[j], MARKERS[rule], color=COLOURS[rule], ms=10, label=f"{name}: K* = {grid[j]}")
    axes[0, 0].set(ylabel="P(K)")
    axes[1, 0].set(xlabel="number of groups K", ylabel="curvature C(K)")
    axes[0, 0].legend(fontsize=9, frameon=False)
    return fig


def proxy_figure(rows: pd.DataFrame) -> Figure:
    """P(K) of each block: mean and 95 % interval, a thin line for each seed, K* of both rules, Table 3's K."""
    table, found = proxy_table(rows), list(blocks(rows))
    fig, axes = figure(len(found), 1, 2.6 * len(found), sharex=True)
    for ax, (model, layer, block) in zip(axes[:, 0], found, strict=True):
        mine, of = table[(table["model"] == model) & (table["layer"] == layer)], curves(block)
        ax.fill_between(mine["K"], mine["P low"], mine["P high"], color="0.6", alpha=0.25, lw=0)
        ax.plot(of.grid, of.values.mean(1).T, color="0.6", lw=0.8)
        ax.plot(of.grid, of.mean, "o-", color="0.25", ms=4, lw=1.2)
        for rule, name in RULES.items():
            k = int(elbow(of.grid, of.mean, rule))
            ax.plot(k, of.mean[of.grid.index(k)], MARKERS[rule], color=COLOURS[rule], ms=10, label=f"{name}: {k}")
        _table_3(ax, get_spec(model).n_clusters)
        ax.set_title(panel_title(model, layer), fontsize=9)
        ax.set(ylabel="P(K), logits")
        ax.legend(fontsize=9, frameon=False)
    axes[-1, 0].set_xlabel("number of groups K")
    return fig


def choices_figure(rows: pd.DataFrame) -> Figure:
    """How often each K is chosen in the bootstrap, a panel for each block and rule; dots: in noise."""
    found = list(blocks(rows))
    fig, axes = figure(len(found) * len(RULES), 1, 1.6 * len(found) * len(RULES), sharey=True)
    for mine, (model, layer, block) in zip(axes.reshape(len(found), -1), found, strict=True):
        of = curves(block)
        noise = 100 * noise_shares(of.grid)
        for ax, (rule, name) in zip(mine, RULES.items(), strict=True):
            by_size = 100 * shares(bootstrap_choices(of, rule), of.grid)
            ax.bar(range(len(by_size)), by_size, color=COLOURS[rule], alpha=0.8)
            ax.set_xticks(range(len(by_size)), by_size.index)
            ax.plot(range(len(noise)), noise, "o", mfc="white", mec="0.2", ms=5)
            ax.set_title(f"{panel_title(model, layer)}: {name}", fontsize=9, loc="left")
            ax.set_ylabel("% of draws", fontsize=9)
            ax.tick_params(axis="x", labelsize=9)
            printed = get_spec(model).n_clusters
            if printed in by_size.index:
                ax.get_xticklabels()[by_size.index.get_loc(printed)].set_fontweight("bold")
    axes[-1, 0].set_xlabel("K* (bold: Table 3)")
    return fig


def mixture_figure(scores: np.ndarray, n_clusters: int, fits: Mapping[str, Mixture]) -> Figure:
    """All groups' scores (n,) at one K with the two Gaussians of each fit: the lower one, whose share is r, is grey."""
    fig, axes = figure(1, len(fits), 2.9, sharey=True)
    s = np.linspace(scores.min(), scores.max(), 300)
    for ax, (name, fit) in zip(axes[0], fits.items(), strict=True):
        ax.hist(scores, bins=40, density=True, color="0.85")
        densities = fit.densities(s)
        ax.plot(s, densities.sum(1), color="0.25", lw=1)
        ax.fill_between(s, densities[:, 0], color=DROPPED, alpha=0.8, lw=0, label="non-salient")
        ax.fill_between(s, densities[:, 1], color=KEPT, alpha=0.45, lw=0, label="salient")
        ax.set_title(f"{name}:\nr = {fit.drop_ratio:.1%}", fontsize=9)
    axes[0, 0].set_ylabel("density")
    fig.supxlabel(f"score of a group, logits (K = {n_clusters})", fontsize=10)
    axes[0, 0].legend(fontsize=9, frameon=False)
    return fig


def ratios_figure(rows: pd.DataFrame) -> Figure:
    """r of each block: for every K and seed (left), and its bootstrap distribution at Table 3's K (right)."""
    table, found = ratio_table(rows), list(blocks(rows))
    fig, axes = figure(len(found), 2, 2.3 * len(found), width_ratios=(1.3, 1))
    for (left, right), (model, layer, block) in zip(axes, found, strict=True):
        mine = table[(table["model"] == model) & (table["layer"] == layer)]
        printed, k = 100 * get_spec(model).drop_ratio, size_for(model, block)
        left.plot(mine["K"], 100 * mine["r"], "o", color=KEPT, ms=4, alpha=0.8)
        left.set(xlabel="number of groups K", ylabel="r, %", ylim=(0, 100))
        left.set_title(panel_title(model, layer), fontsize=9)
        draws = bootstrap_r(model, block)
        right.hist(100 * draws, bins=np.arange(0, 101, 2.5), color=KEPT, alpha=0.8)
        low, high = r_interval(draws)
        right.set_title(f"K = {k}: 95 % from\n{low:.0%} to {high:.0%}", fontsize=9)
        right.set(xlabel="r, %", ylabel="draws", xlim=(0, 100))
        left.axhline(printed, color="0.3", lw=0.9, ls=":")
        _table_3(right, printed)
    return fig


def temperature_figure() -> Figure:
    """Eq. 10: tau against the number of groups dropped, r K, with the twelve rows of Table 3."""
    table = table_3()
    fig, axes = figure(1, 1, 2.8)
    ax = axes[0, 0]
    dropped = np.linspace(0.5, 32, 200)
    ax.plot(dropped, 1 / np.log1p(dropped), color="0.35", lw=1)
    for family, colour in (("CNN", KEPT), ("VT", "#dd9a3c")):
        mine = table[table["family"] == family]
        ax.plot(mine["K"] * mine["r_percent"] / 100, mine["tau"], "o", color=colour, ms=6, label=f"Table 3, {family}")
    ax.axhline(1, color="0.4", lw=0.8, ls=":")
    ax.set(xlabel="groups dropped, r K", ylabel="temperature τ")
    ax.legend(fontsize=9, frameon=False)
    return fig


def _table_3(ax: Axes, value: float) -> None:
    ax.axvline(value, color="0.3", lw=0.9, ls=":")
