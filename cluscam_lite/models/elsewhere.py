"""Networks that are in no table here: any of timm or torchvision by its name, or what a function in a file builds.

`timm:NAME` and `torchvision:NAME` bring what their library says of the input (size, crop, mean, standard deviation);
of ``file.py:build`` the user says it. The layer is the deepest that gives maps, and K is 30 or the number of maps:
nobody has tuned them.
"""

import importlib.util
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from ..algorithm.features import HookedModel, logits_of
from ..errors import CluscamError, reason_of, unknown
from ..files import sha256
from ..packages import from_extra
from .builders import build_timm, build_torchvision
from .loaded import LoadedModel, with_random_weights
from .spec import ModelSpec, Triple

LIBRARIES = ("timm", "torchvision")
OWN = "python"  # the `library` of a network that a function in a file builds
N_CLUSTERS, DROP_RATIO = 30, 0.37  # the defaults of ClusCAM
PHOTOGRAPHS = "for most networks of photographs: --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225"


@dataclass(frozen=True)
class Given:
    """What the user says of a network's input and classes; None where the library is to say it.

    Attributes:
        mean, std: of the input's three channels, in [0, 1].
        size: side of the input in pixels.
        classes: names of the classes, in the order of the logits.
    """

    mean: Triple | None = None
    std: Triple | None = None
    size: int | None = None
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class _Usual:
    """What a library, or a habit, says of a network."""

    build: Callable[[], nn.Module]
    size: int = 224
    resize: int = 224
    interpolation: str = "bilinear"
    mean: Triple | None = None
    std: Triple | None = None
    weights_id: str | None = None
    classes: tuple[str, ...] | None = None


def is_elsewhere(name: object) -> bool:
    """Whether `name` reads ``timm:NAME``, ``torchvision:NAME`` or ``FILE.py:FUNCTION``."""
    before, colon, _ = str(name).rpartition(":")
    return bool(colon) and (before in LIBRARIES or before.endswith(".py"))


def elsewhere_spec(name: str, given: Given | None = None) -> ModelSpec:
    """The spec of a network by such a name. The network is built once, with random weights, to find its layer.

    Args:
        name: as `is_elsewhere` knows it.
        given: what the user says; it goes before what the library says.

    Raises:
        UnknownName: the library has no such network, or the file no such function.
        CluscamError: no mean or standard deviation is known, a value is out of range, the file fails, or the network
            takes no images of that size or gives no logits.
    """
    given = given or Given()
    source, _, rest = name.rpartition(":")
    usual = {"timm": _of_timm, "torchvision": _of_torchvision}.get(source, partial(_of_file, source))(rest)
    mean, std = given.mean or usual.mean, given.std or usual.std
    if mean is None or std is None:
        raise CluscamError(
            f"{name} does not say with which mean and standard deviation it was trained; give --mean and --std, "
            f"{PHOTOGRAPHS}"
        )
    if any(not math.isfinite(value) for value in (*mean, *std)) or min(std) <= 0:
        raise CluscamError(f"--mean and --std are {[*mean]} and {[*std]}; expected numbers, --std above 0")
    size = given.size or usual.size
    short = name if source in LIBRARIES else f"{Path(source).name}:{rest}"  # without a folder of this machine
    network = with_random_weights(usual.build)
    layer, n_maps, n_classes = _looked_at(network, name, size)
    classes = given.classes or (usual.classes if len(usual.classes or ()) == n_classes else None)
    if given.classes is not None and len(given.classes) != n_classes:
        raise CluscamError(
            f"there are {len(given.classes)} names for the {n_classes} classes of {name}; give one for each"
        )
    return ModelSpec(
        name=short,
        title=rest if source in LIBRARIES else short,
        family="elsewhere",
        library=source if source in LIBRARIES else OWN,
        build=usual.build,
        weights_id=usual.weights_id,
        input_size=size,
        resize=round(usual.resize * size / usual.size),
        interpolation=usual.interpolation,
        mean=mean,
        std=std,
        layers={"paper": layer, "last": layer},
        n_clusters=min(N_CLUSTERS, n_maps),
        drop_ratio=DROP_RATIO,
        temperature=None,
        num_classes=n_classes,
        in_paper=False,
        tier="file",
        classes=classes or tuple(f"class {i}" for i in range(n_classes)),
    )


