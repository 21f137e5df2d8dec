"""An image classifier of transformers, by its name on the hub or its folder."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from ...errors import CluscamError, reason_of
from ...packages import hugging_face_reachable
from ..loaded import LoadedModel, network_hash
from ..spec import ModelSpec
from .usual import Usual

OF_INPUTS = ("preprocessor_config.json", "processor_config.json")  # say how images become inputs


@dataclass(frozen=True)
class Configured:
    """Builds the network of a configuration, with random weights; `name` is where its published weights are."""

    name: str
    configuration: Any

    def __call__(self) -> nn.Module:
        """The network."""
        network: nn.Module = _transformers().AutoModelForImageClassification.from_config(self.configuration)
        return network


def load_transformers(spec: ModelSpec) -> LoadedModel:
    """The network of ``hf:NAME`` with its published weights, from a folder or the hub. Raises CluscamError if not."""
    build = spec.build
    assert isinstance(build, Configured)  # of every spec whose library is "hf"
    read = partial(_transformers().AutoModelForImageClassification.from_pretrained, use_safetensors=True)
    network = _asked_for(build.name, read)
    network = network.float().eval()
    return LoadedModel(spec, network, f"transformers, {Path(build.name).name}", network_hash(network))


def of_transformers(name: str) -> Usual:
    library = _transformers()
    config = _asked_for(name, library.AutoConfig.from_pretrained)
    labels = config.id2label
    classes = tuple(str(labels[i]) for i in range(len(labels)))
    if Path(name).is_dir() and not any((Path(name) / file).is_file() for file in OF_INPUTS):
        alone = Usual(Configured(name, config), classes=classes)  # saved by itself: the user says the rest
        own = getattr(config, "image_size", None)
        return replace(alone, size=own, resize=own) if isinstance(own, int) else alone
    inputs = _asked_for(name, library.AutoImageProcessor.from_pretrained)
    sides, crop = dict(inputs.size), dict(getattr(inputs, "crop_size", None) or {})
    edge = sides.get("shortest_edge")
    shown = crop if getattr(inputs, "do_center_crop", False) else sides
    size = shown.get("height", edge)
    if not isinstance(size, int) or size != shown.get("width", size):
        raise CluscamError(f"hf:{name} takes no square images of one size; use ClusCAM in Python")
    return Usual(
        Configured(name, config),
        size=size,
        resize=edge,
        interpolation="bicubic" if int(inputs.resample) == 3 else "bilinear",  # Pillow's numbers
        mean=tuple(inputs.image_mean),
        std=tuple(inputs.image_std),
        classes=classes,
    )


def _transformers() -> Any:
    try:
        return importlib.import_module("transformers")
    except ModuleNotFoundError as error:
        missing = (error.name or "transformers").partition(".")[0]
        raise CluscamError(
            f"hf:NAME needs the package {missing}, which is not installed; pip install 'cluscam-lite[hf]'"
        ) from error


def _asked_for(name: str, read: Callable[..., Any]) -> Any:
    # without a network transformers would try again and again, half a minute for each file
    here_alone = Path(name).is_dir() or not hugging_face_reachable()
    try:
        return read(name, local_files_only=here_alone)
    except (OSError, ValueError) as error:
        raise CluscamError(
            f"transformers has no image classifier {name!r} here and cannot fetch it ({reason_of(error)}); give a name "
            "of the hub, where there is a network, or a folder"
        ) from error
