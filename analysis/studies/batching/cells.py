"""A cell's rows, some images at a time."""

from collections.abc import Callable, Sequence
from typing import Any

from analysis.engine import Cell
from analysis.studies.batching.pictures import Picture, groups_of
from cluscam_lite import load_dataset
from cluscam_lite.datasets.sample import Samples
from cluscam_lite.models import LoadedModel

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
    for group in groups_of(cell, model, preprocess, samples, donors):
        for mine in rows_of(cell, model, group):
            rows += mine
        done += len(group)
        progress(done)
    return rows
