"""The findings of the landing page: the numbers and charts that belong to the words of `story.yaml`.

All numbers come from the ledger and the committed rows. Where these no longer say what the words say, `CluscamError`
tells so, instead of a page that is wrong.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import yaml

from analysis.chapters.verdicts.numbers import (
    SETTING,
    between,
    blocks_of,
    counted,
    group_leads,
    in_words,
    increase_of,
    localisation_errors,
    must,
    passes_of,
    times_of,
    with_limits,
)
from analysis.judging.ledger import all_claims
from analysis.judging.printed import paper_effect
from analysis.judging.rules import NEGLIGIBLE, REVERSED, SUPPORTED, UNDECIDED, UNINFORMATIVE
from analysis.judging.text import network_text
from analysis.page.charts import CONTROL, OTHER, OWN, PAPER, Dot, Row, dot_chart, number
from analysis.page.panels import reference_panels
from analysis.paths import REFERENCE, ROOT
from analysis.studies.registry import find_study
from analysis.studies.rows import reference_rows
from cluscam_lite import get_spec

WORDS = ROOT / "analysis" / "chapters" / "verdicts" / "story.yaml"
Told = tuple[dict[str, str], str]  # numbers as text, and a chart (SVG)


@dataclass(frozen=True)
class Evidence:
    """What the findings are read from: the ledger, and rows: of `faithfulness` (prepared), `ablation` and `logits`."""

    table: pd.DataFrame
    rows: pd.DataFrame
    ablation: pd.DataFrame
    logits: pd.DataFrame


@dataclass(frozen=True)
class Finding:
    """One finding. `stand` says how the paper fares, `legend` what the marks of the SVG `chart` are, `page` which page
    shows it, `question` what that is called; `numbers` are those of the texts, by name.
    """

    key: str
    stand: str
    title: str
    text: str
    legend: str
    page: str
    question: str
    chart: str
    numbers: dict[str, str]


def evidence_of(table: pd.DataFrame) -> Evidence:
    """A ledger with the rows of the reference run."""
    others = (reference_rows(find_study(name)) for name in ("ablation", "logits"))
    return Evidence(table, reference_panels("faithfulness"), *others)


def findings(evidence: Evidence) -> list[Finding]:
    """The findings in the order of `story.yaml`."""
    found = []
    for words in yaml.safe_load(WORDS.read_text(encoding="utf-8")):
        numbers, chart = TELLERS[words["key"]](evidence)
        said = {name: text.format(**numbers) for name, text in words.items()}
        found.append(Finding(**said, chart=chart, numbers=numbers))
    return found


def _forest(table: pd.DataFrame, claim: str, title: str, kind: str) -> str:
    """The blocks of a claim with their intervals, in its unit."""
    blocks = blocks_of(table, claim)
    drawn = [
        Row(network_text(row), (Dot(row["mean"], kind, row["low"], row["high"]),), with_limits(row))
        for _, row in blocks.iterrows()
    ]
    return dot_chart(drawn, title, blocks["unit"].iloc[0], zero=True)


def average(evidence: Evidence) -> Told:
    """Averages of maps against the single maps."""
    means = blocks_of(evidence.table, "C6a")["mean"]
    must(counted(evidence.table, "C6a", SUPPORTED) == f"{len(means)} of {len(means)}", "averages raise the logit")
    other = blocks_of(evidence.table, "C6a")["readings"].str.endswith(f", {REVERSED}")  # against the mean of all maps
    must(bool(other.all()), "the average of all maps raises the logit more than those of groups")
    said = {"raised_in": f"{len(means)} of {len(means)}", "raised_by": between(means)}
    said["all_in"] = f"{int(other.sum())} of {len(other)}"
    return said, _forest(evidence.table, "C6a", "Average of a group less its single maps", OWN)


def random(evidence: Evidence) -> Told:
    """Groups of similar maps against groups of the same sizes drawn at random."""
    less = -blocks_of(evidence.table, "C6b")["mean"]
    must(
        counted(evidence.table, "C6b", REVERSED) == f"{len(less)} of {len(less)}", "random groups raise the logit more"
    )
    leads = group_leads(evidence.logits)
    must(bool((leads["best"] > 0).all()), "the best group is ahead of the best random one")
    said = {"random_in": f"{len(less)} of {len(less)}", "random_by": between(less)}
    said["random_groups"] = f"{int((leads['mean'] < 0).sum())} of {len(leads)}"
    return said, _forest(evidence.table, "C6b", "Groups of similar maps less random groups", CONTROL)


def blobs(evidence: Evidence) -> Told:
    """Random smooth masks, scored and weighed in ClusCAM's way, against ClusCAM's own masks, by IC."""
    found = increase_of(evidence.rows, "smooth")
    cnns, last = found[found["family"] == "cnn"], _last_block(found)
    must(bool((cnns["high"] < 0).all()), "random blobs are ahead of ClusCAM on every CNN")
    must(last["low"] > 0, "ClusCAM is ahead of random blobs on the transformer's last block")
    first = cnns.sort_values("n", ascending=False).iloc[0]
    drawn = []
    for _, row in found.iterrows():
        text = f"{number(row['cluscam'], 0)} % and {number(row['smooth'], 0)} %"
        drawn.append(Row(network_text(row), (Dot(row["cluscam"]), Dot(row["smooth"], CONTROL)), text))
    said = {"blobs_in": in_words(len(cnns)), "blobs_network": get_spec(first["model"]).title}
    said |= {"blobs_ic": number(first["smooth"], 0), "blobs_cluscam": number(first["cluscam"], 0)}
    said |= {"blobs_last": number(last["smooth"], 0), "blobs_last_cluscam": number(last["cluscam"], 0)}
    return said, dot_chart(drawn, "IC of ClusCAM and of random blobs", "IC, %: more is better", zero=True)


def _last_block(found: pd.DataFrame) -> pd.Series:
    return found[(found["family"] == "transformer") & (found["panel"] == "last")].iloc[0]


def scorecam(evidence: Evidence) -> Told:
    """ClusCAM against ScoreCAM, the second best on the paper's CNNs, by IC."""
    claim = next(claim for claim in all_claims() if claim["id"] == "C1")
    blocks = blocks_of(evidence.table, "C1").sort_values("n", ascending=False)
    row, last = blocks.iloc[0], _last_block(increase_of(evidence.rows, "scorecam"))
    must(row["verdict"] == NEGLIGIBLE, "ClusCAM and ScoreCAM are level on the CNN with the most photographs")
    must(bool((blocks["verdict"].iloc[1:] == UNINFORMATIVE).all()), "the other CNNs could not have told")
    must(last["low"] > 0, "ClusCAM is ahead of ScoreCAM on the transformer's last block")
    printed, least = paper_effect(claim), claim["thresholds"]["sesoi"]
    said = {"scorecam_by": with_limits(row), "scorecam_network": network_text(row), "scorecam_n": str(row["n"])}
    said |= {"scorecam_paper": number(printed), "scorecam_least": number(least)}
    said |= {"scorecam_last": number(last["scorecam"], 0), "scorecam_last_cluscam": number(last["cluscam"], 0)}
    dots = (Dot(row["mean"], OWN, row["low"], row["high"]), Dot(printed, PAPER))
    drawn = [Row(said["scorecam_network"], dots, said["scorecam_by"])]
    return said, dot_chart(drawn, "ClusCAM's lead over ScoreCAM", "points of IC", band=(-least, least), zero=True)


