"""A cell's rows, some images at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from analysis.engine import Cell
from analysis.studies.batching.machine import Machine
from analysis.studies.batching.pictures import Picture, groups_of
from cluscam_lite import load_dataset
from cluscam_lite.datasets.sample import Samples
from cluscam_lite.device import in_precision
from cluscam_lite.models import LoadedModel

PASSES_IN = "passes_in"  # the setting of a cell whose network runs in another precision than float32
Row = dict[str, Any]
RowsOf = Callable[[Cell, LoadedModel, Sequence[Picture]], list[list[Row]]]


def rows_of_cell(
    cell: Cell,
    model: LoadedModel,
    rows_of: RowsOf,
    progress: Callable[[int], None],
    samples: Samples | None = None,
    donors: Samples | None = None,
) -> list[Row]:
    """The rows of the cell's images, in their order.

    Args:
        cell: whose `settings` name the preprocessing, and the donors where there are any.
        model: its network.
        rows_of: the rows of each of some images, in their order.
        progress: told how many images are done.
        samples, donors: the data set's images, and those that lend their masks; None: what the cell names.

    Raises:
        CluscamError: what `rows_of` raises, or one image that does not fit in the device's memory.
    """
    if samples is None:
        samples = load_dataset(cell.dataset, part=cell.part)
        donors = load_dataset(cell.dataset, part=cell.settings["donor_part"]) if "donors" in cell.settings else None
    preprocess = model.spec.preprocess(cell.settings.get("preprocess", "standard"))
    done, rows = 0, list[Row]()
    if Machine.here().channels_last:
        model.module.to(memory_format=torch.channels_last)
    with in_precision(model.module, cell.settings.get(PASSES_IN, "float32")):
        for group in groups_of(cell, model, preprocess, samples, donors):
            for mine in rows_of(cell, model, group):
                rows += mine
            done += len(group)
            progress(done)
    return rows
