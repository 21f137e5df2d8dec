"""A reading: the result of one forward pass, and the steps of Algorithm 1 that can follow.

ClusCAM, the null methods, the tuning and the studies all go this way::

    reading = read(model, x)                          # maps F_i, output, target c, baseline f_c(x)
    groups = reading.group(n_clusters=30)             # labels G_j and the masks M_j before upsampling
    scores = reading.score(groups.centroids)          # s_j, one masked pass for each group
    e = reading.explain(groups, scores, drop_ratio=0.37)    # alpha_j and E

Every step can be replaced: masks may come from anywhere, and the same scores may be weighed in several ways.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .algorithm.clustering import N_CLUSTERS, Clustering, check_own_number, group_maps
from .algorithm.features import HookedModel, MapsModel
from .algorithm.given import Normalization
from .algorithm.inputs import (
    check_batch_size,
    check_finite,
    check_maps,
    check_seed,
    checked_input,
    maps_model,
    whole_turn,
)
from .algorithm.maps.layouts import Layout, size_of
from .algorithm.maps.outputs import logits_of
from .algorithm.masks import normalized_maps, saliency_of
from .algorithm.scoring import fill_image, masks_from, score_masks, without_autocast
from .algorithm.targets import Target, asks_for_classes, resolve_target
from .algorithm.weighting import softmax_weights
from .errors import CluscamError, is_whole
from .explanation import ClusteredExplanation

MasksOf = Callable[[Tensor, Tensor], Tensor]
"""``masks(images (n,), groups (n,)) -> (n, 1, H, W)``: masks made when they are needed."""


@dataclass(frozen=True)
class Groups:
    """A partition of each image's maps, padded to the same K.

    Attributes:
        centroids: (B, K, h, w), the mean normalised map of each group; upsampled, it is the mask M_j in [0, 1].
        valid: (B, K) bool, False where an image has fewer groups.
        labels: (B, d) int, the group of each map, -1 for noise; None if the masks were not made by grouping maps.
    """

    centroids: Tensor
    valid: Tensor
    labels: Tensor | None = None

    def of(self, image: int) -> "Groups":
        """The groups of one image."""
        one = slice(image, image + 1)
        return Groups(self.centroids[one], self.valid[one], None if self.labels is None else self.labels[one])


@dataclass(frozen=True)
class Reading:
    """The result of one unmasked forward pass over B images, from `read`: maps, output, and the explained logit.

    Attributes:
        model: what gives maps and output.
        x: (B, 3, H, W), the normalised images.
        output: (B, C) logits; for a function as target, whatever the model gives.
        target: (B,) explained class, -1 where the target was a function of the output.
        select: ``select(output (n, C), images (n,)) -> (n,)``, the explained logit of each row.
        baseline: (B,) f_c(x), the explained logit of the unmasked images, float32.
        maps: (B, d, h, w) F_i; (B, 0, 1, 1) if they were not asked for.
        layout: how the layer's output was read as maps; None for a model that gives its own.
    """

    model: MapsModel
    x: Tensor
    output: Tensor
    target: Tensor
    select: Callable[[Tensor, Tensor], Tensor]
    baseline: Tensor
    maps: Tensor
    layout: Layout | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the input."""
        return size_of(self.x)

    def of(self, images: Sequence[int] | Tensor | np.ndarray) -> "Reading":
        """The reading of some of the images, by number, in this order.

        Raises CluscamError for none, or for what is no number from 0 to B - 1.
        """
        numbers: Any = images.tolist() if isinstance(images, Tensor | np.ndarray) else images
        numbers = list(numbers) if isinstance(numbers, Sequence) else numbers
        some = isinstance(numbers, list) and numbers
        if not some or not all(is_whole(i) and 0 <= i < len(self.x) for i in numbers):
            raise CluscamError(f"the images asked for are {numbers}; expected numbers from 0 to {len(self.x) - 1}")
        chosen = torch.tensor(numbers, device=self.x.device)
        parts = {name: getattr(self, name)[chosen] for name in ("x", "output", "baseline", "maps")}
        target = self.target[chosen.to(self.target.device)]
        return replace(self, select=lambda output, rows: self.select(output, chosen[rows]), target=target, **parts)

    @property
    @without_autocast
    def normalized(self) -> Tensor:
        """(B, d, h, w) maps whose upsampled versions are min-max normalised to [0, 1]."""
        return normalized_maps(self.maps.float(), self.size)

    @torch.no_grad()
    @without_autocast
    def group(
        self,
        n_clusters: int | None = None,
        clustering: str | Clustering = "kmeans",
        space: str = "upsampled",
        seed: int = 0,
        backend: str = "auto",
    ) -> Groups:
        """Lines 2 to 6 of Algorithm 1: the maps in K groups, and each group's mean.

        Args:
            n_clusters: K, 1 to d; None is 30, or d where there are fewer maps.
            clustering, space, seed, backend: as in `ClusCAM`.

        Raises:
            CluscamError: K or seed out of range, a K beside a clustering that has its own, or nothing but noise.
        """
        check_seed(seed)
        check_own_number(n_clusters, clustering)
        n_clusters = min(N_CLUSTERS, self.maps.shape[1]) if n_clusters is None else n_clusters
        labels, centroids, valid = group_maps(self.maps, self.size, n_clusters, clustering, space, seed, backend)
        return Groups(centroids, valid, labels)

    @torch.no_grad()
    @without_autocast
    def score(
        self,
        masks: Tensor | MasksOf,
        valid: Tensor | None = None,
        fill: str | Tensor = "mean",
        normalization: Normalization | None = None,
        batch_size: int | None = None,
        precision: str = "float32",
    ) -> Tensor:
        """Eq. 5, lines 7 to 10: the change of the target's logit behind each mask, one forward pass for each.

        Args:
            masks: centroids (B, K, h, w), upsampled here, or a function that makes the masks of pairs.
            valid: (B, K) bool, which masks there are; None: all of the centroids (a function needs it).
            fill, normalization, batch_size, precision: as in `ClusCAM`.

        Returns:
            (B, K) logits, float32; -inf where not valid.

        Raises:
            CluscamError: the model gives NaN on a masked input, the masks are not of these images or not finite, or
                a function of masks comes without `valid`.
        """
        check_batch_size(batch_size)
        _check_masks(masks, valid, len(self.x))
        if isinstance(masks, Tensor):
            if valid is None:
                valid = torch.ones(masks.shape[:2], dtype=torch.bool, device=self.x.device)
            masks = masks_from(masks, self.size)
        if valid is None:
            raise CluscamError("masks made by a function need valid (B, K), which says how many there are")
        shown = fill_image(self.x, fill, normalization)
        with whole_turn(self.model):
            return score_masks(
                self.model.output, self.x, masks, valid, self.baseline, self.select, shown, batch_size, precision
            )

    @torch.no_grad()
    @without_autocast
    def explain(
        self, groups: Groups, scores: Tensor, drop_ratio: float, temperature: float | None = None, **facts: Any
    ) -> ClusteredExplanation:
        """Eqs. 6 and 7, lines 11 to 14: the worst groups dropped, the rest weighed and summed.

        Args:
            groups: whose masks were scored.
            scores: (B, K) from `score`.
            drop_ratio: r, 0 <= r < 1.
            temperature: tau > 0; None is Eq. 10.
            facts: further fields of the explanation, `layer` and `notes` for instance.

        Raises:
            CluscamError: r or tau out of range, or scores that are NaN, or not of these groups.
        """
        if not isinstance(groups, Groups):
            raise CluscamError(f"the groups are a {type(groups).__name__}; expected what `Reading.group` gives")
        wanted = tuple(groups.valid.shape)
        if not isinstance(scores, Tensor) or scores.shape != wanted or torch.isnan(scores).any():
            given = tuple(scores.shape) if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
            raise CluscamError(f"the scores are {given}, or NaN; expected a number for each group, {wanted}")
        weights, tau = softmax_weights(scores, groups.valid, drop_ratio, temperature)
        saliency, uniform = saliency_of(weights, groups.centroids, self.size)
        no_labels = torch.empty(len(scores), 0, dtype=torch.long, device=scores.device)
        passes = tuple(1 + n for n in groups.valid.sum(1).tolist())
        found = {"forward_passes": max(passes), "passes_by_image": passes} | facts
        return ClusteredExplanation(
            saliency=saliency,
            target=self.target,
            output=self.output,
            uniform=uniform,
            labels=no_labels if groups.labels is None else groups.labels,
            centroids=groups.centroids,
            valid=groups.valid,
            scores=scores,
            weights=weights,
            drop_ratio=drop_ratio,
            temperature=tau,
            **found,
        )


