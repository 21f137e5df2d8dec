"""What ``cluscam explain`` is asked to do: network, method, settings and class, first checked, then loaded."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..algorithm.clustering import CLUSTERINGS, SPACES, check_own_number
from ..algorithm.scoring import FILLS
from ..algorithm.weighting import check_weighting
from ..device import placed
from ..errors import CluscamError, unknown
from ..files import as_path
from ..methods import MethodInfo, method, method_info
from ..models import LoadedModel, ModelSpec, Preprocess, get_spec, load_model
from ..models.elsewhere import Given, elsewhere_spec, is_elsewhere
from ..tuning import TunedSettings, read_tuned, weights_key
from .common import check_device
from .onnx import LoadedFile, check_source, network_of_file, read_lines, take_file

if TYPE_CHECKING:
    from ..methods import Explainer

Network = LoadedModel | LoadedFile
DIGITS = 20  # more than any number of classes has
TUNED = ("n_clusters", "drop_ratio")  # what the file of a tuning run gives
CHOICES = {"space": SPACES, "clustering": CLUSTERINGS, "fill": FILLS}


@dataclass(frozen=True)
class Job:
    """What was asked, after all checks that need no weights.

    Attributes:
        spec: of the network.
        info: the method; `settings`: those of its parameters that were given.
        tuned: K and r of a file of ``cluscam tune``; None if there is none.
        target: the class to explain; None is each image's top-1.
        preprocess: from an image to the network's input.
        maps: how the map itself is written: "npz", "npy" or None.
        figures: whether pictures are drawn.
        file: the network of ``--onnx``, which is opened with the checks; None for one of ``--model``.
    """

    spec: ModelSpec
    info: MethodInfo
    settings: dict[str, Any]
    tuned: TunedSettings | None
    target: int | None
    preprocess: Preprocess
    maps: str | None
    figures: bool
    file: LoadedFile | None

    def load(self, arguments: argparse.Namespace) -> "tuple[Network, Explainer]":
        """The network with its weights on its device, and the method on it. Raises CluscamError as `load_model`."""
        model = self.network(arguments)
        return model, self.on(model, arguments)

    def network(self, arguments: argparse.Namespace) -> Network:
        """The network with its weights on its device. Raises CluscamError as `load_model`."""
        if self.file is not None:
            return self.file
        weights = arguments.weights or "auto"
        source = self.spec if is_elsewhere(arguments.model) else arguments.model
        model = load_model(source, weights, arguments.data_root, getattr(arguments, "seed", 0))
        placed(model.module, arguments.device)
        return model

    def on(self, model: Network, arguments: argparse.Namespace) -> "Explainer":
        """The method on the network. Raises as `cluscam_lite.methods.method`, CluscamError if K and r are not of it."""
        if self.tuned is not None:
            self.tuned.check_weights(weights_key(model))
        layer = None if arguments.onnx else arguments.layer  # a file is opened at its layer
        return method(self.info.name, model.module, self.spec, layer, **self.settings)


def job_of(arguments: argparse.Namespace) -> Job:
    """The job of parsed options. Raises CluscamError for whatever can be seen to be wrong before weights are read."""
    (job,) = jobs_of(arguments, [arguments.method])
    return job


def jobs_of(arguments: argparse.Namespace, methods: Sequence[str]) -> list[Job]:
    """A job for each of the methods, on one network; a setting goes to those of them that have it.

    Raises CluscamError as `job_of`, and for a setting that none of them has.
    """
    take_file(arguments)
    check_source(arguments)
    infos = [method_info(name) for name in methods]
    check_device(arguments.device)
    file = None if arguments.onnx is None else network_of_file(arguments)
    spec = spec_of(arguments) if file is None else file.spec
    _check_taken(arguments, infos)
    tuned = _tuned(arguments, infos, spec)
    target = None if arguments.target is None else class_index(arguments.target, spec)
    preprocess = spec.preprocess(arguments.preprocess)
    jobs = []
    for info in infos:
        settings = {key: value for key, value in vars(arguments).items() if key in info.parameters}
        mine = tuned if _has_tuned(info) else None
        if mine is not None:
            settings |= {"n_clusters": mine.n_clusters, "drop_ratio": mine.drop_ratio}
        _check_settings(settings)
        figures = not arguments.no_figures
        jobs.append(Job(spec, info, settings, mine, target, preprocess, arguments.maps, figures, file))
    return jobs


def spec_of(arguments: argparse.Namespace) -> ModelSpec:
    """The spec of --model, with what --mean, --std, --size and --classes say of a network from elsewhere.

    Raises UnknownName or CluscamError for one that there is not, or that these do not fit.
    """
    if not is_elsewhere(arguments.model):
        return get_spec(arguments.model)
    mean, std = (_triple(values) for values in (arguments.mean, arguments.std))
    classes = None if arguments.classes is None else read_lines(as_path(arguments.classes))
    return elsewhere_spec(arguments.model, Given(mean, std, arguments.size, classes))


def _triple(values: Sequence[float] | None) -> tuple[float, float, float] | None:
    return None if values is None else (values[0], values[1], values[2])


def class_index(text: str, spec: ModelSpec) -> int:
    """The index of a class that is given by its number or its name.

    Case, hyphens and underscores of the name do not matter. Raises CluscamError if the number is out of range or the
    name is that of several classes, and UnknownName, with the nearest names, if there is no such class.
    """
    if re.fullmatch(r"\s*[+-]?\d+\s*", text):
        if len(text) > DIGITS or not 0 <= int(text) < spec.num_classes:
            raise CluscamError(
                f"target {text.strip()[:DIGITS]} is outside the classes of {spec.name}; expected 0 to "
                f"{spec.num_classes - 1} or a name"
            )
        return int(text)
    names, wanted = [_folded(name) for name in spec.class_names], _folded(text)
    found = [i for i, name in enumerate(names) if name == wanted]
    if not found:
        near = [name for name in names if wanted in name.split()] or names
        raise unknown("class", text, near, f"a number from 0 to {spec.num_classes - 1} will do as well")
    if len(found) > 1:
        numbers = ", ".join(map(str, found))
        raise CluscamError(f"{len(found)} classes are called {text!r}; give the number instead: {numbers}")
    return found[0]


def _check_taken(arguments: argparse.Namespace, infos: Sequence[MethodInfo]) -> None:
    """Refuse what no method has: settings, but for the seed of random weights, and a layer."""
    parameters = list(dict.fromkeys(name for info in infos for name in info.parameters))
    for key, flag in arguments.flags.items():
        random = key == "seed" and (arguments.weights == "random" or ".py:" in str(arguments.model))
        if hasattr(arguments, key) and key not in parameters and not random:
            taken = ", ".join(arguments.flags[name] for name in parameters if name in arguments.flags) or "none"
            they = ", ".join(info.name for info in infos)
            they = f"the method {they}; it takes" if len(infos) == 1 else f"the methods {they}; they take"
            raise CluscamError(f"{flag} is no setting of {they} {taken}: leave it out")
    if arguments.layer != arguments.usual_layer and not any(info.reads_layer for info in infos):
        raise CluscamError(f"{_they_have(infos)} no layer that is read; leave --layer out")
    if arguments.seeds and "seed" not in parameters:
        raise CluscamError(f"{_they_have(infos)} no seed, so --seeds would give one map again; leave it out")


def _they_have(infos: Sequence[MethodInfo]) -> str:
    names = ", ".join(info.name for info in infos)
    return f"the method {names} has" if len(infos) == 1 else f"the methods {names} have"


def _has_tuned(info: MethodInfo) -> bool:
    return all(key in info.parameters for key in TUNED)


def _tuned(arguments: argparse.Namespace, infos: Sequence[MethodInfo], spec: ModelSpec) -> TunedSettings | None:
    """K and r of the file of --tuned, if one is given and fits."""
    if arguments.tuned is None:
        return None
    if not any(_has_tuned(info) for info in infos):
        raise CluscamError(f"{_they_have(infos)} no K and r that --tuned could give; leave it out")
    for key in TUNED:
        if hasattr(arguments, key):
            raise CluscamError(f"--tuned gives K and r; leave {arguments.flags[key]} out, or --tuned")
    tuned = read_tuned(arguments.tuned)
    tuned.check_model(spec.name, spec.layer(arguments.layer))
    return tuned


def _check_settings(settings: dict[str, Any]) -> None:
    """Refuse what can be seen to be wrong before any file is opened."""
    for key, known in CHOICES.items():
        if key in settings and settings[key] not in known:
            raise unknown(key, settings[key], known)
    check_weighting(settings.get("drop_ratio", 0), settings.get("temperature"))
    if settings.get("n_clusters", 1) < 1:
        raise CluscamError(f"the number of clusters is {settings['n_clusters']}; expected at least 1")
    check_own_number(settings.get("n_clusters"), settings.get("clustering", "kmeans"))


def _folded(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
