"""What a library, or a habit, says of a network and its input."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ..spec import Triple


@dataclass(frozen=True)
class Usual:
    """What a library, or a habit, says of a network."""

    build: Callable[[], nn.Module]
    size: int = 224
    resize: int | None = 224  # None squashes the whole image
    interpolation: str = "bilinear"
    mean: Triple | None = None
    std: Triple | None = None
    weights_id: str | None = None
    classes: tuple[str, ...] | None = None
