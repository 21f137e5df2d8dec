"""``cluscam explain``: everything is checked, then the network is loaded, then each image gets its files."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import as_path
from ..models import ModelSpec
from ..stability import over_seeds
from .common import made_folder, say, short_warnings
from .folder import explain_folder, folder_of
from .job import class_index, job_of
from .pictures import SUFFIXES, check_output, distinct_stems, open_picture
from .written import write_files

if TYPE_CHECKING:
    from ..explanation import Explanation
    from ..stability import Stability

__all__ = ["SUFFIXES", "class_index", "distinct_stems", "explain"]


def explain(arguments: argparse.Namespace) -> None:
    """Run ``cluscam explain`` with its parsed options.

    Raises CluscamError for a mistake, SomeSkipped if images of a folder could not be read; no partial file is left.
    """
    folder = folder_of(arguments)
    job = job_of(arguments)
    if folder is not None:
        return explain_folder(folder, job, arguments)
    pictures = [open_picture(name, job.preprocess) for name in arguments.images]
    stems = distinct_stems([picture.stem for picture in pictures])
    check_output(as_path(arguments.out), arguments.images)
    with made_folder(as_path(arguments.out)) as out, short_warnings():
        model, explainer = job.load(arguments)
        for n, (picture, stem) in enumerate(zip(pictures, stems, strict=True), 1):
            start = time.perf_counter()
            x = picture.x[None].to(arguments.device)
            stability = over_seeds(explainer, x, arguments.seeds, job.target) if arguments.seeds else None
            explanation = explainer(x, job.target) if stability is None else stability.explanations[0]
            files = write_files(out, stem, picture, explanation, job, model, explainer, stability)
            seconds = time.perf_counter() - start
            _announce(
                f"[{n}/{len(pictures)}] {picture.facts['name']}", explanation, job.spec, seconds, files, stability
            )


def _announce(
    start: str,
    explanation: "Explanation",
    spec: ModelSpec,
    seconds: float,
    files: list[Path],
    stability: "Stability | None" = None,
) -> None:
    from ..show.report import describe_target

    target = describe_target(explanation, 0, spec.class_names[int(explanation.target[0])])
    flat = "; the map has no contrast" if bool(explanation.uniform[0]) else ""
    forward = explanation.forward_passes if stability is None else stability.forward_passes
    passes = [(forward, "forward"), (explanation.backward_passes, "backward")]
    cost = ", ".join(f"{n} {way} pass{'es' if n != 1 else ''}" for n, way in passes if n)
    say(f"{start}: {target}; {cost}, {seconds:.1f} s{flat}")
    if stability is not None:
        say(f"    {stability.sentence()}")
    say(f"    wrote {', '.join(map(str, files))}")
