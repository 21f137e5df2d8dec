"""An outsider's recomputation: from the rows and `claims.yaml` to the same words, by other code, other bootstrap.

Nothing of this project is imported (a test says so). Left out: C10a to C10g, whose rules read draws from the rows'
scores (curves over K, mixtures) and not a difference of two columns; and each claim's other readings.
"""

import ast
import hashlib
import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "reference"
CLAIMS = {c["id"]: c for c in yaml.safe_load((ROOT / "analysis/paper/claims.yaml").read_text(encoding="utf-8"))}
STUDIES = ("logits", "faithfulness", "alzheimer", "ablation", "runtime")
MINE = [name for name, claim in CLAIMS.items() if claim["study"] in STUDIES]
AGAINST = ("reversed", "negligible")


@lru_cache
def rows_of(study):
    """All rows of a study, and model and layer -> the images in the order of its configuration."""
    rows, order = pd.concat(map(pd.read_parquet, sorted((RESULTS / study / "cells").rglob("*.parquet")))), {}
    for cell in json.loads((RESULTS / study / "configuration.json").read_text(encoding="utf-8"))["cells"]:
        at = cell["model"], cell["layer"].replace("last_input", "last")
        order.setdefault(at, {}).update(dict.fromkeys(cell["images"]))
    return rows.assign(layer=rows["layer"].replace("last_input", "last")), order


def columns(claim, block):
    """A block's rows of one setting each, as (table of image x side, rows): the first side is the claim's own."""
    (rows, order), contrast = rows_of(claim["study"]), claim["contrast"]
    ids = [*order[block["model"], block["layer"]]][: block["n"]]
    if "ids" in block:
        assert hashlib.sha256("\n".join(ids).encode()).hexdigest() == block["ids"]
    mine = rows[(rows["model"] == block["model"]) & (rows["layer"] == block["layer"]) & rows["image_id"].isin(ids)]
    if claim["study"] == "logits":
        table = mine[mine["group"] == -1].pivot(index="image_id", columns="masks", values="score")
        random = table[[c for c in table if c.startswith("random ")]].mean(axis=1)
        return pd.DataFrame({0: table["kmeans"], 1: table.assign(random=random)[contrast["against"]]}), mine
    if claim["study"] == "runtime":
        mine = mine[(mine["variant"] == "") & (mine["device"] == "cpu")]
        cost = (
            (mine["seconds"] / mine["seconds_pass"]).groupby([mine["method"], mine["item"], mine["image_id"]]).median()
        )
        of, to = contrast["of"], contrast["to"]
        return pd.DataFrame(
            {0: cost[of, "whole"], 1: cost[of, "passes"] if to == "passes" else cost[to, "whole"]}
        ), mine
    mine = mine[mine["form"] == "raw"]
    if claim["study"] == "ablation":
        variants = [f"seed {seed}" if seed else "" for seed in contrast.get("seeds", [0])]
        mine = mine[mine["variant"].isin(variants)]
        sides = [
            mine[(mine["method"] == m) & (mine["setting"] == s)] for m, s in (contrast["first"], contrast["second"])
        ]
    else:
        mine = mine[(mine["fill"] == "mean") & (mine["variant"] == "")]
        sides = [mine[mine["method"] == contrast[side]] for side in ("method", "against")]
    means = [side.groupby("image_id")[contrast["measure"]].apply(lambda x: x.mean(skipna=False)) for side in sides]
    table = pd.DataFrame(dict(enumerate(means))).astype(float).dropna()
    if claim["study"] == "alzheimer":
        table = table.groupby(mine.drop_duplicates("image_id").set_index("image_id")["component"]).mean()
    return table, mine


def bootstrap(x, statistic):
    if np.ptp(x) == 0:
        return (x[0], x[0]) if statistic is np.mean else (np.nan, np.nan)
    return tuple(stats.bootstrap([x], statistic, n_resamples=9999, batch=999, rng=1).confidence_interval)


def bootstrap_t(x):
    """The symmetric studentised interval of a mean, for few images."""
    drawn = np.random.default_rng(2).choice(x, (9999, len(x)))
    away, spread = np.abs(drawn.mean(1) - x.mean()), drawn.std(1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(away < 1e-9, 0, away / spread)
    half = np.quantile(t, 0.95, method="higher") * x.std(ddof=1)
    return x.mean() - half, x.mean() + half


def d_z(x, axis=-1):
    return x.mean(axis=axis) / np.maximum(x.std(axis=axis, ddof=1), 1e-12)


def holm(p):
    """Corrected p-values."""
    order, found = np.argsort(p), np.empty(len(p))
    found[order] = np.minimum(1, np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1)))
    return found


