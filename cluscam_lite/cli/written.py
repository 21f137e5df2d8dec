"""The files of one explained image: pictures, the map itself, and all numbers as JSON."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..algorithm.scoring import fill_image
from ..explanation import ClusteredExplanation, Explanation
from ..files import atomic_path
from ..methods import settings_of
from ..models.loaded import Origin
from ..records import parsed_json
from ..show.report import explanation_report, to_json
from .job import Job
from .pictures import SUFFIXES, Picture

if TYPE_CHECKING:
    from ..methods import Explainer
    from ..stability import Stability

MAPS = ("npz", "npy")
LEVEL = 4  # of a PNG's compression: half the time of the usual 6 for a twentieth more bytes


def write_files(
    out: Path,
    stem: str,
    picture: Picture,
    explanation: Explanation,
    job: Job,
    model: Origin,
    explainer: "Explainer",
    stability: "Stability | None" = None,
) -> list[Path]:
    """Write the files of one image, all of them or none; their paths, the report last.

    What an earlier run left of this image and this one does not write, such as a picture, is removed: it would be of
    another map than the report.
    """
    report = report_of(picture, explanation, job, model, explainer, stability)
    figures = _figures(picture, explanation, report, job, model, stability) if job.figures else {}
    maps = "" if job.maps is None else f".{job.maps}"
    paths = {suffix: out / f"{stem}{suffix}" for suffix in SUFFIXES if suffix in {".json", maps, *figures}}
    stale = [path for path in _earlier(out, stem) if path not in paths.values()]
    with ExitStack() as stack:
        temporary = {suffix: stack.enter_context(atomic_path(path)) for suffix, path in paths.items()}
        for suffix, figure in figures.items():
            options = {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": LEVEL}}
            figure.savefig(temporary[suffix], format="png", **options)
        if maps:
            write_map(temporary[maps], explanation)
        temporary[".json"].write_text(to_json(report), encoding="utf-8")
    for path in stale:
        path.unlink(missing_ok=True)
    return list(paths.values())


def _earlier(out: Path, stem: str) -> list[Path]:
    """The files of an earlier run for this image: none unless its report is there, and is one of ours."""
    try:
        report = parsed_json((out / f"{stem}.json").read_bytes())
    except (OSError, ValueError):
        return []
    ours = isinstance(report, dict) and {"image", "method", "saliency"} <= report.keys()
    return [path for suffix in SUFFIXES if (path := out / f"{stem}{suffix}").is_file()] if ours else []


def report_of(
    picture: Picture,
    explanation: Explanation,
    job: Job,
    model: Origin,
    explainer: "Explainer",
    stability: "Stability | None" = None,
    i: int = 0,
) -> dict[str, Any]:
    """All numbers of image `i` of an explanation, for `to_json`."""
    settings = settings_of(job.info.name, explainer)
    facts: dict[str, Any] = {"image": picture.facts, "method": job.info.name, "settings": settings}
    report = explanation_report(explanation, model, job.preprocess, i=i, **facts)
    if stability is not None:
        report["stability"] = stability.report(i)
    return report


def write_map(path: Path, explanation: Explanation, i: int = 0) -> None:
    """Write the map of image `i`: .npy has the saliency alone, .npz its parts as well.

    Arrays of the .npz: `saliency` (H, W) float32 in [0, 1] and `target`, the class; of methods with clusters also
    `masks` (K, H, W) float16, `centroids` (K, h, w) float32 (the masks before they were enlarged, exact), `scores` (K,)
    in logits, `weights` (K,), `labels` (d,), the cluster of each map, and `valid` (K,), which clusters there are.
    """
    saliency = explanation.saliency[i].cpu().numpy()
    if path.suffix == ".npy":
        np.save(path, saliency, allow_pickle=False)
        return
    arrays: dict[str, Any] = {"saliency": saliency, "target": np.int64(explanation.target[i].item())}
    if isinstance(explanation, ClusteredExplanation):
        names = ("centroids", "valid", "scores", "weights", "labels")
        parts = {name: getattr(explanation, name)[i] for name in names} | {"masks": explanation.masks[i].half()}
        arrays |= {name: part.cpu().numpy() for name, part in parts.items()}
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _figures(
    picture: Picture,
    explanation: Explanation,
    report: Mapping[str, Any],
    job: Job,
    model: Origin,
    stability: "Stability | None",
) -> dict[str, Any]:
    """Suffix -> figure."""
    from ..show.drawing import clusters_figure, denormalized, explanation_figure
    from ..show.seeds import seeds_figure

    words = {"class_name": report["target"]["name"], "model": model.spec.title}
    normalization = (job.preprocess.mean, job.preprocess.std)
    image = denormalized(picture.x, *normalization)
    figures = {".png": explanation_figure(image, explanation, method=job.info.title, **words)}
    if isinstance(explanation, ClusteredExplanation):
        hidden = fill_image(picture.x[None], str(report["method"]["fill"]), normalization)
        hidden = torch.zeros_like(picture.x[None]) if hidden is None else hidden.expand_as(picture.x[None])
        background = denormalized(hidden[0], *normalization)
        figures[".clusters.png"] = clusters_figure(image, explanation, background=background, **words)
    if stability is not None:
        figures[".seeds.png"] = seeds_figure(image, stability.mean[0], stability.spread[0], stability.sentence())
    return figures
