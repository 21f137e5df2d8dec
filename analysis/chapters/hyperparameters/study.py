"""The study of Section 3.4: the scores of all groups for every candidate K; Algorithms 2 and 3 choose K and r by them.

One row per image, candidate K and group, for several seeds of K-Means. All K are clustered on the maps of one forward
pass. Nothing is chosen here: P(K), K* and r are computed from the rows (`analysis.chapters.hyperparameters.evidence`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.engine import Cell, chunks
from analysis.engine.explaining import compact, loaded
from analysis.engine.plan import Plan, PlannedStudy, check_profile, own_plan
from cluscam_lite import get_spec, load_dataset
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.tuning import check_grid, grid_scores

IMAGES_PER_CELL = 10
SMALL = (5, 10, 15, 20, 30, 40, 60)  # for the networks of the scenes, which have about a hundred maps
LARGE = (5, 10, 15, 20, 30, 40, 50, 60, 80, 100)
# the parts on which hyper-parameters are chosen are not those on which methods are compared
PART = {"scenes": "train", "ilsvrc": "tune"}


@dataclass(frozen=True)
class Block:
    """One line of the plan: a network and layer, how many images, the candidate sizes, and the seeds of K-Means."""

    model: str
    layer: str
    n_images: int
    grid: tuple[int, ...]
    seeds: tuple[int, ...]


PLANS = {
    "smoke": Plan("scenes", "train", "", (Block("scene_cnn", "paper", 3, (2, 4, 6, 8), (0, 1)),)),
    "embedded": Plan(
        "scenes",
        "train",
        "",
        (Block("scene_cnn", "paper", 4, SMALL, (0, 1)), Block("scene_vit", "paper", 3, SMALL, (0, 1))),
    ),
    # fixed by analysis/paper/claims.yaml before the scores of any of these images were looked at
    "reference": Plan(
        "ilsvrc",
        "tune",
        "",
        (
            Block("mobileone_s0", "paper", 100, LARGE, (0, 1, 2)),
            Block("vit_tiny_patch16_224", "paper", 100, LARGE, (0, 1, 2)),
        ),
    ),
}


class Hyperparameters(PlannedStudy):
    """The study as the engine wants it."""

    name, version, keys = "hyperparameters", 1, ("image_id", "n_clusters", "group")

    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """What a profile measures."""
        return plan_of(profile)

    def block_cells(self, plan: Plan, block: Block, seed: int) -> list[Cell]:
        """Ten images of one network under one seed of K-Means to a cell; all seeds of an image follow one another."""
        samples = load_dataset(plan.dataset, part=plan.part, n=block.n_images)
        settings = {"grid": list(block.grid), "weights": loaded(block.model).sha256}
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
        samples = load_dataset(cell.dataset, part=cell.part)
        rows = []
        for done, image_id in enumerate(cell.images, 1):
            x = preprocess(samples[samples.ids.index(image_id)].image)[None].to(device)
            target, found = grid_scores(model, x, cell.settings["grid"], cell.seed)
            for groups in found:
                rows.append(
                    pd.DataFrame(
                        {
                            "image_id": image_id,
                            "n_clusters": groups.n_clusters,
                            "group": range(len(groups.scores)),
                            "size": groups.sizes.numpy(),
                            "score": groups.scores.numpy(),
                            "coverage": groups.coverage.numpy(),
                            "target": target,
                        }
                    )
                )
            progress(done)
        return compact(pd.concat(rows, ignore_index=True))


def plan_of(profile: Mapping[str, Any]) -> Plan:
    """The plan of a profile, by its name; for a profile of the user's own, one made of its parameters.

    It may name a `grid` of candidate sizes (default: SMALL for the scenes, else LARGE) and the number of K-Means
    `seeds` (default 1). Raises CluscamError for a profile that does not say enough and for a bad grid.
    """
    if profile.get("profile") in PLANS:
        return PLANS[profile["profile"]]
    check_profile(profile, "hyper-parameters")
    dataset = profile["dataset"]
    grid = check_grid(profile.get("grid") or (SMALL if dataset == "scenes" else LARGE))
    layer, seeds = profile.get("layer") or "paper", tuple(range(int(profile.get("seeds") or 1)))
    blocks = tuple(Block(model, layer, int(profile["n_images"]), grid, seeds) for model in profile["models"])
    for model in profile["models"]:
        get_spec(model)  # an unknown name is said before any image is read
    return own_plan(profile | {"part": profile.get("part") or PART[dataset]}, blocks)


STUDY = Hyperparameters()
