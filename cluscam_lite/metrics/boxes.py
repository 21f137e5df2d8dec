"""Objects' boxes, (xmin, ymin, xmax, ymax) in pixels, carried into the frame of the network's input."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..algorithm.given import check_boxes
from ..errors import BrokenImage, CluscamError, NotApplicable
from ..models.spec import Preprocess, crop_window
from ..packages import from_extra


def boxes_in_input(
    boxes: Sequence[Sequence[float]] | Tensor,
    width: int,
    height: int,
    preprocess: Preprocess,
    image_size: tuple[int, int] | None = None,
) -> Tensor:
    """Boxes carried through the resize and the centre crop of an image, or through its squash.

    Args:
        boxes: (xmin, ymin, xmax, ymax) in pixels of the original image.
        width, height: of the original image, in pixels.
        preprocess: the way from image to input.
        image_size: (width, height) of the image that `preprocess` was given, where that is a smaller copy of the
            original: its rounding of the resized size, half a pixel at most, can differ.

    Returns:
        (n, 4) float64 in pixels of the input, clipped to it. Boxes wholly outside the crop are left out: n may be 0.

    Raises:
        BrokenImage: malformed boxes, or one that does not lie in the image.
        NotApplicable: no box at all.
    """
    with from_extra("models"):
        from torchvision import tv_tensors  # takes as long to import as PyTorch, and only boxes need it
        from torchvision.transforms.v2 import functional as transforms

    edges = checked_boxes(boxes, width, height)
    box = tv_tensors.BoundingBoxes(edges, format="XYXY", canvas_size=(height, width), dtype=torch.float64)
    if preprocess.resize is None:
        box = transforms.resize(box, [preprocess.size, preprocess.size], antialias=True)
    else:
        resized, left, top = crop_window(image_size or (width, height), preprocess.resize, preprocess.size)
        box = transforms.resize(box, [resized[1], resized[0]], antialias=True)
        box = transforms.crop(box, top, left, preprocess.size, preprocess.size)  # clips, too
    return _with_area(box.as_subclass(Tensor))


def unscaled_boxes(boxes: Sequence[Sequence[float]] | Tensor, width: int, height: int, size: tuple[int, int]) -> Tensor:
    """Boxes as the paper's public code uses them, (n, 4) float64: original pixels, cut off at the input's (H, W).

    That code (nxhoang562/ClusCAM, branch main, test_localization.py and utils_localization.py) never rescales them,
    so that a box beyond the input's size lies outside every map: it is left out. Errors as in `boxes_in_input`.
    """
    return within(checked_boxes(boxes, width, height), size)


def box_mask(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The share of every pixel that lies in a box, (H, W) float64 in [0, 1], for boxes (n, 4) in pixels of the map.

    A box that ends within a pixel counts with that part of it, so that a box's mask has its area exactly. Where
    several boxes share a pixel, the largest share counts. What lies beyond the map is cut off. Raises CluscamError for
    a box without area, or NaN.
    """
    if not isinstance(size, Sequence) or len(size) != 2:
        raise CluscamError(f"size is {size!r}; expected (H, W), in pixels of the map")
    mask = torch.zeros(size, dtype=torch.float64)
    for xmin, ymin, xmax, ymax in check_boxes(boxes).tolist():
        mask = torch.maximum(mask, _overlap(ymin, ymax, size[0])[:, None] * _overlap(xmin, xmax, size[1]))
    return mask


def checked_boxes(boxes: Sequence[Sequence[float]] | Tensor, width: int, height: int) -> Tensor:
    """Boxes as (n, 4) float64. Raises NotApplicable for none, BrokenImage unless each lies in the image."""
    try:
        edges = torch.as_tensor(boxes, dtype=torch.float64).cpu()  # (n, 4)
    except (TypeError, ValueError, RuntimeError):
        edges = torch.empty(1)
    if edges.numel() == 0:
        raise NotApplicable("the image has no box, so where its object is cannot be judged; use images with boxes")
    if edges.ndim != 2 or edges.shape[1] != 4:
        raise BrokenImage("the boxes are malformed; expected (xmin, ymin, xmax, ymax) in pixels for each")
    if (edges <= 1).all() and (edges % 1 > 0).any() and min(width, height) > 1:
        raise BrokenImage(
            f"the box {tuple(edges[0].tolist())} lies within one pixel; expected pixels of the image of {width} x "
            f"{height}, not shares of its sides"
        )
    xmin, ymin, xmax, ymax = edges.T
    good = (xmin >= 0) & (xmin < xmax) & (xmax <= width) & (ymin >= 0) & (ymin < ymax) & (ymax <= height)
    if not good.all():
        wrong = tuple(edges[~good][0].tolist())
        raise BrokenImage(
            f"the box {wrong} does not fit its image of {width} x {height} pixels; expected 0 <= xmin < xmax <= width "
            "and 0 <= ymin < ymax <= height"
        )
    return edges


def _overlap(low: float, high: float, n: int) -> Tensor:
    """How much of each of n unit cells [i, i + 1] lies in [low, high], (n,)."""
    start = torch.arange(n, dtype=torch.float64)
    return ((start + 1).clamp(max=high) - start.clamp(min=low)).clamp(min=0)


def within(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (n, 4) cut off at a map of (H, W) pixels; those that lie outside are left out."""
    h, w = size
    ends = torch.tensor([w, h, w, h], dtype=boxes.dtype)
    return _with_area(boxes.clamp(min=0).minimum(ends))


def _with_area(boxes: Tensor) -> Tensor:
    return boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