def parts(evidence: Evidence) -> Told:
    """What IC gains by likeness in the groups, by no groups, and by dropping."""
    ahead, behind, dropping = (blocks_of(evidence.table, claim) for claim in ("C7a", "C7b", "C8a"))
    must(bool((ahead["verdict"] == SUPPORTED).all()), "similar groups beat random groups in IC")
    must(bool((behind["verdict"] == REVERSED).all()), "no grouping beats grouping in IC")
    must(bool((dropping["verdict"] == NEGLIGIBLE).all()), "dropping changes nothing that counts")
    passes = passes_of(evidence.ablation, "none") / passes_of(evidence.ablation, "kmeans")
    said = {"parts_random": between(ahead["mean"], 0), "parts_none": between(-behind["mean"], 0)}
    said |= {"parts_passes": between(passes, 0), "parts_dropping": number(dropping["mean"].abs().max())}
    full = evidence.ablation[(evidence.ablation["form"] == "raw") & (evidence.ablation["setting"] == SETTING)]
    mean = full.groupby(["model", "method"])["increase"].mean()
    drawn = []
    for model in dropping["model"]:
        values = [mean[model, source] for source in ("random", "kmeans", "none")]
        dots = tuple(Dot(value, kind) for value, kind in zip(values, (CONTROL, OWN, OTHER), strict=True))
        drawn.append(Row(get_spec(model).title, dots, ", ".join(number(value, 0) for value in values) + " %"))
    return said, dot_chart(drawn, "IC of random groups, ClusCAM's groups and no groups", "IC, %: more is better")


