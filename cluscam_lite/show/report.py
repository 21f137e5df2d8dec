"""An explanation in numbers: plain Python values, ready for JSON. No paths, no times: the same run, the same text."""

import json
import math
import platform
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__

if TYPE_CHECKING:
    from torch import Tensor

    from ..explanation import ClusteredExplanation, Explanation
    from ..models.loaded import Origin
    from ..models.spec import Preprocess

SCHEMA = 1  # raised when a reader of older reports would be misled
VERSIONED = ("torch", "torchvision", "timm", "scikit-learn", "numpy", "pillow")
_LINE_OF_NUMBERS = re.compile(r"\[[\s\d.,eE+-]+\]")


def explanation_report(
    explanation: "Explanation",
    model: "Origin",
    preprocess: "Preprocess",
    *,
    image: dict[str, Any],
    method: str,
    settings: dict[str, Any],
    i: int = 0,
    notes: tuple[str, ...] = (),
) -> dict[str, Any]:
    """All numbers of one image: where they come from, what was explained, clusters, saliency, cost.

    Args:
        explanation: of a batch.
        model: the network that was explained.
        preprocess: how the image was brought to it.
        image: describes the image: name, hash, size.
        method: name of the method.
        settings: of the method, from `cluscam_lite.methods.settings_of`.
        i: which image of the batch.
        notes: added to those of the explanation.

    Returns:
        Plain values, for `to_json`. Floats are the shortest decimals that give the same float32.
    """
    from ..explanation import ClusteredExplanation

    method_facts = {"name": method, "layer": explanation.layer, **settings}
    report = {
        "schema": SCHEMA,
        "image": image,
        "model": model_report(model, preprocess),
        "method": method_facts,
        "target": target_report(explanation, model.spec.class_names, i),
        "top5": top_classes(explanation.output[i], model.spec.class_names),
        "saliency": saliency_summary(explanation.saliency[i]) | {"uniform": bool(explanation.uniform[i])},
        "cost": {
            "forward_passes": explanation.forward_passes,
            "backward_passes": explanation.backward_passes,
        },
        "device": explanation.saliency.device.type,
        "notes": [*explanation.notes, *notes],
        "versions": versions(),
    }
    if isinstance(explanation, ClusteredExplanation):
        method_facts["temperature"] = _finite(float(explanation.temperature[i]))
        report["clusters"] = sorted(cluster_rows(explanation, i), key=lambda row: row["index"])
        report["labels"] = explanation.labels[i].tolist()
    return report


def to_json(report: dict[str, Any]) -> str:
    """Indented JSON with lists of numbers on one line each; infinite numbers and NaN are refused."""
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)
    return _LINE_OF_NUMBERS.sub(lambda found: f"[{' '.join(found[0][1:-1].split())}]", text) + "\n"


def model_report(model: "Origin", preprocess: "Preprocess") -> dict[str, Any]:
    """The network, its weights and how the image was brought to it."""
    spec = model.spec
    return {
        "name": spec.name,
        "title": spec.title,
        "tier": spec.tier,
        "weights": {"source": model.source, "sha256": model.sha256},
        "preprocessing": {
            "input_size": preprocess.size,
            "resize": preprocess.resize,
            "interpolation": preprocess.interpolation,
            "mean": list(preprocess.mean),
            "std": list(preprocess.std),
        },
        "note": spec.note,
    }


def target_report(explanation: "Explanation", class_names: tuple[str, ...], i: int = 0) -> dict[str, Any]:
    """The explained class: index, name, logit, probability (0 to 1), and its rank among all (1 is the top).

    Where a function of the output was explained the index is -1 and there is nothing else to say.
    """
    index, output = int(explanation.target[i]), explanation.output[i]
    if index < 0:
        return {"index": index}
    return _class_row(output, index, class_names) | {"rank": 1 + int((output > output[index]).sum())}


def top_classes(output: "Tensor", class_names: tuple[str, ...], n: int = 5) -> list[dict[str, Any]]:
    """The `n` most probable classes of one image's logits (C,)."""
    return [_class_row(output, index, class_names) for index in output.topk(min(n, len(output))).indices.tolist()]


def cluster_rows(explanation: "ClusteredExplanation", i: int = 0) -> list[dict[str, Any]]:
    """One row per cluster of image `i`, by falling score: index, size, score (logit), weight, kept."""
    from ..algorithm.weighting import kept_groups

    e = explanation
    kept = kept_groups(e.scores, e.valid, e.drop_ratio)[i].tolist()
    labels = e.labels[i].tolist()
    rows = [
        {
            "index": j,
            "size": labels.count(j),
            "score": _short(e.scores[i, j]),
            "weight": _short(e.weights[i, j]),
            "kept": kept[j],
        }
        for j, valid in enumerate(e.valid[i].tolist())
        if valid
    ]
    # among equals the later one is kept (`kept_groups`), so it comes first
    return sorted(rows, key=lambda row: (row["score"], row["index"]), reverse=True)


def saliency_summary(saliency: "Tensor") -> dict[str, Any]:
    """A map (H, W) in [0, 1] in a few numbers; places in pixels (x, y) of the network's input.

    `coverage` is its mean; `area_above_mean` and `area_above_half` are fractions of its pixels; `centre` is its
    centre of mass (None if it is all zeros), `peak` its first maximum.
    """
    values = saliency.detach().cpu().double().numpy()  # (H, W)
    height, width = values.shape
    total = float(values.sum())
    rows, columns = np.mgrid[:height, :width]
    centre = [float((columns * values).sum() / total), float((rows * values).sum() / total)] if total else None
    y, x = np.unravel_index(int(values.argmax()), values.shape)
    return {
        "height": height,
        "width": width,
        "coverage": round(float(values.mean()), 6),
        "area_above_mean": round(float((values > values.mean()).mean()), 6),
        "area_above_half": round(float((values > 0.5).mean()), 6),
        "centre": [round(c, 3) for c in centre] if centre else None,
        "peak": [int(x), int(y)],
    }


def describe_target(explanation: "Explanation", i: int = 0, class_name: str = "") -> str:
    """ "tabby cat (281), p = 0.87": the class that was explained and its probability on the whole image."""
    from ..algorithm.targets import class_probabilities

    target = int(explanation.target[i])
    if target < 0:
        return class_name or "a function of the output"
    p = float(class_probabilities(explanation.output[i].double())[target])
    named = class_name and class_name != f"class {target}"
    return f"{class_name} ({target}), {_probability(p)}" if named else f"class {target}, {_probability(p)}"


def versions() -> dict[str, str]:
    """Versions of Python, this package and those that the numbers depend on."""
    return {
        "cluscam-lite": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in VERSIONED},
    }


def _class_row(output: "Tensor", index: int, class_names: tuple[str, ...]) -> dict[str, Any]:
    from ..algorithm.targets import class_probabilities

    probability = float(class_probabilities(output.double())[index])
    return {
        "index": index,
        "name": class_names[index],
        "logit": _short(output[index]),
        "probability": float(f"{probability:.8g}"),
    }


def _short(value: "Tensor") -> float:
    """The shortest decimal number that is `value` when read as float32."""
    return float(str(np.float32(value.item())))


def _finite(value: float) -> float | None:
    return float(f"{value:.8g}") if math.isfinite(value) else None


def _probability(p: float) -> str:
    if p < 0.005:
        return f"p = {p:.1g}"
    return f"p = {p:.2f}" if p < 0.995 else f"p = {p:.4f}" if p < 0.99995 else "p > 0.9999"
