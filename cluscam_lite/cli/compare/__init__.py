"""``cluscam compare``: several methods on one image, side by side."""

from .command import compare

__all__ = ["compare"]
