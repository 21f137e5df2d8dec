"""The Alzheimer slices as a data set: 6,400 grey axial slices of four classes (Falah/Alzheimer_MRI).

No file says which slices are of one patient. `split="components"` keeps near-duplicates in one part; the paper's split,
which is the public one, does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np

from ...dataroot import data_root as find_data_root
from ...errors import check_known
from ...files import PathLike
from ..greys import colour_image
from ..sample import Sample, Samples, first
from .duplicates import components, features, pairs_above
from .source import CLASSES, ROWS, SIDE, public_splits
from .splits import component_parts, paper_parts

NAME = "alzheimer_mri"
SPLITS = ("paper", "components")
# At any threshold from 0.965 to 0.9825 the 6,400 slices fall into the same 200 components (the Alzheimer chapter).
THRESHOLD = 0.975
SHARES = {"train": 0.80, "validation": 0.06, "test": 0.14}  # of the components; in images about the paper's split


@dataclass(frozen=True, eq=False)
class Collection:
    """All slices, those of the public train split first: `pixels` (6400, 128, 128) uint8, `labels` (6400,), `ids`."""

    pixels: np.ndarray
    labels: np.ndarray
    ids: tuple[str, ...]

    @cached_property
    def number(self) -> dict[str, int]:
        """Id -> number of the slice."""
        return {image_id: i for i, image_id in enumerate(self.ids)}

    @cached_property
    def components(self) -> np.ndarray:
        """The component of near-duplicates of each slice, (6400,) int64."""
        i, j, _ = pairs_above(features(self.pixels), THRESHOLD)
        return components(len(self.ids), i, j)

    def parts(self, split: str = "paper") -> dict[str, np.ndarray]:
        """Part -> the numbers of its slices in its order. Raises UnknownName for another split."""
        check_known("split of the Alzheimer slices", split, SPLITS)
        if split == "components":
            return component_parts(self.labels, self.components, SHARES)
        n = sum(image_id.startswith("train") for image_id in self.ids)
        return paper_parts({"train": self.labels[:n], "test": self.labels[n:]})


def collection(data_root: PathLike | None = None, source: str | None = None) -> Collection:
    """The slices, decoded and checked; they are read once. Raises what `public_splits` raises."""
    return _collection(find_data_root(data_root), source)


@lru_cache(maxsize=2)
def _collection(root: Path | None, source: str | None) -> Collection:
    splits = public_splits(root, source)
    return Collection(
        np.concatenate([splits[name].pixels for name in ROWS]),
        np.concatenate([splits[name].labels for name in ROWS]),
        tuple(f"{name}-{row:05d}" for name in ROWS for row in range(len(splits[name].labels))),
    )


def load_alzheimer(
    data_root: PathLike | None = None,
    part: str | None = None,
    n: int | None = None,
    source: str | None = None,
    split: str = "paper",
) -> Samples:
    """The slices of a part, as RGB images of 128 x 128 pixels with three equal channels.

    Args:
        data_root: the folder with `alzheimer_mri/`; None: `$CLUSCAM_DATA`.
        part: "train", "validation", "test", or, of the paper's split, "public_test" or "table6" (see
            `splits.paper_parts`); None: all 6,400 slices.
        n: how many slices, from the first on; None: all.
        source: "dataroot", "hub", or None for the first that there is.
        split: "paper" or "components".

    Returns:
        The slices; the id of each is its public split and its row there.

    Raises:
        UnknownName: there is no such part, source or split.
        CluscamError: the slices are missing, or fewer than `n`.
    """
    found = collection(data_root, source)
    numbers: Sequence[int] | np.ndarray = range(len(found.ids))
    where = "the Alzheimer data set"
    if part is not None:
        parts = found.parts(split)
        check_known("part", part, parts)
        numbers, where = parts[part], f"part {part!r} of {where}"
    ids = first([found.ids[i] for i in numbers], n, where)
    return Samples(NAME, ids, CLASSES, partial(_read, data_root, source))


def _read(data_root: PathLike | None, source: str | None, image_id: str) -> Sample:
    found = collection(data_root, source)
    i = found.number[image_id]
    return Sample(image_id, colour_image(found.pixels[i], image_id), int(found.labels[i]), (), SIDE, SIDE)
