"""Targets beyond classification: what is explained of a segmentation, a detection or an embedding.

Each is a function of the network's output, one number for each image, for ``cam(x, target=...)``. Where each image has
a region, box or embedding of its own, give a list with one target for each image: a target takes one image's row, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .errors import CluscamError, is_number, is_whole

BOX = "xmin, ymin, xmax, ymax"


@dataclass(frozen=True, eq=False)
class SegmentationTarget:
    """The mean logit of a class over a region of the picture, of a network that classifies every pixel.

    Args:
        class_index: the class, 0 to C - 1.
        region: (h, w), which pixels of the output count: a mask (bool), or weights of at least 0; None: all of them.
            The pixels that the network itself gives the class, say: ``net(x)[0].argmax(0) == class_index``.

    Raises:
        CluscamError: a class or a region that is none; in a call, an output that is not (n, C, h, w), nor one image's
            (C, h, w), nor a dictionary that has such a one as "out", or that does not fit.

    Example:
        >>> import torch
        >>> from cluscam_lite import ClusCAM
        >>> from cluscam_lite.targets import SegmentationTarget
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=4), torch.nn.ReLU(), torch.nn.Conv2d(8, 5, 1))
        >>> x = torch.rand(1, 3, 32, 32)
        >>> region = torch.zeros(8, 8, dtype=torch.bool)
        >>> region[2:6, 2:6] = True  # the middle of the network's 8 x 8 class maps
        >>> ClusCAM(net, layer="1", n_clusters=4)(x, target=SegmentationTarget(2, region)).saliency.shape
        torch.Size([1, 32, 32])
    """

    class_index: int
    region: Tensor | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.class_index) or self.class_index < 0:
            raise CluscamError(f"class_index is {self.class_index!r}; expected a whole number from 0 on")
        if self.region is None:
            return
        if not isinstance(self.region, Tensor) or self.region.ndim != 2:
            raise CluscamError(f"region is {_shown(self.region)}; expected a mask or weights, a tensor (h, w)")
        weights = self.region.float()
        if not torch.isfinite(weights).all() or (weights < 0).any() or not weights.any():
            raise CluscamError("region has no pixel, or numbers that are no weights; expected some above 0, none below")

    def __call__(self, output: Any) -> Tensor:
        """(n,) of an output (n, C, h, w); one number of one image's (C, h, w)."""
        output = output.get("out") if isinstance(output, Mapping) else output
        if not isinstance(output, Tensor) or output.ndim not in (3, 4):
            raise CluscamError(f"SegmentationTarget got {_shown(output)}; expected the class maps (n, C, h, w)")
        if self.class_index >= output.shape[-3]:
            raise CluscamError(f"class_index is {self.class_index}; expected 0 to {output.shape[-3] - 1}")
        logits = output[..., self.class_index, :, :]  # (n, h, w)
        if self.region is None:
            return logits.mean((-2, -1))
        if self.region.shape != logits.shape[-2:]:
            raise CluscamError(
                f"region is {_shown(self.region)} and the network's class maps are {tuple(logits.shape[-2:])}; "
                "expected a region of their size"
            )
        weights = self.region.to(logits)
        return (logits * (weights / weights.sum())).sum((-2, -1))


