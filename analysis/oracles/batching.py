"""Time of the batched path against one image after the other: the same cells, in turn, in one process.

Seconds are those that the processor spent on this process, so that others on the machine count little. Each method's
cell is made by either path in turn; the batched one finds what earlier cells of the same images have left, as in a run.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import torch

from analysis.engine import Cell
from analysis.oracles.one_by_one import rows_of_image
from analysis.studies.batching.cells import rows_of_cell
from analysis.studies.batching.pictures import forget
from analysis.studies.explaining import donors_of, images_of, lending, loaded
from analysis.studies.map_study import map_rows
from analysis.studies.plan import Plan, layer_of
from analysis.studies.plans.file import groups_of_methods
from cluscam_lite import load_dataset
from cluscam_lite.models import LoadedModel

PLACES = {"mobileone_s0": "paper", "vit_tiny_patch16_224": "last"}
DATASET, PART, DONORS = "ilsvrc", "tune", "pilot"
METHODS = (*groups_of_methods()["cheap"], "reciprocam")
# methods whose map costs less than its evaluation, eight images, and is not made by masking the image
FEW_PASSES = 8
AT_LEAST, CHEAP_AT_LEAST = 0.97, 1.3  # times as fast; the first leaves room for what a measurement wavers


def batching_table(
    root: str | None = None,
    n_images: int = 20,
    repeats: int = 2,
    places: dict[str, str] | None = None,
    methods: Sequence[str] = METHODS,
    dataset: str = DATASET,
) -> pd.DataFrame:
    """Milliseconds of CPU per image of either path, and their ratio, for each network and method.

    Args:
        root: of the data; None takes what the environment names.
        n_images: in a cell.
        repeats: of all cells; medians are given.
        places: network -> layer; None: those that the paper's tables need most.
        methods: names of the registry.
        dataset: of the images; all but "ilsvrc" have the parts "test" and "train".
    """
    part, lenders = (PART, DONORS) if dataset == DATASET else ("test", "train")
    rows = []
    for name, layer in (places or PLACES).items():
        model = loaded(name)
        cells = [_cell(name, layer, method, n_images, (dataset, part, lenders)) for method in methods]
        seconds = {cell.method: ([], []) for cell in cells}
        passes: dict[str, int] = {}
        for _ in range(repeats):
            forget(model)
            for cell in cells:
                found: list[Any] = [None, None]
                for path, make in enumerate((one_by_one, together)):
                    taken, found[path] = _timed(partial(make, cell, model))
                    seconds[cell.method][path].append(taken)
                passes[cell.method] = max(int(row.get("forward_passes", 0)) for row in found[0])
        for cell in cells:
            alone, batched = (1e3 * statistics.median(taken) / n_images for taken in seconds[cell.method])
            rows.append(_row(cell, passes[cell.method], alone, batched))
    return pd.DataFrame(rows)


def one_by_one(cell: Cell, model: LoadedModel) -> list[dict[str, Any]]:
    """The cell's rows by the oracle."""
    images = images_of(cell, lambda _: None)
    return [row for sample, donor in images for row in rows_of_image(cell, model, sample, donor)]


def together(cell: Cell, model: LoadedModel) -> list[dict[str, Any]]:
    """The cell's rows as the studies make them."""
    return rows_of_cell(cell, model, map_rows, lambda _: None)


def _cell(name: str, layer: str, method: str, n_images: int, where: tuple[str, str, str]) -> Cell:
    dataset, part, lenders = where
    samples, plan = load_dataset(dataset, part=part, n=n_images), Plan(dataset, part, lenders, ())
    settings = {"weights": loaded(name).sha256, "preprocess": "standard"}
    settings |= lending(plan, donors_of(plan, method, samples), samples.ids)
    return Cell("faithfulness", 1, dataset, part, name, layer_of(method, name, layer), method, samples.ids,
                settings=settings)  # fmt: skip


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def _row(cell: Cell, passes: int, alone: float, batched: float) -> dict[str, Any]:
    cheap = 0 < passes <= FEW_PASSES
    least = CHEAP_AT_LEAST if cheap else AT_LEAST
    return {
        "model": cell.model,
        "method": cell.method,
        "passes": passes,
        "one by one, ms": alone,
        "batched, ms": batched,
        "times as fast": alone / batched,
        "at least": least,
        "threads": torch.get_num_threads(),
        "pass": alone / batched >= least,
    }
