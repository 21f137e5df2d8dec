"""Numbers and tables of the `audit` chapter, all computed from printed numbers."""

import numpy as np
import pandas as pd

from analysis.chapters.audit import audit
from analysis.chapters.audit import method as audit_method
from analysis.chapters.audit import table1 as audit_table1
from analysis.chapters.audit.counts import fits, fitting, nearest_counts
from analysis.judging.authors import authors_evidence
from analysis.page.tables import with_interval
from analysis.paper.claims import claims_of
from analysis.paper.tables import chosen, paper_table
from analysis.paths import PAPER

LARGEST = 3000  # images tried


def increases(number: int) -> pd.DataFrame:
    """The IC cells of Table 5 or 6."""
    return chosen(paper_table(number), metric="IC")


def best_count(number: int) -> int:
    """The number of images that fits most IC cells of Table 5 or 6."""
    table = fitting(increases(number)["value"], np.arange(50, LARGEST))
    return int(table.loc[table["fit"].idxmax(), "n"])


def impossible_text(cells: pd.DataFrame) -> dict[str, str]:
    """How many cells are impossible, where they are, and the largest margin without their networks."""
    bad = audit.gains_above_increases(cells)
    networks = bad.groupby(["dataset", "model"], sort=False)
    where = [f"{model} on {dataset} ({len(one)})" for (dataset, model), one in networks]
    every, mine = (
        chosen(audit.family_means(some), dataset="ILSVRC", family="VT", metric="AG").set_index("method")
        for some in (cells, audit.without(cells, bad))
    )
    before, after = (audit.margin(means["mean"], "AG") for means in (every, mine))
    clinic = bad[bad["dataset"] == "Alzheimer"]["excess"]
    image = best_count(6) / 100  # images in a percentage point
    return {
        "bad_cells": f"{len(bad)} of {len(cells)}",
        "bad_where": ", ".join(where),
        "bad_ours": str(int((bad["method"] == audit.OURS).sum())),
        "vt_margin": f"{before['ahead']:.2f}",
        "vt_margin_without": f"{after['ahead']:.2f}",
        "vt_against": str(after["best other"]),
        "vt_gain_without": f"{mine.loc[audit.OURS, 'mean']:.2f}",
        "vt_networks_without": str(int(mine["networks"].iloc[0])),
        "clinic_excess": f"{clinic.min():.2f} to {clinic.max():.2f}",
        "clinic_images": f"{clinic.min() * image:.0f} to {clinic.max() * image:.0f}",
    }


def recomputed_text(cells: pd.DataFrame) -> dict[str, str]:
    """How much of Table 2 follows from Tables 5 and 6."""
    table = audit.table2_recomputed(cells)
    wrong = table[~table["mean fits"]]
    return {
        "means_fit": f"{int(table['mean fits'].sum())} of {len(table)}",
        "sds_fit": f"{int(table['sd fits'].sum())} of {len(table)}",
        "population_sds_fit": f"{int(table['population sd fits'].sum())}",
        "means_wrong": str(len(wrong)),
        "means_wrong_ours": str(int((wrong["method"] == audit.OURS).sum())),
        "means_wrong_largest": f"{(wrong['mean'] - wrong['value']).abs().max():.2f}",
    }


