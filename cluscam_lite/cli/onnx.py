"""A network in a file, of ONNX or OpenVINO; options give what a registered network says of itself."""

import argparse
import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from torch import nn

from ..algorithm.clustering import N_CLUSTERS
from ..algorithm.given import checked_normalization
from ..errors import CluscamError
from ..files import as_path, sha256
from ..models import ModelSpec
from ..models.elsewhere import is_elsewhere
from ..runtimes import OnnxModel, OpenVinoModel
from ..runtimes.runtime import RuntimeModel

# what goes with a file or a network from elsewhere, and what with a registered network
OF_FILES = {"mean": "--mean", "std": "--std", "size": "--size", "classes": "--classes"}
OF_REGISTERED = {"weights": "--weights", "tuned": "--tuned", "data_root": "--data-root"}
OF_RUNTIMES = (".onnx", ".xml")
OF_WEIGHTS = (".pt", ".pth", ".safetensors", ".ckpt")
DROP_RATIO = 0.37  # the default of ClusCAM: nobody has tuned it for this network
DEFAULT_LAYERS = ("paper", "last")  # words for layers of registered networks: here the deepest that gives maps


@dataclass(frozen=True)
class LoadedFile:
    """A network in a file, ready to be explained; `source` and `sha256` as in `cluscam_lite.models.LoadedModel`."""

    spec: ModelSpec
    module: RuntimeModel
    source: str
    sha256: str | None


def take_file(arguments: argparse.Namespace) -> None:
    """Move a file that ``--model`` names to ``--onnx``, where all else looks for it."""
    if arguments.onnx is None and Path(arguments.model or "").suffix.lower() in OF_RUNTIMES:
        arguments.onnx, arguments.model = arguments.model, None


def check_source(arguments: argparse.Namespace) -> None:
    """Raise CluscamError unless there is one network, and only options that go with it.

    What a registered network refuses, a network from elsewhere takes (`cluscam_lite.models.elsewhere`).
    """
    if (arguments.model is None) == (arguments.onnx is None):
        given = "two networks" if arguments.model else "no network"
        raise CluscamError(f"{given}: give either --model NAME, see `cluscam models`, or --onnx FILE")
    of_files = arguments.onnx is not None
    if not of_files:
        return check_input(arguments)
    for name, flag in OF_REGISTERED.items():
        if getattr(arguments, name) is not None:
            raise CluscamError(f"{flag} goes with --model; leave it out: a file has its own weights")
    if arguments.mean is None or arguments.std is None:
        raise CluscamError(
            "a network in a file needs the mean and the standard deviation that it was trained with; for most networks "
            "of photographs: --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225"
        )
    if arguments.device not in ("cpu", None):
        raise CluscamError(
            "a network in a file runs on the CPU here; leave --device out, or use OnnxModel(providers=...) in Python"
        )


def check_input(arguments: argparse.Namespace) -> None:
    """Raise CluscamError for --mean, --std, --size or --classes beside a registered network, which has its own."""
    check_no_file(arguments.model)
    for name, flag in OF_FILES.items():
        if not is_elsewhere(arguments.model) and getattr(arguments, name) is not None:
            raise CluscamError(
                f"{flag} goes with a network from elsewhere or in a file; leave it out: a registered one has its own"
            )


def check_no_file(model: str) -> None:
    """Raise CluscamError for a ``--model`` that is a file, where a network's name is expected."""
    suffix = Path(model).suffix.lower()
    if suffix == ".py":
        raise CluscamError(f"--model {model} names no function; give FILE.py:FUNCTION, which builds the network")
    if suffix in OF_WEIGHTS:
        raise CluscamError(
            f"--model {model} is a file of weights, and no network; give --model NAME --weights FILE, or "
            "FILE.py:FUNCTION, which builds the network and loads them"
        )
    if suffix in OF_RUNTIMES:
        raise CluscamError(f"--model {model} is a network in a file, which explain and compare alone take; give a name")


def network_of_file(arguments: argparse.Namespace) -> LoadedFile:
    """The network of ``--onnx`` with its spec.

    Raises CluscamError for a file, a size or classes that do not fit, and UnknownName for a layer that is not there.
    """
    checked_normalization((tuple(arguments.mean), tuple(arguments.std)), "--mean and --std are", "--std")
    layer = None if arguments.layer in DEFAULT_LAYERS else arguments.layer
    openvino = as_path(arguments.onnx).suffix.lower() == ".xml"
    model_class: type[OnnxModel] | type[OpenVinoModel] = OpenVinoModel if openvino else OnnxModel
    model = model_class(arguments.onnx, layer, size=arguments.size)
    name, kind = model.path.name, model_class.__name__
    if model.size is None:
        raise CluscamError(f"{name} leaves the size of its images free; give --size, such as --size 224")
    if model.size[0] != model.size[1] or model.input.channels not in (None, 3):
        raise CluscamError(
            f"{name} takes {model.input.channels} x {model.size[0]} x {model.size[1]} images; the command line brings "
            f"square ones in colour: use {kind} in Python"
        )
    if model.classes is None:
        raise CluscamError(f"{name} gives no list of classes; use {kind} in Python, with a function as the target")
    spec = ModelSpec(
        name=model.path.stem,
        title=model.path.stem,
        family="file",
        library="onnx",
        build=_no_module,
        weights_id=None,
        input_size=model.size[0],
        resize=model.size[0],
        interpolation="bilinear",
        mean=tuple(arguments.mean),
        std=tuple(arguments.std),
        layers={},
        n_clusters=min(N_CLUSTERS, model.layout.channels if model.layout else N_CLUSTERS),
        drop_ratio=DROP_RATIO,
        temperature=None,
        num_classes=model.classes,
        in_paper=False,
        tier="file",
        classes=class_names(arguments.classes, model.classes),
    )
    source = f"{name}, run by {model.runtime} {version('openvino' if openvino else 'onnxruntime')}"
    return LoadedFile(spec, model, source, _hash(model.files))


def _hash(files: list[Path]) -> str:
    """SHA-256 of a file; of several, that of their hashes: the graph counts as much as its weights."""
    hashes = [sha256(file) for file in files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def class_names(path: str | None, n: int) -> tuple[str, ...]:
    """The names of n classes: the lines of a text file, or "class 0", "class 1", ...

    Raises CluscamError if the file is missing, is no text, or has not n lines.
    """
    if path is None:
        return tuple(f"class {i}" for i in range(n))
    file = as_path(path)
    names = read_lines(file)
    if len(names) != n:
        raise CluscamError(f"{file} has {len(names)} lines for {n} classes; expected one name on each line")
    return names


def read_lines(file: Path) -> tuple[str, ...]:
    """The names of classes in a text file, one on each line. Raises CluscamError if it is missing or no text."""
    try:
        names = file.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except OSError as error:
        raise CluscamError(f"cannot read the classes in {file}: {error.strerror}; give a text file") from None
    except UnicodeDecodeError:
        raise CluscamError(f"{file} is no text in UTF-8; expected one name of a class on each line") from None
    return tuple(name.strip() for name in names)


def _no_module() -> nn.Module:
    raise CluscamError("a network in a file is no torch module and cannot be built anew; use OnnxModel")
