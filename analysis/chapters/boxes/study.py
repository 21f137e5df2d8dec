"""The study of the localisation error with either box: that of the map's largest part, and that of all it marks.

The rows of the study `faithfulness` have the first alone. Here the same maps are made again (same images, cells and
seeds) and only set against the object's box, which needs no masked pass. One row per image and method.
"""

from collections.abc import Sequence
from typing import Any

from analysis.engine import Cell
from analysis.engine.contract import columns
from analysis.studies.batching.explained import Explained, explained_in_batches
from analysis.studies.batching.pictures import Picture
from analysis.studies.cost.passes import Passes, Shape, passes_of
from analysis.studies.map_study import MapStudy
from analysis.studies.plan import Block
from cluscam_lite import get_spec
from cluscam_lite.errors import NotApplicable
from cluscam_lite.metrics import localise
from cluscam_lite.models import LoadedModel, Preprocess

MEASURED = ("ep", "le", "le_all")
NOT_ONE = "the image has no box, or several"


class Boxes(MapStudy):
    """EP, and LE with both boxes, of the maps of a few methods on images with exactly one box (as in the paper)."""

    name, version, keys = "boxes", 1, ("image_id",)
    columns = columns(str="image_id reason", int64="target", float32=" ".join(MEASURED))

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The method's alone; at most, since images without exactly one box are skipped."""
        return passes_of(block.method, shape, get_spec(block.model).n_clusters, block.settings) + Passes(images=1)

    def rows_of_images(self, cell: Cell, model: LoadedModel, pictures: Sequence[Picture]) -> list[list[dict[str, Any]]]:
        """The row of each image; with a reason and no measures where there is not one box in view, or no map."""
        preprocess = model.spec.preprocess(cell.settings["preprocess"])
        looked_at = [picture for picture in pictures if len(picture.boxes) == 1]  # the other maps would serve nothing
        found = dict(zip(looked_at, explained_in_batches(cell, model, looked_at), strict=True))
        return [[_row(picture, found.get(picture), preprocess)] for picture in pictures]


def _row(picture: Picture, found: Explained | NotApplicable | None, preprocess: Preprocess) -> dict[str, Any]:
    known = {"image_id": picture.image_id, "target": -1, "reason": ""} | dict.fromkeys(MEASURED)
    if not isinstance(found, Explained):
        return known | {"reason": NOT_ONE if found is None else str(found)}
    where = (picture.boxes, picture.width, picture.height, preprocess, picture.image_size)
    try:
        measured = localise(found.saliency, *where)
    except NotApplicable as error:
        return known | {"reason": str(error)}
    return known | {"target": found.target} | {name: measured[name] for name in MEASURED}


STUDY = Boxes()
