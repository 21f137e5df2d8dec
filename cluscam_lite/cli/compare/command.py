"""The command: everything is checked, the network is loaded once, then each method explains the image in turn."""

import argparse
import csv
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from ...algorithm.inputs import maps_model
from ...errors import CluscamError
from ...files import as_path, atomic_path
from ...methods import METHODS, method_info
from ...show.report import describe_target
from ..common import made_folder, say, short_warnings
from ..job import Job, jobs_of
from ..pictures import Picture, check_output, open_picture
from .measured import NO_SEED, Measured, measured

NUMBERS = ("probability", "probability_masked", "drop", "gain", "coverage")
COSTS = ("forward_passes", "backward_passes", "seconds")
STABILITY = ("seeds", "agreement", "overlap", "stability")
COLUMNS = ("method", "title", "kind", "reason", "target", "class", *NUMBERS, *COSTS, *STABILITY, "settings")


def compare(arguments: argparse.Namespace) -> None:
    """Run ``cluscam compare`` with its parsed options. Raises CluscamError for a mistake; no partial file is left."""
    jobs = jobs_of(arguments, method_names_of(arguments.methods))
    first = jobs[0]
    picture = open_picture(arguments.image, first.preprocess)
    check_output(as_path(arguments.out), [arguments.image])
    normalization = (first.preprocess.mean, first.preprocess.std)
    with made_folder(as_path(arguments.out)) as out, short_warnings():
        network = first.network(arguments)
        x = picture.x[None].to(arguments.device)
        maps_model(network.module, None).output(x)  # the first pass of a process is slow: no method's own cost
        found = []
        for n, job in enumerate(jobs, 1):
            make = partial(job.on, network, arguments)
            found.append(measured(job.info, make, network, x, job.target, arguments.seeds, normalization))
            say(*f"[{n}/{len(jobs)}] {sentence(found[-1], first)}".split("\n"))
        if all(one.reason for one in found):
            reasons = "; ".join(f"{one.info.name}: {one.reason}" for one in found)
            raise CluscamError(f"none of the methods can explain this network, so nothing is written: {reasons}")
        files = _write(out, picture, first, found, arguments.seeds)
    say(f"wrote {', '.join(map(str, files))}")


def method_names_of(text: str) -> list[str]:
    """The methods of ``a,b,c``, in the order of the registry.

    Raises UnknownName for one that does not exist, CluscamError for one that is named twice, or none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        method_info(name)
        if names.count(name) > 1:
            raise CluscamError(f"the method {name} is named twice in --methods; name each once")
    if not names:
        raise CluscamError("--methods names no method; expected names with commas between, such as cluscam,gradcam")
    return [name for name in METHODS if name in names]


def sentence(one: Measured, job: Job) -> str:
    """What a method found, in one line of the terminal."""
    e, numbers = one.explanation, one.numbers
    if e is None or numbers is None:
        return f"{one.info.title} cannot explain this: {one.reason}"
    target = describe_target(e, 0, job.spec.class_names[int(e.target[0])])
    flat = "; the map has no contrast" if bool(e.uniform[0]) else ""
    shown = f"{one.info.title}: {target}; drop {numbers['drop']:.1f} %, gain {numbers['gain']:.1f} %; {cost(one)}{flat}"
    return shown if one.stability is None else f"{shown}\n    {one.stability.sentence()}"


def cost(one: Measured) -> str:
    """ "31 forward passes, 0.4 s"."""
    assert one.explanation is not None  # of every method that can explain the image
    passes = [(one.explanation.forward_passes, "forward"), (one.explanation.backward_passes, "backward")]
    words = ", ".join(f"{n} {way} pass{'es' if n != 1 else ''}" for n, way in passes if n)
    return f"{words}, {one.seconds:.2g} s" if one.seconds < 10 else f"{words}, {one.seconds:.0f} s"


def row_of(one: Measured, job: Job, seeds: int | None) -> dict[str, Any]:
    """A method's row of the table; empty where there is no number."""
    info, e, s = one.info, one.explanation, one.stability
    row: dict[str, Any] = {"method": info.name, "title": info.title, "kind": info.kind, "reason": one.reason}
    if e is None or one.numbers is None or one.settings is None:
        return row
    index = int(e.target[0])
    row |= {"target": index, "class": job.spec.class_names[index]}
    row |= {key: f"{value:.6g}" for key, value in one.numbers.items()}
    row |= {"forward_passes": e.forward_passes, "backward_passes": e.backward_passes, "seconds": f"{one.seconds:.3g}"}
    row["settings"] = "; ".join(f"{key}={value}" for key, value in one.settings.items())
    if s is not None:
        report = s.report()
        row |= {"seeds": len(s.seeds), "stability": report["sentence"]}
        row |= {key: report[key] for key in ("agreement", "overlap")}
    elif seeds is not None:
        row["stability"] = NO_SEED
    return row


def _write(out: Path, picture: Picture, job: Job, found: Sequence[Measured], seeds: int | None) -> list[Path]:
    """Write the sheet and the table, both or none."""
    from ...show.drawing import denormalized
    from ...show.sheet import Cell, sheet_figure

    cells = []
    for one in found:
        if one.explanation is None or one.numbers is None:
            cells.append(Cell(one.info.title, None, f"cannot explain this: {one.reason}"))
            continue
        lines = [f"drop {one.numbers['drop']:.1f} %, gain {one.numbers['gain']:.1f} %", cost(one)]
        if seeds is not None:
            lines.append(NO_SEED if one.stability is None else _agreement(one.stability.report()))
        lines += ["no contrast"] if bool(one.explanation.uniform[0]) else []
        cells.append(Cell(one.info.title, one.explanation.saliency[0], "\n".join(lines)))
    e = next(one.explanation for one in found if one.explanation is not None)
    target = describe_target(e, 0, job.spec.class_names[int(e.target[0])])
    image = denormalized(picture.x, job.preprocess.mean, job.preprocess.std)
    figure = sheet_figure(image, cells, target, f"{job.spec.title} · {picture.facts['name']}")
    paths = [out / f"{picture.stem}.compare.csv", out / f"{picture.stem}.compare.png"]
    with ExitStack() as stack:
        table, sheet = (stack.enter_context(atomic_path(path)) for path in paths)
        figure.savefig(sheet, format="png", metadata={"Software": None})
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(row_of(one, job, seeds) for one in found)
    return paths


def _agreement(report: dict[str, Any]) -> str:
    if report["agreement"] is None:
        return f"{len(report['seeds'])} seeds: no contrast"
    return f"{len(report['seeds'])} seeds: r = {report['agreement']:.2f}, top tenths {100 * report['overlap']:.0f} %"