def place(evidence: Evidence) -> Told:
    """The localisation error of the paper's eight methods and of a blank map, on each CNN."""
    errors = localisation_errors(evidence.rows)
    must(bool(errors["last"].all()), "ClusCAM has the largest localisation error of all methods on every CNN")
    must(bool(errors["blank"].all()), "a blank map has a lower localisation error than ClusCAM on every CNN")
    transformer = blocks_of(evidence.table, "C9a").iloc[0]
    must(transformer["verdict"] == SUPPORTED, "ClusCAM's error is lower than OptiCAM's on the transformer")
    box = blocks_of(evidence.table, "C9b").set_index("model")["readings"][errors.index]
    must(
        bool(box.str.endswith(UNDECIDED).all()),
        "with the larger box ClusCAM and a blank map are about level on the CNNs",
    )
    methods = errors.drop(columns=["last", "blank", "ones"]).astype(float)
    said = {"place_of": in_words(methods.shape[1]), "place_cnns": in_words(len(errors))}
    said["place_transformer"] = with_limits(transformer)
    drawn = []
    for model, mine in methods.iterrows():
        dots = [Dot(error, OTHER) for name, error in mine.items() if name != "cluscam"]
        blank = float(errors.loc[model, "ones"])
        text = f"{number(mine['cluscam'], 0)} %, blank {number(blank, 0)} %"
        drawn.append(Row(get_spec(str(model)).title, (*dots, Dot(blank, CONTROL), Dot(mine["cluscam"])), text))
    return said, dot_chart(drawn, "Localisation error of eight methods and a blank map", "error, %: less is better")


def cost(evidence: Evidence) -> Told:
    """The time of ClusCAM over that of its passes, with the maps grouped small, and as the public code does."""
    for claim, word in (("C11a", SUPPORTED), ("C11b", REVERSED), ("C11c", SUPPORTED)):
        blocks = blocks_of(evidence.table, claim)
        must(bool((blocks["verdict"] == word).all()), f"claim {claim} is {word} on every network")
    small, large, scorecam = (times_of(evidence.table, claim) for claim in ("C11a", "C11b", "C11c"))
    said = {"cost_in": f"{len(small)} of {len(small)}", "cost_most": number(100 * (small.max() - 1), 0)}
    said |= {"cost_large": between(large), "cost_scorecam": between(scorecam, 0)}
    drawn = []
    for model, least, most in zip(small.index, small, large, strict=True):
        text = f"{number(least, 2)} and {number(most, 1)} times"
        drawn.append(Row(get_spec(model).title, (Dot(least), Dot(most, CONTROL)), text))
    return said, dot_chart(drawn, "Time over that of the passes", "times the passes (logarithmic)", log=True)


def leak(evidence: Evidence) -> Told:
    """How often the class of the most similar training slice is right, on the paper's split of the brain scans."""
    kept = json.loads((REFERENCE / "alzheimer" / "leakage.json").read_text(encoding="utf-8"))["splits"]["paper, test"]
    must(kept["shared"] == 100, "every test slice has near-duplicates among the training slices")
    said = {"leak_right": number(kept["accuracy"]), "leak_chance": number(kept["chance"]), "leak_n": f"{kept['test']}"}
    copying = Dot(kept["accuracy"], CONTROL, kept["low"], kept["high"])
    drawn = [
        Row("copy the nearest training slice", (copying,), f"{said['leak_right']} %"),
        Row("say the commonest class", (Dot(kept["chance"], OTHER),), f"{said['leak_chance']} %"),
    ]
    return said, dot_chart(drawn, "Right diagnoses without a network", "% of test slices", zero=True)


TELLERS: dict[str, Callable[[Evidence], Told]] = {
    teller.__name__: teller for teller in (average, random, blobs, scorecam, parts, place, cost, leak)
}
