"""``cluscam explain``: everything is checked, then the network is loaded, then each image gets its files."""

import argparse
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..algorithm.clustering import CLUSTERINGS, SPACES
from ..algorithm.scoring import FILLS, fill_image
from ..algorithm.weighting import check_weighting
from ..datasets.images import open_image
from ..datasets.named import PHOTOGRAPH, SCENE, scene_number
from ..device import placed
from ..errors import CluscamError, unknown
from ..files import atomic_path, sha256
from ..methods import MethodInfo, method, method_info, settings_of
from ..models import LoadedModel, ModelSpec, Preprocess, get_spec, load_model
from ..models.loaded import Origin
from ..stability import over_seeds
from ..tuning import TunedSettings, read_tuned, weights_key
from .common import check_device, made_folder, short_warnings
from .onnx import check_source, network_of_file

if TYPE_CHECKING:
    from ..explanation import Explanation
    from ..methods import Explainer
    from ..stability import Stability

SUFFIXES = (".png", ".clusters.png", ".seeds.png", ".json")
TUNED = ("n_clusters", "drop_ratio")  # what the file of a tuning run gives
CHOICES = {"space": SPACES, "clustering": CLUSTERINGS, "fill": FILLS}


@dataclass(frozen=True)
class Picture:
    """An image that was opened and brought to the network's input: x (3, H, W), and what the report says of it."""

    stem: str
    x: Tensor
    facts: dict[str, Any]


def explain(arguments: argparse.Namespace) -> None:
    """Run ``cluscam explain`` with its parsed options. Raises CluscamError for a mistake; no partial file is left."""
    check_source(arguments)
    info = method_info(arguments.method)
    file = None if arguments.onnx is None else network_of_file(arguments)
    spec = get_spec(arguments.model) if file is None else file.spec
    settings = {key: value for key, value in vars(arguments).items() if key in info.parameters}
    _check_taken(arguments, info)
    tuned = _tuned(arguments, info, spec)
    if tuned is not None:
        settings |= {"n_clusters": tuned.n_clusters, "drop_ratio": tuned.drop_ratio}
    _check_settings(settings, arguments.device)
    target = None if arguments.target is None else class_index(arguments.target, spec)
    preprocess = spec.preprocess(arguments.preprocess)
    pictures = [open_picture(name, preprocess) for name in arguments.images]
    stems = distinct_stems([picture.stem for picture in pictures])
    _check_folder(Path(arguments.out).expanduser(), arguments.images)
    with made_folder(Path(arguments.out).expanduser()) as out, short_warnings():
        model = file or _loaded(arguments, tuned)
        explainer = method(info.name, model.module, spec, arguments.layer, **settings)
        for n, (picture, stem) in enumerate(zip(pictures, stems, strict=True), 1):
            start = time.perf_counter()
            x = picture.x[None].to(arguments.device)
            stability = over_seeds(explainer, x, arguments.seeds, target) if arguments.seeds else None
            explanation = explainer(x, target) if stability is None else stability.explanations[0]
            files = _write(out, stem, picture, explanation, model, preprocess, info.name, explainer, stability)
            seconds = time.perf_counter() - start
            _announce(f"[{n}/{len(pictures)}] {picture.facts['name']}", explanation, spec, seconds, files, stability)


def _loaded(arguments: argparse.Namespace, tuned: TunedSettings | None) -> LoadedModel:
    """The registered network, on its device."""
    weights, seed = arguments.weights or "auto", getattr(arguments, "seed", 0)
    model = load_model(arguments.model, weights, arguments.data_root, seed)
    if tuned is not None:
        tuned.check_weights(weights_key(model))
    placed(model.module, arguments.device)
    return model


def class_index(text: str, spec: ModelSpec) -> int:
    """The index of a class that is given by its number or its name.

    Case, hyphens and underscores of the name do not matter. Raises CluscamError if the number is out of range or the
    name is that of several classes, and UnknownName, with the nearest names, if there is no such class.
    """
    if text.strip().lstrip("+-").isdecimal():
        number = int(text)
        if not 0 <= number < spec.num_classes:
            raise CluscamError(
                f"target {number} is outside the classes of {spec.name}; expected 0 to {spec.num_classes - 1} or a name"
            )
        return number
    names, wanted = [_folded(name) for name in spec.class_names], _folded(text)
    found = [i for i, name in enumerate(names) if name == wanted]
    if not found:
        near = [name for name in names if wanted in name.split()] or names
        raise unknown("class", text, near, f"a number from 0 to {spec.num_classes - 1} will do as well")
    if len(found) > 1:
        numbers = ", ".join(map(str, found))
        raise CluscamError(f"{len(found)} classes are called {text!r}; give the number instead: {numbers}")
    return found[0]


def open_picture(name: str, preprocess: Preprocess) -> Picture:
    """The image of a file, the icon scene of ``scene:N``, or the free photograph of ``photograph:NAME``.

    Raises CluscamError if there is no such image.
    """
    if name.startswith(SCENE):
        return _scene_picture(name, preprocess)
    if name.startswith(PHOTOGRAPH):
        return _photograph_picture(name, preprocess)
    path = Path(name).expanduser()
    image = open_image(path)
    shown = os.fsencode(path.name).decode("utf-8", "replace")
    facts = {"name": shown, "sha256": sha256(path), "width": image.width, "height": image.height}
    return Picture(path.stem, preprocess(image), facts)