@dataclass(frozen=True, eq=False)
class BoxScore:
    """The score of a detection: of the class, the largest product of score and overlap with a box.

    The network may move its boxes a little on a masked image, or order them otherwise, so the detection is found anew
    by where it is. The overlap is the intersection of both boxes over their union. Without such a detection it is 0.

    Args:
        box: (xmin, ymin, xmax, ymax) in the units of the network's boxes; that of a detection, say.
        label: its class, as the network numbers it.

    Raises:
        CluscamError: a box or a label that is none; in a call, an output that is not a list with a dictionary for each
            image, or one image's, of `boxes` (N, 4), `scores` (N,) and `labels` (N,), as torchvision's detectors give.

    Example:
        >>> import torch
        >>> from cluscam_lite.targets import BoxScore
        >>> found = {"boxes": torch.tensor([[0., 0., 8., 8.], [8., 8., 16., 16.]]),
        ...          "scores": torch.tensor([0.5, 0.9]), "labels": torch.tensor([3, 3])}
        >>> BoxScore((0, 0, 8, 4), label=3)([found])
        tensor([0.2500])
    """

    box: Sequence[float] | Tensor
    label: int

    def __post_init__(self) -> None:
        edges = self.box.tolist() if isinstance(self.box, Tensor) else self.box
        four = isinstance(edges, Sequence) and len(edges) == 4 and all(is_number(edge) for edge in edges)
        if not four or not (edges[0] < edges[2] and edges[1] < edges[3]):
            raise CluscamError(f"box is {edges!r}; expected {BOX}, the larger ones last")
        if not is_whole(self.label):
            raise CluscamError(f"label is {self.label!r}; expected a class, a whole number")

    def __call__(self, output: Any) -> Tensor:
        """(n,) of a list of n dictionaries; one number of one image's dictionary."""
        if isinstance(output, Mapping):
            return self._of_image(output)
        if not isinstance(output, Sequence) or not output or not all(isinstance(one, Mapping) for one in output):
            raise CluscamError(
                f"BoxScore got {_shown(output)}; expected a list with a dictionary of boxes, scores and labels for "
                "each image"
            )
        return torch.stack([self._of_image(one) for one in output])

    def _of_image(self, found: Mapping[str, Any]) -> Tensor:
        parts = [part for name in ("boxes", "scores", "labels") if isinstance(part := found.get(name), Tensor)]
        shapes = [tuple(part.shape) for part in parts]
        n = len(parts[0]) if shapes and shapes[0] else 0
        if shapes != [(n, 4), (n,), (n,)]:
            given = ", ".join(f"{key} {_shown(value)}" for key, value in found.items())
            raise CluscamError(
                f"BoxScore got a dictionary of {given or 'nothing'}; expected boxes (N, 4), scores (N,), labels (N,)"
            )
        boxes, scores, labels = parts
        mine = labels == self.label
        if not mine.any():
            return scores.new_zeros(())
        return (scores[mine] * self._overlap(boxes[mine].to(scores))).max()

    def _overlap(self, boxes: Tensor) -> Tensor:
        """Intersection over union of boxes (N, 4) with this one, (N,)."""
        own = torch.as_tensor(self.box).to(boxes)
        sides = (torch.minimum(boxes[:, 2:], own[2:]) - torch.maximum(boxes[:, :2], own[:2])).clamp(min=0)  # (N, 2)
        both, mine = sides.prod(1), (own[2:] - own[:2]).prod()
        return both / ((boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1) + mine - both)


@dataclass(frozen=True, eq=False)
class Similarity:
    """The cosine of the angle between a network's embedding and another one: why are these two pictures alike?

    Args:
        embedding: (D,), of another image or of a text, from the same network.

    Raises:
        CluscamError: an embedding that is none; in a call, an output that is not (n, D), nor one image's (D,).

    Example:
        >>> import torch
        >>> from cluscam_lite import ClusCAM
        >>> from cluscam_lite.targets import Similarity
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=4), torch.nn.ReLU(),
        ...                           torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        >>> other, x = torch.rand(2, 1, 3, 32, 32)
        >>> ClusCAM(net, n_clusters=4)(x, target=Similarity(net(other)[0])).saliency.shape
        torch.Size([1, 32, 32])
    """

    embedding: Tensor

    def __post_init__(self) -> None:
        if not isinstance(self.embedding, Tensor) or self.embedding.ndim != 1:
            raise CluscamError(
                f"embedding is {_shown(self.embedding)}; expected that of one image, a tensor (D,): take net(x)[0]"
            )
        if not torch.isfinite(self.embedding).all() or not self.embedding.any():
            raise CluscamError("embedding is all zeros, or holds NaN or infinite values, and so has no direction")

    def __call__(self, output: Any) -> Tensor:
        """(n,), -1 to 1, of embeddings (n, D); one number of one image's (D,)."""
        size = len(self.embedding)
        if not isinstance(output, Tensor) or output.ndim not in (1, 2) or output.shape[-1] != size:
            raise CluscamError(f"Similarity got {_shown(output)}; expected embeddings (n, {size}) of the same network")
        return torch.cosine_similarity(output, self.embedding.detach().to(output), dim=-1)


def _shown(value: object) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
