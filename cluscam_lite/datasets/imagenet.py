"""The 1,000 classes of ILSVRC, in sorted-synset order (the order of every network's logits here)."""

from functools import lru_cache

from ..packages import from_extra


@lru_cache(maxsize=1)
def imagenet_classes() -> tuple[str, ...]:
    """English names of the classes 0 to 999, from torchvision's public metadata (no download)."""
    with from_extra("models"):
        from torchvision.models import ResNet18_Weights

    return tuple(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])