def _scene_picture(name: str, preprocess: Preprocess) -> Picture:
    from ..datasets.scenes.scene import BASE, SCENE_CLASSES, render, scene_at

    number = scene_number(name)
    # drawn as large as the network needs it, so that it need not be enlarged
    scene = scene_at(number, size=max(BASE, preprocess.resize or preprocess.size))
    image = render(scene)
    objects = [SCENE_CLASSES[thing.label] for thing in scene.objects]
    facts: dict[str, Any] = {"name": name, "sha256": None, "width": image.width, "height": image.height}
    facts["scene"] = {"seed": scene.seed, "setting": scene.setting, "objects": objects}
    return Picture(f"scene-{number}", preprocess(image), facts)


def _photograph_picture(name: str, preprocess: Preprocess) -> Picture:
    from ..datasets.photographs import photograph

    found = photograph(name.removeprefix(PHOTOGRAPH))
    facts = {"name": name, "sha256": None, "width": found.width, "height": found.height}
    return Picture(found.image_id, preprocess(found.image), facts)


def distinct_stems(stems: Sequence[str]) -> list[str]:
    """The stems with -2, -3, ... where two would give a file of the same name (upper and lower case are one)."""
    taken: set[str] = set()
    chosen = []
    for stem in stems:
        name, n = stem, 1
        while taken & (files := {f"{name}{suffix}".casefold() for suffix in SUFFIXES}):
            n += 1
            name = f"{stem}-{n}"
        taken |= files
        chosen.append(name)
    return chosen


def _check_taken(arguments: argparse.Namespace, info: MethodInfo) -> None:
    """Refuse settings that the method does not have, except the seed, which random weights use as well."""
    for key, flag in arguments.flags.items():
        if hasattr(arguments, key) and key not in info.parameters and key != "seed":
            taken = [arguments.flags[name] for name in info.parameters if name in arguments.flags]
            raise CluscamError(
                f"{flag} is no setting of the method {info.name}; it takes {', '.join(taken) or 'none'}: leave it out"
            )
    if arguments.seeds and "seed" not in info.parameters:
        raise CluscamError(f"the method {info.name} has no seed, so --seeds would give one map again; leave it out")


def _tuned(arguments: argparse.Namespace, info: MethodInfo, spec: ModelSpec) -> TunedSettings | None:
    """K and r of the file of --tuned, if one is given and fits."""
    if arguments.tuned is None:
        return None
    for key in TUNED:
        if key not in info.parameters:
            raise CluscamError(f"the method {info.name} has no K and r that --tuned could give; leave it out")
        if hasattr(arguments, key):
            raise CluscamError(f"--tuned gives K and r; leave {arguments.flags[key]} out, or --tuned")
    tuned = read_tuned(arguments.tuned)
    tuned.check_model(spec.name, spec.layer(arguments.layer))
    return tuned


def _check_settings(settings: dict[str, Any], device: str) -> None:
    """Refuse what can be seen to be wrong before any file is opened."""
    for key, known in CHOICES.items():
        if key in settings and settings[key] not in known:
            raise unknown(key, settings[key], known)
    check_weighting(settings.get("drop_ratio", 0), settings.get("temperature"))
    if settings.get("n_clusters", 1) < 1:
        raise CluscamError(f"the number of clusters is {settings['n_clusters']}; expected at least 1")
    check_device(device)


def _check_folder(out: Path, images: Sequence[str]) -> None:
    """Refuse the folder of an image: an overlay has the name of its image and could replace it."""
    for name in images:
        if not name.startswith((SCENE, PHOTOGRAPH)) and Path(name).expanduser().resolve().parent == out.resolve():
            raise CluscamError(f"the output folder {out} is that of the image {name}; choose another folder")


def _write(
    out: Path,
    stem: str,
    picture: Picture,
    explanation: "Explanation",
    model: Origin,
    preprocess: Preprocess,
    name: str,
    explainer: "Explainer",
    stability: "Stability | None" = None,
) -> list[Path]:
    """The files of one image: all of them, or none. Returns their paths."""
    from ..explanation import ClusteredExplanation
    from ..show.drawing import clusters_figure, denormalized, explanation_figure
    from ..show.report import explanation_report, to_json
    from ..show.seeds import seeds_figure

    settings = settings_of(name, explainer)
    report = explanation_report(explanation, model, preprocess, image=picture.facts, method=name, settings=settings)
    words = {"class_name": report["target"]["name"], "model": model.spec.title}
    normalization = (preprocess.mean, preprocess.std)
    image = denormalized(picture.x, *normalization)
    figures = {".png": explanation_figure(image, explanation, method=method_info(name).title, **words)}
    if isinstance(explanation, ClusteredExplanation):
        hidden = fill_image(picture.x[None], str(settings["fill"]), normalization)
        hidden = torch.zeros_like(picture.x[None]) if hidden is None else hidden.expand_as(picture.x[None])
        background = denormalized(hidden[0], *normalization)
        figures[".clusters.png"] = clusters_figure(image, explanation, background=background, **words)
    if stability is not None:
        report["stability"] = stability.report()
        figures[".seeds.png"] = seeds_figure(image, stability.mean[0], stability.spread[0], stability.sentence())
    paths = [out / f"{stem}{suffix}" for suffix in SUFFIXES if suffix == ".json" or suffix in figures]
    with ExitStack() as stack:
        temporary = {path: stack.enter_context(atomic_path(path)) for path in paths}
        for path, figure in zip(paths, figures.values(), strict=False):
            figure.savefig(temporary[path], format="png", metadata={"Software": None})
        temporary[paths[-1]].write_text(to_json(report), encoding="utf-8")
    return paths


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
    print(f"{start}: {target}; {cost}, {seconds:.1f} s{flat}")
    if stability is not None:
        print(f"    {stability.sentence()}")
    wrote = ", ".join(os.fsencode(file).decode("utf-8", "replace") for file in files)
    print(f"    wrote {wrote}", flush=True)


def _folded(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
