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
from cluscam_lite.errors import BrokenImage, naming
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
        return replace(self, x=self.x.pin_memory())


def picture_of(sample: Sample, preprocess: Preprocess, key: tuple[Any, ...] = ()) -> Picture:
    """A sample as a picture. Raises BrokenImage, with its name, if it cannot be brought to the network's input."""
    about = (sample.image_id, sample.label, sample.boxes, sample.width, sample.height, sample.image.size)
    with naming(sample.image_id):
        return Picture(*about, preprocess(sample.image), key=key)


@dataclass
class Kept:
    """What cells of one network leave for the next: pictures, while there is room, and the logits of whole images.

    `fits` has what was found of the device's memory.
    """

    pictures: dict[tuple[Any, ...], Picture] = field(default_factory=dict)
    logits: dict[tuple[Any, ...], Tensor] = field(default_factory=dict)
    fits: dict[tuple[str, int], Shrinking] = field(default_factory=dict)
    room: int = ROOM

    def keep(self, picture: Picture) -> None:
        """Keep the picture if there is room for it. What is kept stays."""
        if picture.key not in self.pictures and picture.x.nbytes <= self.room:
            self.pictures[picture.key] = picture
            self.room -= picture.x.nbytes

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
    about = (cell.dataset, cell.settings.get("split"), preprocess, os.environ.get(VARIABLE))
    wanted = [(samples, (*about, cell.part, image_id)) for image_id in cell.images]
    if donors is not None:
        lent = [(donors, (*about, cell.settings["donor_part"], image_id)) for image_id in cell.settings["donors"]]
        wanted = [one for pair in zip(wanted, lent, strict=True) for one in pair]
    known = [key in store.pictures for _, key in wanted]  # what is kept stays
    missing = [one for one, is_known in zip(wanted, known, strict=True) if not is_known]
    coming = iter(_loader(_Ahead(missing, preprocess), machine.workers(device), device))
    group: list[Picture] = []
    size = 0
    for number, ((_, key), is_known) in enumerate(zip(wanted, known, strict=True)):
        picture = store.pictures[key] if is_known else next(coming)
        if isinstance(picture, BrokenImage):
            raise picture
        store.keep(picture)
        if donors is not None and number % 2:
            group[-1] = replace(group[-1], donor=picture.x)
        else:
            group.append(picture)
        size = size or machine.group(picture.x[None].to(device))
        if len(group) == size and (donors is None or number % 2):
            yield group
            group = []
    if group:
        yield group


def device_of(model: LoadedModel) -> torch.device:
    """Where the network is."""
    return next(model.module.parameters()).device


Wanted = tuple[Samples, tuple[Any, ...]]  # a data set, and a key that ends with the name of one of its images


class _Ahead(Dataset):
    """Pictures by number, each read, decoded and preprocessed when it is asked for, in whatever process."""

    def __init__(self, wanted: Sequence[Wanted], preprocess: Preprocess):
        self.wanted, self.preprocess = wanted, preprocess

    def __len__(self) -> int:
        return len(self.wanted)

    def __getitem__(self, i: int) -> Picture | BrokenImage:
        samples, key = self.wanted[i]
        try:
            return picture_of(samples.of_id(key[-1]), self.preprocess, key)
        except BrokenImage as error:  # a loader's process would pass on its text alone
            return error


def _loader(pictures: _Ahead, workers: int, device: torch.device) -> DataLoader:
    """What reads the pictures in their order, ahead of who asks, if there are workers."""
    ahead = {"num_workers": min(workers, len(pictures)), "pin_memory": device.type == "cuda"}
    # a generator of its own: torch's global one is left as it was
    return DataLoader(pictures, batch_size=None, collate_fn=_as_it_is, generator=torch.Generator(), **ahead)


def _as_it_is(picture: Picture | BrokenImage) -> Picture | BrokenImage:
    return picture
