"""One explainer on all cases: a row for each, in which every measure is one of the studies' own."""

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from analysis.bench.cases import REMOVAL, SEVERAL, SHORTCUT, Case, noisy
from analysis.bench.explainers import Entry
from analysis.chapters.groundtruth.contributions import agreement, facts
from analysis.oracles.timing import Stopwatch
from analysis.studies.explaining import logits
from cluscam_lite.errors import NotApplicable
from cluscam_lite.metrics import correlation, evaluate, overlap
from cluscam_lite.models import LoadedModel

FORMS = ("raw", "matched")
CHANGES = ("drop", "increase", "gain")
# of each part: whether the map is highest on the thing that matters most, how often a random one is, what else is told
REASONS = {
    REMOVAL: ("pointing", "chance", "rho"),
    SHORTCUT: ("badge_first", "chance", "badge_lift"),
    SEVERAL: ("top1_objects", "chance_objects"),
}
TIMED = 3  # plain passes, of which the median is the unit of cost


def trial(entry: Entry, case: Case) -> None:
    """Call an explainer once: it fails now or not at all, and what it imports is no part of its cost.

    Raises CluscamError as `Entry.map`; that a registered method cannot explain the network is said later.
    """
    try:
        entry.map(case.model, _input(case), case.truth.target, 0, case.image_id)
    except NotApplicable:
        return


def rows_of(entry: Entry, cases: Sequence[Case], progress: Callable[[], object]) -> list[dict[str, Any]]:
    """The rows of an explainer, one for each case in its order; `progress()` is called after each.

    Columns: `explainer`, `kind`, `part`, `image_id`, `target`, `reason` (why the method cannot explain the network, and
    then nothing else), `uniform`, `hit` (1: the map is highest on the thing that matters most) and `chance` (of a
    random map), `rho` or `badge_lift` as in `agreement`; of the part "removal" also the cost, what `_of_removal` gives,
    and `others`, the mean correlation of the map with those of the other scenes.
    """
    rows, maps = [], {}
    for i, case in enumerate(cases):
        row = {"explainer": entry.name, "kind": entry.kind, "part": case.part, "image_id": case.image_id}
        row |= {"target": case.truth.target, "reason": ""}
        try:
            saliency, found = _of_case(entry, case)
            rows.append(row | found)
            if case.part == REMOVAL:
                maps[i] = saliency
        except NotApplicable as error:
            rows.append(row | {"reason": str(error)})
        progress()
    for i, saliency in maps.items():
        others = [correlation(saliency, other) for j, other in maps.items() if j != i]
        rows[i]["others"] = float(np.mean(others)) if others and not np.isnan(others).all() else float("nan")
    return rows


def _of_case(entry: Entry, case: Case) -> tuple[Tensor, dict[str, Any]]:
    x, target = _input(case), case.truth.target
    watch = Stopwatch(x.device)
    with watch("map"):
        found = entry.map(case.model, x, target, 0, case.image_id)
    known = agreement(case.truth, found.saliency) | facts(case.truth)
    hit, chance, *more = REASONS[case.part]
    row = {"uniform": found.uniform, "hit": known[hit], "chance": known[chance]} | {name: known[name] for name in more}
    if case.part != REMOVAL:
        return found.saliency, row
    cost = {"forward_passes": found.forward, "backward_passes": found.backward, "seconds": watch.seconds["map"]}
    cost["passes_worth"] = cost["seconds"] / _pass(case.model, x)
    return found.saliency, row | cost | _of_removal(entry, case, x, found.saliency)


def _of_removal(entry: Entry, case: Case, x: Tensor, saliency: Tensor) -> dict[str, float]:
    """What the map does to the class, as it is and brought to one coverage, and how alike two other maps are.

    `again`: the map that other random numbers give. `noise`: that of the image with a little noise. Both are
    correlations with the map; `again_overlap` is that of the top tenths.
    """
    spec, target = case.model.spec, case.truth.target
    shown = {"fills": ("mean",), "forms": FORMS, "normalization": (spec.mean, spec.std)}
    found: dict[str, float] = {}
    for row in evaluate(partial(logits, case.model), x, saliency, target, **shown):
        end = "" if row["form"] == "raw" else f"_{row['form']}"
        found |= {f"{name}{end}": float(row[name]) for name in (*CHANGES, "coverage")}
    again = entry.map(case.model, x, target, 1, case.image_id).saliency
    near = entry.map(case.model, noisy(x, spec.std), target, 0, case.image_id).saliency
    alike = {"again": correlation(saliency, again), "again_overlap": overlap(saliency, again)}
    return found | alike | {"noise": correlation(saliency, near)}


def _pass(model: LoadedModel, x: Tensor) -> float:
    """Seconds of a plain pass, now: a machine may be busy at one time and not at another."""
    times = []
    for _ in range(TIMED):
        watch = Stopwatch(x.device)
        with watch("pass"):
            logits(model, x)
        times.append(watch.seconds["pass"])
    return statistics.median(times)


def _input(case: Case) -> Tensor:
    return case.truth.x.to(next(case.model.module.parameters()).device)
