"""The images of a cell as the network takes them: decoded and resized once, ahead of the device."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from analysis.engine import Cell
from analysis.studies.batching.machine import Machine
from analysis.studies.batching.memory import Shrinking
from cluscam_lite.dataroot import VARIABLE
from cluscam_lite.datasets.sample import Box, Sample, Samples
from cluscam_lite.models import LoadedModel, Preprocess

ROOM = 256 * 2**20  # bytes of pictures that a process keeps for the next cells of the same network


@dataclass(frozen=True, eq=False)
class Picture:
    """One image, as a network of a cell takes it, and what the rows say of it.

    Attributes:
        image_id, label, boxes, width, height: as in `cluscam_lite.datasets.sample.Sample`.
        image_size: (width, height) of the picture that was preprocessed, which may be a smaller copy of the original.
        x: (3, H, W), normalised, on the CPU.
        donor: (3, H, W), the image that lends its masks; None where there is none.
        key: what tells the input from all others: data set, part, preprocessing, name.
    """

    image_id: str
    label: int | None
    boxes: tuple[Box, ...]
    width: int
    height: int
    image_size: tuple[int, int]
    x: Tensor
    donor: Tensor | None = None
    key: tuple[Any, ...] = ()

    def pin_memory(self) -> "Picture":
        """The same with tensors in page-locked memory, from which a GPU copies faster (what a `DataLoader` calls)."""
        donor = None if self.donor is None else self.donor.pin_memory()
        return replace(self, x=self.x.pin_memory(), donor=donor)


def picture_of(sample: Sample, preprocess: Preprocess, donor: Tensor | None = None) -> Picture:
    """A sample as a picture."""
    about = (sample.image_id, sample.label, sample.boxes, sample.width, sample.height, sample.image.size)
    return Picture(*about, preprocess(sample.image), donor)


@dataclass
class Kept:
    """What cells of one network leave for the next: pictures, while there is room, and the logits of whole images.

    `fits` has what was found of the device's memory.
    """

    pictures: dict[tuple[Any, ...], Picture] = field(default_factory=dict)
    logits: dict[tuple[Any, ...], Tensor] = field(default_factory=dict)
    fits: dict[tuple[str, int], Shrinking] = field(default_factory=dict)
    room: int = ROOM

    def keep(self, key: tuple[Any, ...], picture: Picture) -> None:
        """Keep the picture if there is room for it."""
        size = sum(values.nbytes for values in (picture.x, picture.donor) if values is not None)
        if key not in self.pictures and size <= self.room:
            self.pictures[key] = picture
            self.room -= size

    def fitting(self, about: str, size: int, what: str, least: int = 1) -> Shrinking:
        """How many of `what` are done at once: `size`, until the device has been found to take fewer."""
        return self.fits.setdefault((about, size), Shrinking(size, what, least))


_KEPT: WeakKeyDictionary[nn.Module, Kept] = WeakKeyDictionary()


def kept(model: LoadedModel) -> Kept:
    """What is kept for a network; it goes when the network goes."""
    return _KEPT.setdefault(model.module, Kept())


def forget(model: LoadedModel) -> None:
    """Keep nothing for a network, as at the start of a process."""
    _KEPT.pop(model.module, None)


def groups_of(
    cell: Cell, model: LoadedModel, preprocess: Preprocess, samples: Samples, donors: Samples | None
) -> Iterator[list[Picture]]:
    """The pictures of a cell in its order, as many at a time as share passes on this machine.

    `donors` are the images among which the cell's `donors` are; None for a method that takes none.
    """
    device, machine, store = device_of(model), Machine.here(), kept(model)
    lenders = cell.settings["donors"] if donors is not None else [None] * len(cell.images)
    where = (cell.dataset, cell.part, cell.settings.get("split"), preprocess, os.environ.get(VARIABLE))
    keys = [(*where, *pair) for pair in zip(cell.images, lenders, strict=True)]
    missing = [key[-2:] for key in keys if key not in store.pictures]
    coming = iter(_loader(_Ahead(missing, samples, donors, preprocess), machine.workers(device), device))
    group: list[Picture] = []
    size = 0
    for key in keys:
        picture = store.pictures.get(key) or replace(next(coming), key=key[:-1])  # whoever lends it masks
        store.keep(key, picture)
        size = size or machine.group(picture.x[None].to(device))
        group.append(picture)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def device_of(model: LoadedModel) -> torch.device:
    """Where the network is."""
    return next(model.module.parameters()).device


class _Ahead(Dataset):
    """Pictures by number, each read, decoded and preprocessed when it is asked for, in whatever process."""

    def __init__(
        self,
        wanted: Sequence[tuple[str, str | None]],
        samples: Samples,
        donors: Samples | None,
        preprocess: Preprocess,
    ):
        self.wanted, self.samples, self.donors, self.preprocess = wanted, samples, donors, preprocess

    def __len__(self) -> int:
        return len(self.wanted)

    def __getitem__(self, i: int) -> Picture:
        image_id, lender = self.wanted[i]
        donor = None
        if self.donors is not None and lender is not None:
            donor = self.preprocess(self.donors.of_id(lender).image)
        return picture_of(self.samples.of_id(image_id), self.preprocess, donor)


def _loader(pictures: _Ahead, workers: int, device: torch.device) -> DataLoader:
    """What reads the pictures in their order, ahead of who asks, if there are workers."""
    ahead = {"num_workers": min(workers, len(pictures)), "pin_memory": device.type == "cuda"}
    return DataLoader(pictures, batch_size=None, collate_fn=_as_it_is, **ahead)


def _as_it_is(picture: Picture) -> Picture:
    return picture
