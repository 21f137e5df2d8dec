"""What is changed before an image is explained again, and how two maps of it are compared in one frame.

A change that should not matter: of the method's random numbers, of how its passes are grouped, of a setting that has
no right value, or of the picture by less than a person would notice.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from analysis.engine import Cell
from cluscam_lite.errors import check_known
from cluscam_lite.methods import method_info
from cluscam_lite.metrics import correlation, overlap, rank_correlation

BASE = "none"
QUALITY, SCALE = 75, 0.9


@dataclass(frozen=True)
class Perturbation:
    """One change. `kind`: what of the run it concerns, "seed", "grouping", "setting" or "picture".

    `needs` is a setting that the method must have, and `value` what it becomes (what is added to the seed or to K).
    `picture` changes the RGB image before the network's preprocessing; the input is then moved `shift` pixels to the
    right, its left border repeated. `beside`: explained in one call with its mirror image.
    """

    name: str
    kind: str
    needs: str = ""
    value: Any = None
    picture: Callable[[Image.Image], Image.Image] | None = None
    shift: int = 0
    beside: bool = False

    def fits(self, method: str) -> bool:
        """Whether a method has what is changed; a chunk of masks is none of a method that takes images side by side."""
        chunk_of_images = self.needs == "batch_size" and method.startswith("opticam")
        return (not self.needs or self.needs in method_info(method).parameters) and not chunk_of_images

    def cell(self, cell: Cell) -> Cell:
        """The cell with the setting or the seed changed."""
        if self.needs == "seed":
            return replace(cell, seed=cell.seed + self.value)
        value = cell.settings["K"] + self.value if self.needs == "n_clusters" else self.value
        return replace(cell, settings=cell.settings | {self.needs: value}) if self.needs else cell

    def inputs(self, image: Image.Image, preprocess: Callable[[Image.Image], Tensor]) -> Tensor:
        """What is explained, (1, 3, H, W); with its mirror image behind it, (2, 3, H, W), if `beside`."""
        x = preprocess(self.picture(image) if self.picture else image)[None]
        x = shifted(x, self.shift)
        return torch.cat([x, x.flip(-1)]) if self.beside else x


def shifted(x: Tensor, pixels: int) -> Tensor:
    """Images (..., W) moved to the right; what comes in at the left repeats the border."""
    return torch.cat([x[..., :1].expand(*x.shape[:-1], pixels), x[..., : x.shape[-1] - pixels]], -1)


def saved_as_jpeg(image: Image.Image, quality: int = QUALITY) -> Image.Image:
    """The picture as it comes back from a JPEG file of that quality."""
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def made_smaller(image: Image.Image, scale: float = SCALE) -> Image.Image:
    """The picture at a fraction of its width and height; the network's preprocessing enlarges it again if it must."""
    width, height = (max(1, round(scale * side)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


PERTURBATIONS = {
    one.name: one
    for one in (
        *(Perturbation(f"seed {n}", "seed", "seed", n) for n in (1, 2, 3, 4)),
        Perturbation("back end", "seed", "backend", "torch"),
        Perturbation("chunk 1", "grouping", "batch_size", 1),
        Perturbation("chunk 2", "grouping", "batch_size", 2),
        Perturbation("beside", "grouping", beside=True),
        *(Perturbation(f"shift {n}", "picture", shift=n) for n in (1, 2, 4, 8)),
        Perturbation(f"jpeg {QUALITY}", "picture", picture=saved_as_jpeg),
        Perturbation(f"size {SCALE}", "picture", picture=made_smaller),
        *(Perturbation(f"fill {fill}", "setting", "fill", fill) for fill in ("black", "blur")),
        Perturbation("K - 1", "setting", "n_clusters", -1),
        Perturbation("K + 1", "setting", "n_clusters", 1),
    )
}


def perturbation(name: str) -> Perturbation:
    """The change of that name, `BASE` being none. Raises UnknownName for another."""
    if name == BASE:
        return Perturbation(BASE, BASE)
    check_known("perturbation", name, PERTURBATIONS)
    return PERTURBATIONS[name]


def agreement(base: Tensor, other: Tensor, shift: int = 0) -> dict[str, float]:
    """How alike a map (H, W) and that of the image moved `shift` pixels to the right are, on what both have seen."""
    ours, theirs = base[:, : base.shape[1] - shift], other[:, shift:]
    return {
        "correlation": correlation(ours, theirs),
        "rank": rank_correlation(ours, theirs),
        "overlap": overlap(ours, theirs),
    }
