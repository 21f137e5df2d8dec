"""Localisation per image: is the map where the object's box is? (Appendix C and Table 4.) Everything in percent."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from torch import Tensor

from ..algorithm.given import check_boxes, real_numbers
from ..algorithm.maps.layouts import size_of
from ..errors import CluscamError, NotApplicable, unknown
from ..models.spec import Preprocess
from .boxes import box_mask, boxes_in_input, unscaled_boxes, within

HALF = 0.5  # threshold of the public code's variants
TOUCHING = np.ones((3, 3), dtype=int)  # pixels that touch at a side or a corner are one component
PARTS = ("largest", "all")  # of the pixels that reach the map's mean: what the map's own box is drawn around


def energy_pointing(saliency: Tensor, boxes: Tensor) -> float:
    """EP, Eq. 14: the share of the map's energy inside the boxes; higher is better.

    Args:
        saliency: (H, W) in [0, 1].
        boxes: (n, 4) xmin, ymin, xmax, ymax in pixels of the map; what lies beyond the map is cut off.

    Returns:
        Percent, 0-100. A map of zeros points nowhere, and without a box there is nothing to point at: 0. A map of ones
        has the boxes' share of the image.

    Raises:
        CluscamError: the map is not (H, W) in [0, 1], or a box has no area or NaN.
    """
    energy = _checked(saliency)
    total = float(energy.sum())
    return 100 * float((energy * box_mask(boxes, size_of(energy))).sum()) / total if total else 0.0


def predicted_box(saliency: Tensor, part: str = "largest") -> tuple[int, int, int, int] | None:
    """The map's own box (xmin, ymin, xmax, ymax), or None for a map of zeros.

    Appendix C thresholds the map at its mean and says no more. Taken at its word, the box is that of all pixels that
    reach the mean: `part` "all". With "largest" it is that of their largest connected component, as is usual in weakly
    supervised localisation (Zhou et al. 2016): pixels that touch at a corner are connected; of equal components the
    topmost counts. The box of all contains that of the largest.

    Raises:
        CluscamError: the map is not (H, W) in [0, 1]; UnknownName for another part.
    """
    if part not in PARTS:
        raise unknown("part", part, PARTS)
    energy = _checked(saliency).numpy()
    if not energy.any():
        return None
    # a constant map reaches its mean everywhere: rounding of the mean must not empty it
    above = energy >= min(energy.mean(), energy.max())
    if part == "all":
        rows, columns = ndimage.find_objects(above.astype(int))[0]
        return columns.start, rows.start, columns.stop, rows.stop
    components, n = ndimage.label(above, structure=TOUCHING)
    largest = 1 + int(np.argmax(np.bincount(components.flat, minlength=n + 1)[1:]))
    rows, columns = ndimage.find_objects(components)[largest - 1]
    return columns.start, rows.start, columns.stop, rows.stop


def localisation_error(saliency: Tensor, boxes: Tensor, part: str = "largest") -> float:
    """LE, Eq. 15: 1 - IoU of the map's own box with the true one; lower is better.

    Arguments and errors as in `energy_pointing` and `predicted_box`. With several boxes the one that overlaps most
    counts.

    Returns:
        Percent, 0-100. A map of zeros has no box, and no box of the object overlaps with none: 100.
    """
    own, true = predicted_box(saliency, part), within(check_boxes(boxes), size_of(_checked(saliency))).tolist()
    if own is None or not true:
        return 100.0
    return 100 * (1 - max(_iou(own, box) for box in true))


def soft_error(saliency: Tensor, boxes: Tensor) -> float:
    """`le_soft`, percent: 1 - IoU of map and box as fuzzy sets, sum(E B) / sum(E + B - E B), with no threshold.

    Variant of the paper's public code (nxhoang562/ClusCAM, metrics/IoUEnergyBoxSaliency.py), without its exchange of
    the axes. `boxes` as in `energy_pointing`.
    """
    return _fuzzy_error(_checked(saliency), boxes)


def half_error(saliency: Tensor, boxes: Tensor) -> float:
    """`le_half`, percent: 1 - IoU of the pixels of at least 0.5 with the box. From the same file as `soft_error`."""
    return _fuzzy_error((_checked(saliency) >= HALF).double(), boxes)


def energy_error(saliency: Tensor, boxes: Tensor) -> float:
    """`le_energy`, percent: `soft_error` of the map whose values below 0.5 are set to 0. From the same file."""
    energy = _checked(saliency)
    return _fuzzy_error(energy.where(energy >= HALF, 0), boxes)


def localise(
    saliency: Tensor,
    sample_boxes: Sequence[Sequence[float]],
    width: int,
    height: int,
    preprocess: Preprocess,
    image_size: tuple[int, int] | None = None,
) -> dict[str, float]:
    """Every measure of one map.

    Args:
        saliency: (H, W) in [0, 1].
        sample_boxes: (xmin, ymin, xmax, ymax) in pixels of the original image.
        width, height, preprocess, image_size: as in `boxes_in_input`, which the boxes go through.

    Returns:
        Percent: ``ep``; ``le`` with the box of the largest part and ``le_all`` with that of all pixels above the mean;
        the public code's ``le_soft``, ``le_half``, ``le_energy``; ``ep_unscaled`` and ``le_unscaled`` with the boxes
        never rescaled, as there.

    Raises:
        NotApplicable: no box at all, or none within the network's view.
        CluscamError: malformed boxes, or a map that is not of the size of the input.
    """
    saliency = _checked(saliency)
    size = size_of(saliency)
    if not isinstance(preprocess, Preprocess):
        raise CluscamError(f"preprocess is a {type(preprocess).__name__}; expected what `ModelSpec.preprocess()` gives")
    if size != (preprocess.size, preprocess.size):
        raise CluscamError(
            f"the map is {tuple(saliency.shape)}; expected the input's size, ({preprocess.size}, {preprocess.size})"
        )
    boxes = boxes_in_input(sample_boxes, width, height, preprocess, image_size)
    if len(boxes) == 0:
        raise NotApplicable("no box of the image is within the network's view; squash the image, or take another one")
    unscaled = unscaled_boxes(sample_boxes, width, height, size)
    return {
        "ep": energy_pointing(saliency, boxes),
        "le": localisation_error(saliency, boxes),
        "le_all": localisation_error(saliency, boxes, "all"),
        "le_soft": soft_error(saliency, boxes),
        "le_half": half_error(saliency, boxes),
        "le_energy": energy_error(saliency, boxes),
        "ep_unscaled": energy_pointing(saliency, unscaled),
        "le_unscaled": localisation_error(saliency, unscaled),
    }


def _checked(given: Tensor) -> Tensor:
    """The map in float64 on the CPU. Raises CluscamError unless it is (H, W) in [0, 1]."""
    saliency = real_numbers(given, "the map")
    if saliency.ndim != 2 or not saliency.numel() or not ((saliency >= 0) & (saliency <= 1)).all():
        raise CluscamError(
            f"the map is {tuple(saliency.shape)}, or not in [0, 1]; expected one map (H, W) in [0, 1] without NaN"
        )
    return saliency.double().cpu()


def _fuzzy_error(energy: Tensor, boxes: Tensor) -> float:
    inside = box_mask(boxes, size_of(energy))
    common = energy * inside
    union = float((energy + inside - common).sum())
    return 100 * (1 - float(common.sum()) / union) if union else 100.0


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)
