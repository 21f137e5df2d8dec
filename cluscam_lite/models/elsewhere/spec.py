"""The spec of a network from elsewhere: what its source says, what the user says, and what one pass shows."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from ...algorithm.clustering import N_CLUSTERS
from ...algorithm.features import HookedModel
from ...algorithm.given import checked_normalization
from ...algorithm.maps.outputs import OF_CHANNELS, class_logits
from ...errors import CluscamError, reason_of
from ..loaded import with_random_weights
from ..spec import ModelSpec, Triple
from .hugging_face import of_transformers
from .libraries import of_timm, of_torchvision
from .own import OWN, of_file

LIBRARIES = ("timm", "torchvision", "hf")
DROP_RATIO = 0.37  # the default of ClusCAM
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


def is_elsewhere(name: object) -> bool:
    """Whether `name` reads ``timm:NAME``, ``torchvision:NAME``, ``hf:NAME`` or ``FILE.py:FUNCTION``."""
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
    readers = {"timm": of_timm, "torchvision": of_torchvision, "hf": of_transformers}
    usual = readers.get(source, partial(of_file, source))(rest)
    mean, std = given.mean or usual.mean, given.std or usual.std
    if mean is None or std is None:
        raise CluscamError(
            f"{name} does not say with which mean and standard deviation it was trained; give --mean and --std "
            f"to `cluscam explain` or `compare`, or Given(mean=..., std=...) in Python, {PHOTOGRAPHS}"
        )
    checked_normalization((mean, std), "--mean and --std are", "--std")
    size = given.size or usual.size
    short = name if source in LIBRARIES else f"{Path(source).name}:{rest}"  # without a folder of this machine
    if source == "hf" and Path(rest).is_dir():
        short = f"hf:{Path(rest).name}"
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
        resize=None if usual.resize is None else round(usual.resize * size / usual.size),
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


@torch.no_grad()
def _looked_at(network: nn.Module, name: str, size: int) -> tuple[str, int, int]:
    """The deepest layer that gives maps, how many maps it gives, and the number of classes."""
    x = torch.zeros(1, 3, size, size)
    try:
        output = class_logits(network(x))
    except Exception as error:
        advice = "where it takes another size, give --size (in Python Given(size=...))"
        if OF_CHANNELS in str(error):
            advice = "the command line brings images in colour, of three channels: use ClusCAM in Python"
        raise CluscamError(
            f"{name} cannot be run on an image of {size} x {size} pixels: {reason_of(error)}; {advice}"
        ) from error
    if not isinstance(output, Tensor) or output.ndim != 2:
        shape = f"a tensor {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise CluscamError(
            f"{name} gives {shape}; expected logits (B, C): use ClusCAM in Python, with a function as the target"
        )
    layer, layout = HookedModel(network).find_layer(x)
    return layer, layout.channels, output.shape[1]