def numbers(claim, block):
    """What decides on a block: interval, effect with its interval, p of either side and of equivalence, why nothing."""
    table, mine = columns(claim, block)
    rule, n, shares = claim["thresholds"], len(table), claim["contrast"].get("measure") == "increase"
    x = (table[0] - table[1]).to_numpy() * (-1 if claim["contrast"].get("better") == "lower" else 1)
    ahead, behind, whole = (x > 0).sum(), (x < 0).sum(), np.isin(table, (0, 100)).all()
    a, b = (ahead + 1) / (n + 2), (behind + 1) / (n + 2)
    se = np.sqrt((a + b - (a - b) ** 2) / (n + 2))  # Bonett and Price's
    few = shares and ahead + behind < 5
    interval = (100 * (a - b - 1.96 * se), 100 * (a - b + 1.96 * se)) if few else bootstrap(x, np.mean)
    if not shares and claim["study"] != "logits" and n < 60:  # amendment A11
        interval = bootstrap_t(x)
    points = rule["unit"] == "points"
    spread = x.std(ddof=1)
    effect, around = (x.mean(), interval) if points else (x.mean() / spread if spread else np.nan, bootstrap(x, d_z))
    if shares and whole:
        p = p_reversed = stats.binomtest(ahead, ahead + behind).pvalue if ahead + behind else 1.0
    elif claim["study"] == "logits":
        sides = ("greater", "less") if claim["test"].startswith("one-sided") else ("two-sided",) * 2
        p, p_reversed = (stats.ttest_1samp(x, 0, alternative=side).pvalue for side in sides)
    else:
        p = p_reversed = stats.wilcoxon(x).pvalue if x.any() else 1.0
    if points and shares and (whole or few):
        same = stats.norm.sf((rule["sesoi"] / 100 - abs(a - b)) / se)
    elif spread == 0:
        same = 1.0
    elif points:
        same = max(
            stats.ttest_1samp(x, s * rule["sesoi"], alternative=o).pvalue for s, o in ((1, "less"), (-1, "greater"))
        )
    else:
        same = stats.nct.cdf(abs(x.mean() / spread) * n**0.5, n - 1, rule["sesoi"] * n**0.5)
    ends = shares and (max(table.mean()) < rule["sesoi"] or min(table.mean()) > 100 - rule["sesoi"])
    first = mine.drop_duplicates("image_id")
    ends = ends or ("label" in mine and first["target"].nunique() == 1 and first["label"].nunique() > 1)
    return interval, effect, around, (p, p_reversed, same), ends, ahead + behind


def words(claim):
    """The word of each block of a claim."""
    rule, blocks = claim["thresholds"], claim["population"]["blocks"]
    if "untested" in claim:
        return ["not tested"] * len(blocks)
    if rule["rule"] == "limits":
        keeps = {"at_most": lambda r, x: (r <= x).all(), "at_least": lambda r, x: (r >= x).all()}
        found = []
        for block in blocks:
            table, _ = columns(claim, block)
            ratio = table[0] / table[1]
            met = [w for w in ("supported", "reversed") for kind, x in rule[w].items() if keeps[kind](ratio, x)]
            found.append(met[0] if met else "undecided")
        return found
    each = [numbers(claim, block) for block in blocks]
    corrected = np.array([holm(ps) for ps in zip(*(one[3] for one in each), strict=True)]).T
    found, sesoi = [], rule["sesoi"]
    for (interval, effect, around, _, ends, differing), ps in zip(each, corrected, strict=True):
        p, p_reversed, same = ps < rule["alpha"]
        if ends:
            found.append("uninformative")
        elif interval[0] > 0 and effect >= sesoi and p:
            found.append("supported")
        elif interval[1] < 0 and effect <= -sesoi and p_reversed:
            found.append("reversed")
        elif -sesoi < around[0] and around[1] < sesoi and same:
            found.append("negligible")
        else:
            found.append("uninformative" if differing < 5 else "undecided")
    return found


def majority(found):
    """One verdict of several: more than half, and none against it; or nothing could be told."""
    found = ["contradicted" if word in AGAINST else word for word in found]
    if "not tested" in found:
        return "not tested"
    for word, opposite in (("supported", "contradicted"), ("contradicted", "supported")):
        if 2 * found.count(word) > len(found) and opposite not in found:
            return word
    return "uninformative" if found.count("uninformative") == len(found) else "undecided"


@pytest.fixture(scope="module")
def ledger():
    command = [sys.executable, "-m", "analysis", "verdicts", "--json"]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("name", MINE)
def test_the_same_words_and_verdict(name, ledger):
    claim = CLAIMS[name]
    theirs = [row for row in ledger["rows"] if row["claim"] == name and row["model"]]
    mine = dict(zip(((b["model"], b["layer"]) for b in claim["population"]["blocks"]), words(claim), strict=True))
    assert mine == {(row["model"], row["panel"]): row["verdict"] for row in theirs}
    networks = {}
    for (model, _), word in mine.items():
        networks.setdefault(model, []).append(word)
    verdict = majority([majority(layers) for layers in networks.values()])
    assert [verdict] == [one["verdict"] for one in ledger["claims"] if one["claim"] == name]


def test_the_outsider_imports_nothing_of_this_project():
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    named = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    named |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named}.isdisjoint({"analysis", "cluscam_lite", "tests"})
    assert len(MINE) > 25 and {CLAIMS[name]["study"] for name in MINE} >= {
        "logits",
        "faithfulness",
        "ablation",
        "runtime",
    }
