"""The rows of `faithfulness` by the letter: one image after the other, nothing shared, nothing kept.

The oracle of the batched path (`analysis.studies.batching`), which must give the same rows, and its measure of time.
"""

from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from analysis.engine import Cell
from analysis.studies.batching.pictures import picture_of
from analysis.studies.explaining import explainer_of, logits
from analysis.studies.map_study import MAP, location
from cluscam_lite.algorithm.scoring import fill_image
from cluscam_lite.datasets.sample import Sample
from cluscam_lite.errors import NotApplicable
from cluscam_lite.metrics import changes, log_odds, masked_outputs, probabilities
from cluscam_lite.models import LoadedModel

POWERS = (-6.0, 6.0)  # logarithms of the least and the largest power of a map
CASES = [(form, fill) for form in ("raw", "matched") for fill in ("mean", "black", "blur")] + [("complement", "mean")]


def rows_of_image(cell: Cell, model: LoadedModel, sample: Sample, donor: Sample | None) -> list[dict[str, Any]]:
    """All rows of one image; one with a reason where the method cannot explain it."""
    spec = model.spec
    preprocess = spec.preprocess(cell.settings["preprocess"])
    parameter = next(model.module.parameters())
    x = preprocess(sample.image)[None].to(parameter)
    known = {"image_id": sample.image_id, "label": -1 if sample.label is None else sample.label}
    try:
        explanation = explainer_of(cell, model, preprocess, sample.image_id, donor)(x)
    except NotApplicable as error:
        return [known | MAP | {"reason": str(error)}]
    target, saliency = int(explanation.target[0]), explanation.saliency[0]
    placed = location(saliency, picture_of(sample, preprocess), preprocess)
    facts = known | {
        "target": target,
        "forward_passes": explanation.forward_passes,
        "backward_passes": explanation.backward_passes,
        "uniform": bool(explanation.uniform[0]),
        "reason": "",
    }
    rows = evaluation(model, x, saliency, target)
    return [facts | row | (placed if row["form"] == "raw" else {}) for row in rows]


@torch.no_grad()
def evaluation(model: LoadedModel, x: Tensor, saliency: Tensor, target: int) -> list[dict[str, Any]]:
    """One map (H, W) of one image (1, 3, H, W) in every form with every fill: eight images in a pass."""
    forms = {"raw": saliency, "matched": at_one_half(saliency), "complement": 1 - saliency}
    forms = {form: grid.to(x) for form, grid in forms.items()}
    hidden = {"mean": None, "black": fill_image(x, "black", (model.spec.mean, model.spec.std)), "blur": blurred(x)}
    masks, fills = [forms[form] for form, _ in CASES], [hidden[fill] for _, fill in CASES]
    outputs = masked_outputs(lambda inputs: logits(model, inputs), x, masks, fills)
    classes = torch.full((len(CASES),), target, device=x.device)
    p, o = (probabilities(values, classes).cpu().numpy() for values in outputs)
    odds, odds_masked = (log_odds(values, classes).tolist() for values in outputs)
    terms = changes(p, o)
    return [
        {"form": form, "fill": fill, "coverage": float(forms[form].double().mean())}
        | {"probability": float(p[i]), "probability_masked": float(o[i])}
        | {"log_odds": odds[i], "log_odds_masked": odds_masked[i]}
        | {key: float(values[i]) for key, values in terms.items()}
        for i, (form, fill) in enumerate(CASES)
    ]


def at_one_half(saliency: Tensor) -> Tensor:
    """The map raised to the power that brings its mean to one half: forty halvings of the range of powers."""
    low, high = POWERS
    for _ in range(40):
        middle = torch.tensor((low + high) / 2).exp()
        low, high = ((low + high) / 2, high) if (saliency.float() ** middle).mean() > 0.5 else (low, (low + high) / 2)
    return saliency.float() ** torch.tensor((low + high) / 2).exp()


def blurred(x: Tensor) -> Tensor:
    """The image (1, 3, H, W) blurred by one convolution with the whole window, sigma 1/20 of the longer side."""
    sigma = max(x.shape[-2:]) / 20
    kernel = min(2 * round(2.5 * sigma) + 1, 2 * ((min(x.shape[-2:]) - 1) // 2) + 1)
    return gaussian_blur(x, [kernel, kernel], [sigma, sigma])
