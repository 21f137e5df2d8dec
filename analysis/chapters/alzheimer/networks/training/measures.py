"""Measures of a classifier: accuracy, recall of each class, confusion, calibration."""

from typing import Any

import torch
from torch import Tensor

BINS = 15  # of confidence


def measures(probabilities: Tensor, labels: Tensor, class_names: tuple[str, ...]) -> dict[str, Any]:
    """Measures of predicted probabilities (N, C) against true labels (N,), ready for JSON; shares in percent, 0 to 100.

    `balanced_accuracy` is the mean recall of the classes that occur; `recall` is None for one that does not.
    `confusion` counts images, a row for each true class, a column for each predicted one. `ece`: expected calibration
    error, the mean over images of |accuracy - confidence| of their bin, with 15 bins of equal width. `saturated`: how
    many images have a largest probability of exactly 1 in float32, where IC and AG cannot rise.
    """
    confidence, predicted = probabilities.max(1)
    confusion = confusion_matrix(predicted, labels, len(class_names))
    totals = confusion.sum(1)
    recall = [100 * confusion[k, k].item() / totals[k].item() if totals[k] else None for k in range(len(class_names))]
    known = [value for value in recall if value is not None]
    return {
        "images": len(labels),
        "accuracy": 100 * (predicted == labels).double().mean().item(),
        "balanced_accuracy": sum(known) / len(known),
        "recall": dict(zip(class_names, recall, strict=True)),
        "confusion": confusion.tolist(),
        "ece": 100 * calibration_error(confidence, predicted == labels),
        "mean_confidence": 100 * confidence.double().mean().item(),
        "saturated": 100 * (confidence.float() >= 1).double().mean().item(),
    }


def confusion_matrix(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    """(C, C) counts: true class by row, predicted class by column."""
    return torch.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def calibration_error(confidence: Tensor, right: Tensor, bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1 (Naeini et al. 2015; Guo et al. 2017), bins (a, b] of equal width."""
    place = (confidence.double() * bins).ceil().long().clamp(1, bins) - 1  # (N,)
    counts = torch.bincount(place, minlength=bins)
    gaps = torch.bincount(place, weights=right.double() - confidence.double(), minlength=bins)
    return float(gaps.abs().sum() / counts.sum())
