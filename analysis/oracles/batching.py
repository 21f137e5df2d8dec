"""Time of the batched path against one image after the other: the same cells, in turn, in one process.

Seconds are those that the processor spent on this process, so that others on the machine count little. Each method's
cell is made by either path in turn; the batched one finds what earlier cells of the same images have left, as in a run.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.engine import Cell
from analysis.engine.contract import named_data_root
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
CHEAP = 1.4  # times what the cheapest method costs, with its evaluation, and less
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
    where = (dataset, PART, DONORS) if dataset == DATASET else (dataset, "test", "train")
    with named_data_root({"data_root": root}):
        found = [_rows(name, layer, methods, n_images, repeats, where) for name, layer in (places or PLACES).items()]
    return pd.concat(found, ignore_index=True)


def _rows(
    name: str, layer: str, methods: Sequence[str], n_images: int, repeats: int, where: tuple[str, str, str]
) -> pd.DataFrame:
    """The rows of one network."""
    model = loaded(name)
    cells = [_cell(name, layer, method, n_images, where) for method in methods]
    seconds: dict[str, tuple[list[float], list[float]]] = {cell.method: ([], []) for cell in cells}
    passes: dict[str, int] = {}
    for _ in range(repeats):
        forget(model)
        for cell in cells:
            for taken, make in zip(seconds[cell.method], (one_by_one, together), strict=True):
                start = time.process_time()
                rows = make(cell, model)
                taken.append((time.process_time() - start) / n_images)
                passes[cell.method] = max(int(row.get("forward_passes", 0)) for row in rows)
    table = pd.DataFrame({"method": [cell.method for cell in cells]})
    table.insert(0, "model", name)
    table["passes"] = table["method"].map(passes)
    table = table[table["passes"] > 0].reset_index(drop=True)  # a method that does not apply makes no pass
    for i, path in enumerate(("one by one, ms", "batched, ms")):
        table[path] = [1e3 * statistics.median(seconds[method][i]) for method in table["method"]]
    table["times as fast"] = table["one by one, ms"] / table["batched, ms"]
    # where the masked copies of the metrics are most of the work
    cheap = table["one by one, ms"] < CHEAP * table["one by one, ms"].min()
    table["at least"] = cheap.map({True: CHEAP_AT_LEAST, False: AT_LEAST})
    table["pass"] = table["times as fast"] >= table["at least"]
    return table


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