@dataclass(frozen=True)
class OwnBuild:
    """The function of a file that builds a network, called without arguments; raises CluscamError if it fails."""

    file: Path
    function: Callable[[], Any]
    name: str

    def __call__(self) -> nn.Module:
        """The network, whatever the function gives it as weights."""
        try:
            network = self.function()
        except Exception as error:
            raise CluscamError(
                f"{self.name}() of {self.file.name} fails with {type(error).__name__}: {reason_of(error)}; expected a "
                "function that is called without arguments and gives the network"
            ) from error
        if not isinstance(network, nn.Module):
            raise CluscamError(
                f"{self.name}() of {self.file.name} gives a {type(network).__name__}; expected a torch module, the "
                "network"
            )
        return network


def load_own(spec: ModelSpec, seed: int = 0) -> LoadedModel:
    """The network of a function in a file, with the weights that the function gives it; `seed` of what it draws."""
    build = spec.build
    assert isinstance(build, OwnBuild)  # of every spec whose library is `OWN`
    network = with_random_weights(build, seed)
    return LoadedModel(spec, network, f"built by {build.name} of {build.file.name} (seed {seed})", sha256(build.file))


def _of_timm(name: str) -> _Usual:
    with from_extra("models"):
        import timm

    if not timm.is_model(name):
        raise unknown("network of timm", name, timm.list_models())
    config: Any = timm.get_pretrained_cfg(name)
    usual = _Usual(partial(build_timm, name))
    if config is None:
        return usual
    channels, height, width = config.input_size
    if channels != 3 or height != width:
        raise CluscamError(
            f"timm:{name} takes {channels} x {height} x {width} images; the command line brings square ones in "
            "colour: use ClusCAM in Python"
        )
    hub = config.hf_hub_id or ""
    classes = None
    if config.num_classes == 1000:
        from ..datasets.imagenet import imagenet_classes

        classes = imagenet_classes()
    return replace(
        usual,
        size=height,
        resize=math.floor(height / (config.crop_pct or 1)),
        interpolation="bilinear" if config.interpolation == "bilinear" else "bicubic",
        mean=tuple(config.mean),
        std=tuple(config.std),
        weights_id=hub.removeprefix("timm/") if hub.startswith("timm/") else None,
        classes=classes,
    )


def _of_torchvision(name: str) -> _Usual:
    with from_extra("models"):
        from torchvision import models

    known = models.list_models(module=models)  # of classification: the others are in folders below
    if name not in known:
        raise unknown("network of torchvision", name, known)
    weights: Any = models.get_model_weights(name).DEFAULT
    crop = weights.transforms()
    options = {"init_weights": False} if name in ("inception_v3", "googlenet") else {}
    if options:
        options["transform_input"] = True  # the published weights expect inputs rescaled inside the network
    return _Usual(
        partial(build_torchvision, name, **options),
        size=crop.crop_size[0],
        resize=crop.resize_size[0],
        interpolation=crop.interpolation.value,
        mean=tuple(crop.mean),
        std=tuple(crop.std),
        weights_id=str(weights),
        classes=tuple(weights.meta["categories"]),
    )


def _of_file(path: str, function: str) -> _Usual:
    file = Path(path).expanduser()
    if not file.is_file():
        raise CluscamError(f"there is no file {file}; give FILE.py:FUNCTION, a function that builds the network")
    module = _run_file(file)
    build = getattr(module, function, None)
    if not callable(build):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown(f"function of {file.name}", function, functions)
    return _Usual(OwnBuild(file, build, function))


def _run_file(file: Path) -> ModuleType:
    """The module of a file, with its folder first among the places that it imports from, as Python runs a script."""
    spec = importlib.util.spec_from_file_location(f"_cluscam_{file.stem}", file)
    assert spec is not None and spec.loader is not None  # the name ends with .py
    module = importlib.util.module_from_spec(spec)
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CluscamError(f"{file.name} cannot be run: {type(error).__name__}: {reason_of(error)}; mend it") from error
    finally:
        sys.path.remove(folder)
    return module


@torch.no_grad()
def _looked_at(network: nn.Module, name: str, size: int) -> tuple[str, int, int]:
    """The deepest layer that gives maps, how many maps it gives, and the number of classes."""
    x = torch.zeros(1, 3, size, size)
    try:
        output = logits_of(network(x))
    except Exception as error:
        raise CluscamError(
            f"{name} cannot be run on an image of {size} x {size} pixels: {reason_of(error)}; give --size"
        ) from error
    if not isinstance(output, Tensor) or output.ndim != 2:
        shape = f"a tensor {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise CluscamError(
            f"{name} gives {shape}; expected logits (B, C): use ClusCAM in Python, with a function as the target"
        )
    layer, layout = HookedModel(network).find_layer(x)
    return layer, layout.channels, output.shape[1]
