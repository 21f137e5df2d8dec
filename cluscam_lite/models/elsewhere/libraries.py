"""Any network of timm or torchvision, fed as its published weights want it."""

import math
from dataclasses import replace
from functools import partial
from typing import Any

from ...errors import CluscamError, unknown
from ...packages import from_extra
from ..builders import build_timm, build_torchvision
from .usual import Usual


def of_timm(name: str) -> Usual:
    with from_extra("models"):
        import timm

    if not timm.is_model(name):
        raise unknown("network of timm", name, timm.list_models())
    config: Any = timm.get_pretrained_cfg(name)
    usual = Usual(partial(build_timm, name))
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
        from ...datasets.imagenet import imagenet_classes

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


def of_torchvision(name: str) -> Usual:
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
    return Usual(
        partial(build_torchvision, name, **options),
        size=crop.crop_size[0],
        resize=crop.resize_size[0],
        interpolation=crop.interpolation.value,
        mean=tuple(crop.mean),
        std=tuple(crop.std),
        weights_id=str(weights),
        classes=tuple(weights.meta["categories"]),
    )
