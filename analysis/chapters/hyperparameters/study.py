"""The study of Section 3.4: the scores of all groups for every candidate K; Algorithms 2 and 3 choose K and r by them.

One row per image, candidate K and group, for several seeds of K-Means. All K are clustered on the maps of one forward
pass. Nothing is chosen here: P(K), K* and r are computed from the rows (`analysis.chapters.hyperparameters.evidence`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.engine import Cell, chunks
from analysis.engine.contract import columns
from analysis.studies.cost.passes import Passes, Shape
from analysis.studies.explaining import compact, images_of, loaded, weights_of
from analysis.studies.plan import Plan, PlannedStudy
from cluscam_lite import load_dataset
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.tuning import check_grid, grid_scores

IMAGES_PER_CELL = 10


@dataclass(frozen=True)
class Block:
    """A network and layer, how many images, the candidate sizes, and the seeds of K-Means."""

    model: str
    layer: str
    n_images: int
    grid: tuple[int, ...]
    seeds: tuple[int, ...]


class Hyperparameters(PlannedStudy):
    """The scores of all groups of K-Means for every candidate K."""

    name, version = "hyperparameters", 1
    keys = ("image_id", "n_clusters", "group")
    columns = columns(str="image_id", int64="n_clusters group size target", float32="score coverage")
    block, choices, takes = Block, "", ("grid", "seeds")

    def own_lines(self, profile: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a profile of the user's own: it may name the candidates `grid` and how many `seeds`."""
        grid, seeds = profile.get("grid") or usual["grid"], range(int(profile.get("seeds") or 1))
        return super().own_lines(profile, {**usual, "grid": check_grid(grid), "seeds": [*seeds]})

    def finished(self, block: Block, dataset: str) -> Block:
        """The block as it is. Raises CluscamError for a grid that is too short or does not ascend."""
        check_grid(block.grid)
        return block

    def spans(self, block: Block) -> list[tuple[int, int]]:
        """Ten images to a cell, under each seed in turn."""
        n, size = block.n_images, IMAGES_PER_CELL
        return [(first, min(size, n - first)) for first in range(0, n, size) for _ in block.seeds]

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The masks of every candidate K, and one clustering for each."""
        return Passes(forward=1 + sum(block.grid), groupings=len(block.grid), images=1)

    def block_cells(self, plan: Plan, block: Block, seed: int) -> list[Cell]:
        """Ten images of one network under one seed of K-Means to a cell; all seeds of an image follow one another."""
        samples = load_dataset(plan.dataset, part=plan.part, n=block.n_images)
        settings = {"grid": list(block.grid), "weights": weights_of(block.model)}
        return [
            self.cell(plan, block, "cluscam", images, seed + of_kmeans, settings=settings)
            for images in chunks(samples.ids, IMAGES_PER_CELL)
            for of_kmeans in block.seeds
        ]

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of the cell's images, in their order."""
        network = loaded(cell.model)
        model = HookedModel(network.module, network.spec.layer(cell.layer))
        preprocess, device = network.spec.preprocess(), next(network.module.parameters()).device
        rows = []
        for sample, _ in images_of(cell, progress):
            x = preprocess(sample.image)[None].to(device)
            target, found = grid_scores(model, x, cell.settings["grid"], cell.seed)
            for groups in found:
                rows.append(
                    pd.DataFrame(
                        {
                            "image_id": sample.image_id,
                            "n_clusters": groups.n_clusters,
                            "group": range(len(groups.scores)),
                            "size": groups.sizes.numpy(),
                            "score": groups.scores.numpy(),
                            "coverage": groups.coverage.numpy(),
                            "target": target,
                        }
                    )
                )
        return compact(pd.concat(rows, ignore_index=True))


STUDY = Hyperparameters()