def mismatches(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of Table 2 that do not follow from Tables 5 and 6."""
    table = audit.table2_recomputed(cells)
    wrong = table[~(table["mean fits"] & table["sd fits"])]
    page = wrong[["dataset", "family", "metric", "method"]].reset_index(drop=True)
    page["printed"] = [f"{row['value']:.2f} ± {row['std']:.2f}" for _, row in wrong.iterrows()]
    page["from Table 5"] = [f"{row['mean']:.2f} ± {row['sd']:.2f}" for _, row in wrong.iterrows()]
    return page


def margins_table() -> pd.DataFrame:
    """ClusCAM against the true second best in Table 2, and in how many of the six networks it is best."""
    found = audit.margins(paper_table(2), ["dataset", "family", "metric"])
    networks = audit.times_best(pd.concat([paper_table(5), paper_table(6)]), ["dataset", "family", "metric"])
    found = found.merge(networks, on=["dataset", "family", "metric"])
    found["ahead by, points"] = [f"{value:+.2f}" for value in found.pop("ahead")]
    found["best in"] = [f"{row.best} of {row.networks}" for row in found.itertuples()]
    return found.drop(columns=["best", "networks"])


def margins_text(cells: pd.DataFrame) -> dict[str, str]:
    """The two margins of the abstract: where they come from, and against the true second best."""
    found = {}
    for name, points, metric in (("ic", 17.8, "IC"), ("ag", 24.19, "AG")):
        (source,) = audit.origins(points, metric).to_dict("records")
        mine = chosen(paper_table(2), dataset=source["dataset"], family=source["family"], metric=metric)
        true = audit.margin(mine.set_index("method")["value"], metric)
        found |= {
            f"{name}_claimed": f"{points:g}",
            f"{name}_where": f"{source['dataset']}, {source['family']}s",
            f"{name}_against": source["against"],
            f"{name}_rank": {2: "second", 3: "third"}[source["rank"]],
            f"{name}_second": str(true["best other"]),
            f"{name}_true": f"{true['ahead']:.2f}",
        }
    every = audit.margins(paper_table(2), ["dataset", "family", "metric"])
    largest = every[every["metric"] == "IC"]["ahead"].max()
    best = audit.times_best(pd.concat([paper_table(5), paper_table(6)]), ["dataset", "metric"])
    wins = best.groupby("metric")[["best", "networks"]].sum()
    location = audit.times_best(paper_table(4), ["family", "metric"]).set_index(["family", "metric"])["best"]
    versus = audit.paired_over_networks(cells, "OptiCAM")
    (alzheimer,) = chosen(versus, dataset="Alzheimer", family="VT", metric="AD").to_dict("records")
    return found | {
        "ic_largest": f"{largest:.2f}",
        "wins": f"{wins['best'].sum()} of {wins['networks'].sum()}",
        **{f"wins_{m.lower()}": f"{wins.loc[m, 'best']} of {wins.loc[m, 'networks']}" for m in ("AD", "IC", "AG")},
        "le_cnn": str(location["CNN", "LE"]),
        "le_vt": str(location["VT", "LE"]),
        "ep_all": str(location["CNN", "EP"] + location["VT", "EP"]),
        "alz_vt_ad_won": str(alzheimer["networks won"]),
        "alz_vt_ad": f"{alzheimer['mean ahead']:.2f}",
        "least_p_six": f"{0.5 ** alzheimer['networks']:.3f}",
    }


def networks_table(cells: pd.DataFrame) -> pd.DataFrame:
    """ClusCAM against OptiCAM over the six networks of each family, with the test of six pairs."""
    page = audit.paired_over_networks(cells, "OptiCAM")
    page["won"] = [f"{row['networks won']} of {row['networks']}" for _, row in page.iterrows()]
    page["mean ahead"] = [f"{value:+.2f}" for value in page["mean ahead"]]
    page["p"] = [f"{value:.3f}" for value in page["p"]]
    return page[["dataset", "family", "metric", "mean ahead", "won", "p"]]


def counts_text() -> dict[str, str]:
    """Which number of images the percentages of Tables 5 and 6 fit, and which cells do not."""
    found = {}
    for number in (5, 6):
        cells = increases(number)
        table = fitting(cells["value"], np.arange(50, LARGEST)).sort_values("fit", ascending=False)
        best = int(table["n"].iloc[0])
        rivals = table[table["n"] % best != 0]
        odd = cells[~fits(cells["value"], best)]
        words = [
            f"{row.model}, {row.method}: {row.value:.2f}, but "
            + " and ".join(f"{k} images are {v:.2f}" for k, v in nearest_counts(row.value, best).items())
            for row in odd.itertuples()
        ]
        found |= {
            f"n{number}": f"{best}",
            f"n{number}_fit": f"{table['fit'].iloc[0]} of {len(cells)}",
            f"n{number}_chance": f"{table['chance'].iloc[0]:.0f}",
            f"n{number}_next": f"{rivals['fit'].iloc[0]} (N = {rivals['n'].iloc[0]})",
            f"n{number}_odd": "; ".join(words),
        }
    stated = fitting(increases(6)["value"], [900, 1280]).set_index("n")["fit"]
    return found | {"n6_stated": str(stated[900]), "n6_all": str(stated[1280])}


def table1_text() -> dict[str, str]:
    """Table 1's d against its p-values."""
    table = paper_table(1).set_index("metric")
    d, mean = table.loc["cohens_d"], table.loc["mean_difference_logit"]
    bound_t, bound_w = (
        np.log10(table.loc[f"p_{name}_one_sided_upper_bound", "value"]) for name in ("ttest", "wilcoxon")
    )
    n = audit_table1.N
    p = audit_table1.log10_p_t(d["min"])
    return {
        "d_min": f"{d['min']:g}",
        "t_at_d_min": f"{d['min'] * n**0.5:.1f}",
        "p_at_d_min": f"{p:.1f}",
        "d_needed": f"{audit_table1.least_d(bound_t):.4f}",
        "w_normal": f"{audit_table1.log10_p_wilcoxon(d['min'], 'normal'):.0f}",
        "w_t3": f"{audit_table1.log10_p_wilcoxon(d['min'], 'Student t, 3 df'):.0f}",
        "w_needed": f"{audit_table1.least_d_wilcoxon(bound_w, 'normal'):.2f}",
        "w_share": f"{100 * audit_table1.least_share(bound_w):.0f}",
        "sd_implied": f"{mean['value'] / d['value']:.2f}",
        "se_cluster": f"{mean['value'] / d['value'] / n**0.5:.3f}",
        "sd_clusters": f"{mean['std']:.2f}",
    }


def method_text() -> dict[str, str]:
    """Eq. 10 against Table 3, and what Algorithm 2 chooses."""
    readings = audit_method.table3_readings()
    curves = audit_method.authors_curves()
    found = {
        "tau_dropped": f"{int(readings['dropped fits'].sum())} of {len(readings)}",
        "tau_kept": f"{int(readings['kept fits'].sum())}",
        "least_dropped": f"{audit_method.least_dropped():.2f}",
    }
    names = dict(zip(("final", "kept"), curves, strict=True))
    for name, title in names.items():
        choice, table = audit_method.chosen(curves[title]), curves[title]
        found |= {f"k_max_{name}": f"{choice['argmax']:.0f}", f"k_min_{name}": f"{choice['argmin']:.0f}"}
        found[f"first_{name}"] = f"{table['K'].iloc[2]:.0f}"
    kept = curves[names["kept"]]["P"]
    return found | {"kept_first": f"{kept.iloc[0]:.2f}", "kept_last": f"{kept.iloc[-1]:.2f}"}


def backbones() -> dict[str, str]:
    """How many networks Tables 4 to 6 have."""
    return {f"backbones{n}": str(paper_table(n)["model"].nunique()) for n in (4, 5, 6)}


def public_code() -> pd.DataFrame:
    """The table of what the public code does: topic, paper, code, place (with its branch), certainty."""
    table = pd.read_csv(PAPER / "public_code.csv")
    table["place"] = table["branch"] + ": " + table["place"]
    return table[["topic", "paper", "code", "place", "certainty"]]


def authors_text() -> dict[str, str]:
    """What the authors' own published numbers say about dropout, near-uniform weights and raw maps."""
    table = pd.read_csv(PAPER / "authors_results.csv")
    pairs = table[table["method"].str.startswith("r = 0.5 against")].set_index("measure")
    raw = table[table["method"].str.startswith("raw maps")].set_index("measure")["value"]
    similar = table[table["measure"] == "cosine to the mean map"]
    lowest = similar.loc[similar.groupby("model")["value"].idxmin(), "method"]
    unscaled = table[table["origin"].str.startswith("localisation")].set_index("measure")
    (claim,) = claims_of("ablation", "C7d")
    hdbscan = authors_evidence(claim).iloc[0]
    return {
        "authors_hdbscan": with_interval(hdbscan, "mean", "low", "high"),
        "authors_images": str(hdbscan["n"]),
        "drop_pairs": str(int(pairs["n"].iloc[0])),
        "drop_ad": f"{abs(pairs.loc['mean difference of the drop', 'value']):.3f}",
        "drop_same": f"{pairs.loc['share with a difference below 0.01, %', 'value']:.0f}",
        "drop_ic": f"{pairs.loc['share of increases that differ, %', 'value']:.0f}",
        "raw_ic": f"{raw['share of increases that differ, %']:.0f}",
        "similar_lowest": f"{int((lowest == audit.OURS).sum())} of {similar['model'].nunique()}",
        "unscaled_pairs": str(int(unscaled["n"].iloc[0])),
        "unscaled_ep": f"{unscaled.loc['largest EP', 'value']:.0f}",
        "unscaled_le": f"{unscaled.loc['smallest LE', 'value']:.0f}",
    }
