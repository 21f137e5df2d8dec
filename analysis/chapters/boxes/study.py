"""The study of the localisation error with either box: that of the map's largest part, and that of all it marks.

The rows of the study `faithfulness` have the first alone. Here the same maps are made again (same images, cells and
seeds) and only set against the object's box, which needs no masked pass. One row per image and method.
"""

from typing import Any

from analysis.engine import Cell
from analysis.engine.contract import columns
from analysis.studies.cost.passes import Passes, Shape, passes_of
from analysis.studies.explaining import explainer_of
from analysis.studies.map_study import MapStudy
from analysis.studies.plan import Block
from cluscam_lite import get_spec
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.errors import NotApplicable
from cluscam_lite.metrics import localise
from cluscam_lite.models import LoadedModel

MEASURED = ("ep", "le", "le_all")
NOT_ONE = "the image has no box, or several"


class Boxes(MapStudy):
    """EP, and LE with both boxes, of the maps of a few methods on images with exactly one box (as in the paper)."""

    name, version, title, keys = "boxes", 1, "localisation", ("image_id",)
    columns = columns(str="image_id reason", int64="target", float32=" ".join(MEASURED))

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The method's alone; at most, since images without exactly one box are skipped."""
        return passes_of(block.method, shape, get_spec(block.model).n_clusters, block.settings) + Passes(images=1)

    def image_rows(self, cell: Cell, model: LoadedModel, sample: Sample, donor: Sample | None) -> list[dict[str, Any]]:
        """The row of one image; with a reason and no measures where there is not one box in view, or no map."""
        known = {"image_id": sample.image_id, "target": -1, "reason": ""} | dict.fromkeys(MEASURED)
        if len(sample.boxes) != 1:  # its map would not be looked at
            return [known | {"reason": NOT_ONE}]
        preprocess = model.spec.preprocess(cell.settings["preprocess"])
        x = preprocess(sample.image)[None].to(next(model.module.parameters()).device)
        try:
            explanation = explainer_of(cell, model, preprocess, sample.image_id, donor)(x)
            where = (sample.boxes, sample.width, sample.height, preprocess, sample.image.size)
            found = localise(explanation.saliency[0], *where)
        except NotApplicable as error:
            return [known | {"reason": str(error)}]
        return [known | {"target": int(explanation.target[0])} | {name: found[name] for name in MEASURED}]


STUDY = Boxes()