def _check_masks(masks: Tensor | MasksOf, valid: Tensor | None, n_images: int) -> None:
    """Raise CluscamError for masks that are not (B, K, h, w) of these images, or `valid` that is not of these masks."""
    shape = tuple(masks.shape) if isinstance(masks, Tensor) else None
    if isinstance(masks, Tensor):
        if masks.ndim != 4 or len(masks) != n_images or not masks.numel() or not torch.isfinite(masks).all():
            raise CluscamError(
                f"the masks are {shape}, or not finite; expected centroids ({n_images}, K, h, w) in [0, 1]"
            )
    elif not callable(masks):
        raise CluscamError(f"the masks are a {type(masks).__name__}; expected a tensor, or a function that makes them")
    if valid is None:
        return
    if not isinstance(valid, Tensor):
        raise CluscamError(f"valid is a {type(valid).__name__}; expected a bool tensor (B, K), which masks there are")
    there = valid.shape[:2] if shape is None else shape[:2]
    if valid.dtype != torch.bool or valid.ndim != 2 or len(valid) != n_images or valid.shape != there:
        wanted = f"({n_images}, {'K' if shape is None else shape[1]})"
        raise CluscamError(
            f"valid is {valid.dtype} {tuple(valid.shape)}; expected bool {wanted}, which masks there are of each image"
        )


@torch.no_grad()
@without_autocast
def read(
    model: nn.Module | MapsModel,
    x: Tensor,
    target: Target = None,
    layer: str | nn.Module | None = None,
    maps: bool = True,
) -> Reading:
    """One pass of a network over normalised images: line 1 of Algorithm 1.

    Args:
        model: a torch module, or anything with ``forward(x) -> (maps, output)`` and ``output(x) -> output``.
        x: (B, 3, H, W), normalised as the network needs it.
        target: None (each image's top-1), a class, a LongTensor (B,), a function of the output (n, C) -> (n,), or a
            list of B: each image's class, or a function of its row (C,).
        layer: dotted name of the layer of a torch module, or the module itself; None takes the deepest that gives maps.
        maps: whether the maps are read; False for masks that come from elsewhere.

    Raises:
        CluscamError: a malformed input, target or model, or NaN from the model.
    """
    model = maps_model(model, layer)
    x = checked_input(x, model)
    with whole_turn(model):
        found, output = model.forward(x) if maps else (x.new_empty(len(x), 0, 1, 1), model.output(x))
        layout = model.layout if maps and isinstance(model, HookedModel) else None
    if maps:
        check_maps(found, x)
    output = logits_of(output, len(x)) if asks_for_classes(target) else output
    classes, select = resolve_target(target, output, len(x))
    baseline = select(output, torch.arange(len(x), device=x.device)).float()
    check_finite(found, baseline)
    return Reading(model, x, output, classes, select, baseline, found, layout)
