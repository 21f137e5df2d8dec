"""What the numbers of a bench say of one explainer, in words. The rules are these and no others."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.bench.cases import REMOVAL, SEVERAL, SHORTCUT
from analysis.bench.explainers import NULLS, TRIVIAL
from analysis.bench.summary import ahead, summary
from cluscam_lite.stability import ALIKE, APART

GOOD, RANDOM, BLIND, CLASSLESS, POOR, UNSHOWN, NONE = (
    "follows the network's reasons",
    "random",
    "does not look at the picture",
    "does not tell which class is explained",
    "no better than a map that knows nothing of the network",
    "not shown to follow the network's reasons",
    "cannot explain this network",
)
ROUNDING = 1e-6
SAME = 0.95  # mean correlation of the maps of different scenes from which on they are one map


@dataclass(frozen=True)
class Verdict:
    """A word on one explainer, one of those above, and the sentences that say why."""

    explainer: str
    word: str
    sentences: tuple[str, ...]

    def text(self) -> str:
        """All of it, as one paragraph."""
        return " ".join((f"{self.explainer}: {self.word}.", *self.sentences))


def verdict(rows: pd.DataFrame, name: str) -> Verdict:
    """The word on an explainer.

    A map that other random numbers change beyond recognition (correlation below `APART`) is random; one that is the
    same for every picture (`SAME`) or has no contrast does not look; one that is on the right of several objects no
    more often than by chance does not tell the classes apart. Of the others, one follows the network's reasons if it is
    highest on the thing that matters most in more cases than each trivial map (95 % interval of the difference above
    zero); it is no better than one that it is not ahead of at all; else it is not shown.
    """
    line: dict[str, Any] = summary(rows[rows["explainer"] == name]).iloc[0].to_dict()
    if math.isnan(line[REMOVAL]):  # the network with the shortcut is another
        return Verdict(name, NONE, (f"{line['reason']}.",))
    differences = {other: ahead(rows, name, other, "hit") for other in TRIVIAL if _there(rows, other, name)}
    short = [other for other, found in differences.items() if found is None or found.low <= 0]
    behind = [other for other in short if (found := differences[other]) is not None and found.estimate <= 0]
    if line["again"] < APART:
        word = RANDOM
        why = f"With other random numbers it gives another map (correlation {_two(line['again'])})."
    elif line["others"] >= SAME or line["flat"] == line["cases"]:
        word = BLIND
        why = f"Its maps of different pictures are one map (correlation {_two(line['others'])})."
        if line["flat"] == line["cases"]:
            why = "None of its maps has any contrast."
    elif line[SEVERAL] <= line[f"chance {SEVERAL}"] + ROUNDING:  # not where that part is missing
        word = CLASSLESS
        why = "Of several objects it points at the right one no more often than by chance."
    elif not short and differences:
        word = GOOD
        why = f"It is ahead of every map that knows nothing of the network ({', '.join(differences)})."
    elif behind:
        word = POOR
        why = f"On {line['cases']} cases it finds what matters no more often than {' and '.join(behind)}."
    else:
        word = UNSHOWN
        why = f"On {line['cases']} cases it is not surely ahead of {' and '.join(short)}; take more (--n)."
    return Verdict(name, word, (why, _reasons(line), _faithful(rows, line), _stable(line), _cost(line)))


def _reasons(line: dict[str, Any]) -> str:
    places = {
        REMOVAL: "at the thing whose removal changes the logit most",
        SHORTCUT: "at the planted shortcut",
        SEVERAL: "at the right one of several objects",
    }
    said = [
        f"{place} in {line[part]:.0f} % of the cases (chance {line[f'chance {part}']:.0f} %)"
        for part, place in places.items()
        if not math.isnan(line[part])
    ]
    return f"It points {', '.join(said)}."


def _faithful(rows: pd.DataFrame, line: dict[str, Any]) -> str:
    """AD, which is low for many maps that explain nothing: so the null methods stand beside it."""
    start = f"Its region alone costs the class {line['drop']:.1f} % of its probability (AD)"
    others = [name for name in NULLS if _there(rows, name, line["explainer"])]
    if not others:
        return f"{start}."
    found = {name: ahead(rows, line["explainer"], name, "drop") for name in others}
    less = [name for name, interval in found.items() if interval is not None and interval.high < 0]
    rest = [name for name in others if name not in less]
    means = {name: float(rows.loc[rows["explainer"] == name, "drop"].mean()) for name in others}
    named = " and ".join(f"{name} ({means[name]:.1f} %)" for name in (rest or less))
    return f"{start}, {'not surely less than' if rest else 'less than'} that of the null method {named}."


def _stable(line: dict[str, Any]) -> str:
    if math.isnan(line["again"]) or math.isnan(line["noise"]):
        return "Without contrast nothing can be said of its stability."
    same = (
        "the same map" if line["again"] >= ALIKE else "one that is alike" if line["again"] >= APART else "another map"
    )
    noise = "hardly changes it" if line["noise"] >= ALIKE else "changes it"
    return (
        f"Other random numbers give {same} ({_two(line['again'])}), and noise that nobody sees {noise} "
        f"({_two(line['noise'])})."
    )


def _cost(line: dict[str, Any]) -> str:
    passes = [(round(line["forward_passes"]), "forward"), (round(line["backward_passes"]), "backward")]
    words = " and ".join(f"{n} {way} pass{'es' if n != 1 else ''}" for n, way in passes if n) or "no pass"
    worth = max(1, round(line["passes_worth"]))
    return f"A map takes {words}, {line['seconds']:.2g} s here, the time of {worth} plain pass{'es' * (worth > 1)}."


def _two(value: float) -> str:
    """A correlation with two decimals; no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _there(rows: pd.DataFrame, name: str, than: str) -> bool:
    """Whether a reference is among the rows, and another than the explainer itself."""
    return name != than and bool((rows["explainer"] == name).any())
