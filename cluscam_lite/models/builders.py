"""Building networks with random weights. The libraries are imported when one is built, not before."""

from collections.abc import Callable
from typing import Any, cast

from torch import nn

from ..packages import from_extra


def build_torchvision(name: str, **options: Any) -> nn.Module:
    """torchvision's network `name`, without a download."""
    with from_extra("models"):
        import torchvision

    network: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return network


def build_timm(name: str, **options: Any) -> nn.Module:
    """timm's network `name`, without a download."""
    with from_extra("models"):
        import timm

    return timm.create_model(name, pretrained=False, **options)


def fuse(network: nn.Module) -> nn.Module:
    """The same function with its parallel branches folded into single convolutions, as MobileOne is deployed."""
    with from_extra("models"):
        from timm.utils.model import reparameterize_model

    return reparameterize_model(network.eval())


def build_fused_timm(name: str) -> nn.Module:
    """timm's network `name`, re-parameterised."""
    return fuse(build_timm(name))


def build_resnet50_v1() -> nn.Module:
    """ResNet-50 with the stride in the first 1 x 1 convolution of a stage (He et al. 2016), not in the 3 x 3.

    torchvision builds the other form, sometimes called v1.5. The weights differ; the shapes do not.
    """
    network = build_torchvision("resnet50")
    for stage in ("layer2", "layer3", "layer4"):
        cast(nn.Conv2d, network.get_submodule(f"{stage}.0.conv1")).stride = (2, 2)
        cast(nn.Conv2d, network.get_submodule(f"{stage}.0.conv2")).stride = (1, 1)
    return network


def build_embedded(name: str) -> nn.Module:
    """One of this project's own networks for icon scenes or brain phantoms."""
    from . import embedded

    build: Callable[[], nn.Module] = getattr(embedded, name)
    return build()
