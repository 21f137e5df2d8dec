"""The study of further measures: insertion, deletion, and ADCC with its parts, for a few cheap methods.

They cost more passes of the network than AD, IC and AG, so they run on fewer images. One row per image and method;
cells, methods, donors and seeds are those of the study `faithfulness`.
"""

from collections.abc import Mapping
from typing import Any

from analysis.engine import Cell
from analysis.engine.explaining import explainer_of, logits
from analysis.engine.map_study import MapStudy
from analysis.engine.plan import Block, Plan, layer_of, own_map_plan
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.errors import NotApplicable
from cluscam_lite.metrics import adcc, coherency, complexity, deletion, evaluate, explained_again, insertion
from cluscam_lite.models import LoadedModel

NAMES = ("cluscam", "gradcam", "layercam", "donor", "fakecam", "edges")
STEPS = 20
NETWORKS = (("mobileone_s0", "paper"), ("vit_tiny_patch16_224", "paper"), ("vit_tiny_patch16_224", "last"))


def blocks(networks: tuple[tuple[str, str], ...], n: int) -> tuple[Block, ...]:
    """The methods `NAMES` on n images of each network and layer."""
    return tuple(
        Block(model, layer_of(name, model, layer), name, n, images_per_cell=n)
        for model, layer in networks
        for name in NAMES
    )


PLANS = {
    "smoke": Plan("scenes", "test", "train", blocks((("scene_cnn", "paper"),), 2)),
    "embedded": Plan("scenes", "test", "train", blocks((("scene_cnn", "paper"),), 4)),
    "reference": Plan("ilsvrc", "confirm", "tune", blocks(NETWORKS, 50)),
}


class Curves(MapStudy):
    """The study as the engine wants it: the images and methods of `Faithfulness`, other measures."""

    name, version, keys = "curves", 1, ("image_id",)

    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """The plan of a profile, by its name; for one of the user's own, its networks and `NAMES`."""
        if profile.get("profile") in PLANS:
            return PLANS[profile["profile"]]
        return own_map_plan(profile, "faithfulness", NAMES)

    def image_rows(self, cell: Cell, model: LoadedModel, sample: Sample, donor: Sample | None) -> list[dict[str, Any]]:
        """The row of one image; with a reason and no measures where the method cannot explain it."""
        preprocess = model.spec.preprocess(cell.settings["preprocess"])
        x = preprocess(sample.image)[None].to(next(model.module.parameters()).device)
        known = {"image_id": sample.image_id}
        try:
            explainer = explainer_of(cell, model, preprocess, sample.image_id, donor)
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
