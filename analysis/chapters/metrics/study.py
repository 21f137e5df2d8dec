"""The study of further measures: insertion, deletion, and ADCC with its parts, for a few cheap methods.

They cost more passes of the network than AD, IC and AG, so they run on fewer images. One row per image and method;
cells, methods, donors and seeds are those of the study `faithfulness`.
"""

from collections.abc import Sequence
from typing import Any

from analysis.engine import Cell
from analysis.engine.contract import columns
from analysis.studies.batching.explained import inputs_of
from analysis.studies.batching.pictures import Picture
from analysis.studies.cost.passes import Passes, Shape, masked_passes, passes_of
from analysis.studies.explaining import explainer_of_images, logits
from analysis.studies.map_study import MapStudy
from analysis.studies.plan import Block
from cluscam_lite import get_spec
from cluscam_lite.errors import NotApplicable
from cluscam_lite.metrics import adcc, coherency, complexity, deletion, evaluate, explained_again, insertion
from cluscam_lite.models import LoadedModel

STEPS = 20


class Curves(MapStudy):
    """Insertion, deletion and ADCC of the maps of a few methods."""

    name, version, keys = "curves", 1, ("image_id",)
    columns = columns(
        str="image_id reason", int64="target", float32="insertion deletion drop complexity coherency adcc"
    )

    def passes(self, block: Block, shape: Shape) -> Passes:
        """The method's twice, since ADCC explains the masked image again; one map's drop, and both curves."""
        explained = passes_of(block.method, shape, get_spec(block.model).n_clusters, block.settings) * 2
        curves = masked_passes(1, shape.size) + masked_passes(STEPS + 1, shape.size) * 2
        return explained + curves + Passes(evaluations=1, images=1)

    def rows_of_images(self, cell: Cell, model: LoadedModel, pictures: Sequence[Picture]) -> list[list[dict[str, Any]]]:
        """The row of each image; with a reason and no measures where the method cannot explain it."""
        return [self.image_rows(cell, model, picture) for picture in pictures]

    def image_rows(self, cell: Cell, model: LoadedModel, picture: Picture) -> list[dict[str, Any]]:
        """The row of one image."""
        x, donor = inputs_of(model, [picture]), None if picture.donor is None else picture.donor[None]
        known = {"image_id": picture.image_id}
        try:
            explainer = explainer_of_images(cell, model, [picture.image_id], donor)
            explanation = explainer(x)
        except NotApplicable as error:
            return [known | {"reason": str(error)}]
        target, saliency = int(explanation.target[0]), explanation.saliency[0]
        output = lambda inputs: logits(model, inputs)  # noqa: E731
        drop = evaluate(output, x, saliency, target, fills=("mean",), forms=("raw",))[0]["drop"]
        simple = float(complexity(explanation.saliency))
        coherent = float(coherency(explanation.saliency, explained_again(explainer, x, explanation)))
        return [
            known
            | {
                "target": target,
                "insertion": 100 * insertion(output, x, saliency, target, STEPS)[0],
                "deletion": 100 * deletion(output, x, saliency, target, STEPS)[0],
                "drop": drop,
                "complexity": simple,
                "coherency": coherent,
                "adcc": float(adcc(coherent, simple, drop)),
                "reason": "",
            }
        ]


STUDY = Curves()
