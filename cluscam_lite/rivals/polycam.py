"""PolyCAM: maps of several layers, deep to shallow, multiplied into one of high resolution."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..algorithm.features import HookedModel
from ..algorithm.inputs import check_batch_size
from ..algorithm.maps.layers import layers, map_layers
from ..algorithm.maps.layouts import size_of
from ..algorithm.masks import upsample
from ..algorithm.scoring import masks_from, score_masks
from ..algorithm.targets import Target
from ..algorithm.weighting import all_equal
from ..errors import CluscamError, NotApplicable, check_known, is_whole
from ..explanation import Explanation
from ..reading import MasksOf, Reading
from .common import EQUAL_WEIGHTS, Rival, finish, hooked, probability_of, read_class

VARIANTS = ("plus", "minus", "plus-minus")


class PolyCAM(Rival):
    r"""Class activation maps of several resolutions, multiplied (Englebert, Cornu and De Vleeschouwer 2022).

    With :math:`A_k` the maps of one layer, :math:`H_k` their upsampled and min-max normalised versions and :math:`p`
    the probability of the class, a map is worth

    - PCAM+ (``variant="plus"``): :math:`w_k = p(x \odot H_k)`, what it shows;
    - PCAM- ("minus"): :math:`w_k = \mathrm{ReLU}(p(x) - p(x \odot (1 - H_k)))`, what is lost when it is hidden;
    - PCAM± ("plus-minus"): :math:`w_k = \mathrm{ReLU}(p(x \odot H_k) + p(x) - p(x \odot (1 - H_k)))`.

    A layer's own map is :math:`M = \mathrm{ReLU}(\sum_k w_k A_k)`. From the deepest layer, whose map is taken as it is,
    to the shallowest, :math:`P^{(l)} = \mathrm{up}(P^{(l+1)}) \odot \mathrm{LNorm}(M^{(l)})`: where to look comes from
    the deep layers, and the detail from the shallow ones. LNorm divides each value by its local mean, that of the cell
    of the coarser grid around it, upsampled back. Paper: "Poly-CAM: High resolution class activation map for
    convolutional neural networks", arXiv 2204.13359.

    Two small differences from the authors' software, which clips the outermost 0.1 % of values wherever it normalises:
    here minimum and maximum are those of all values, of the upsampled maps. And the local mean is a mean for every
    ratio of the two grids, where theirs is two bilinear resizes; at the ratio 2 both are the same.

    Layers: `layer`, and for each larger grid the deepest layer before it that has this grid, as the paper takes the
    last layer before each change of resolution. A network with maps of only one size (a vision transformer) has
    nothing to multiply: NotApplicable.

    Cost: one forward pass for each layer, and one for each of its maps ("plus-minus": two). That is thousands; `notes`
    give the layers and their number of maps.

    Args:
        model: a torch module that gives logits (B, C).
        layer: dotted name of the deepest layer; None takes the deepest that gives maps.
        variant: "plus", "minus" or "plus-minus".
        n_layers: how many layers at most, the deepest ones; None takes all (five in VGG or ResNet).
        batch_size: masked images per pass; None chooses by device and input size.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | None = None,
        variant: str = "plus-minus",
        n_layers: int | None = None,
        batch_size: int | None = None,
    ):
        check_known("variant", variant, VARIANTS)
        check_batch_size(batch_size)
        if n_layers is not None and not (is_whole(n_layers) and n_layers >= 2):
            raise CluscamError(f"n_layers is {n_layers!r}; expected at least 2, a whole number, or None to take all")
        self.model = hooked(model, layer)
        self.variant, self.n_layers, self.batch_size = variant, n_layers, batch_size

    @torch.no_grad()
    def _explain(self, x: Tensor, target: Target) -> Explanation:
        names = self.layers(x)
        products: list[Tensor] = []
        passes, notes, equal = 0, [], False
        for name in reversed(names):
            model = HookedModel(self.model.module, name)
            reading = read_class(model, x, target)
            weights, scored = channel_weights(reading, self.variant, self.batch_size)
            own = torch.einsum("bd,bdhw->bhw", weights, reading.maps.float()).relu()
            products.append(multiplied(products[-1], own) if products else own)
            passes += 1 + scored
            notes.append(f"{name} ({model.layout})")
            equal |= bool(all_equal(weights, torch.ones_like(weights, dtype=torch.bool), 1.0).any())
        return finish(
            products[-1],
            reading.size,
            reading,
            layer=names[-1],
            forward_passes=passes,
            notes=("layers, deep to shallow: " + ", ".join(notes), *[EQUAL_WEIGHTS] * equal),
        )

    def layers(self, x: Tensor) -> list[str]:
        """Names of the layers, shallow to deep; found by passes of the first image. NotApplicable if only one."""
        names = resolutions(self.model.module, self.model.layer_for(x), x)
        return names[-self.n_layers :] if self.n_layers else names


def resolutions(module: nn.Module, layer: str, x: Tensor) -> list[str]:
    """For each grid larger than that of `layer` the deepest layer before it, then `layer`: shallow to deep.

    Raises CluscamError for a layer without maps, and NotApplicable where there is none of a larger grid.
    """
    ran, named = layers(module, x), set(map_layers(module, x))
    at = max((i for i, info in enumerate(ran) if info.name == layer), default=None)
    layout = None if at is None else ran[at].layout
    if layout is None:
        raise CluscamError(
            f"layer {layer!r} gives no maps; expected a layer of {', '.join(sorted(named)) or 'another'}"
        )
    own = layout.grid
    deepest: dict[tuple[int, int], str] = {}
    for info in ran[:at]:
        if info.name in named and info.layout and math.prod(info.layout.grid) > math.prod(own):
            deepest[info.layout.grid] = info.name
    if not deepest:
        raise NotApplicable(
            f"PolyCAM multiplies maps of several resolutions, but no layer before {layer!r} gives maps larger than its "
            f"{own[0]} x {own[1]}; expected a convolutional network of several stages, and one of its last layers"
        )
    return [deepest[grid] for grid in sorted(deepest, key=math.prod, reverse=True)] + [layer]


def channel_weights(reading: Reading, variant: str, batch_size: int | None = None) -> tuple[Tensor, int]:
    """What each map of a reading is worth, w_k (B, d) in probability, and the passes per image that it took."""
    x, maps = reading.x, reading.maps
    show, probability = masks_from(reading.normalized, reading.size), probability_of(reading.select)
    every = torch.ones(maps.shape[:2], dtype=torch.bool, device=x.device)

    def change(masks: MasksOf) -> Tensor:
        return score_masks(reading.model.output, x, masks, every, whole, probability, None, batch_size)  # (B, d)

    whole = probability(reading.output, torch.arange(len(x), device=x.device))  # p(x), (B,)
    worth = torch.zeros_like(every, dtype=torch.float32)
    if variant != "minus":
        worth = worth + change(show) + whole[:, None]
    if variant != "plus":
        worth = worth - change(lambda image, group: 1 - show(image, group))
    return worth.clamp(min=0), maps.shape[1] * (2 if variant == "plus-minus" else 1)


def multiplied(deep: Tensor, own: Tensor) -> Tensor:
    """up(P) * LNorm(M): the deeper map (B, h', w') refined by a layer's own (B, h, w), h >= h': (B, h, w)."""
    coarse = F.adaptive_avg_pool2d(own[:, None], size_of(deep))  # (B, 1, h', w')
    mean = upsample(coarse, size_of(own))[:, 0].clamp(min=1e-12)  # (B, h, w)
    return upsample(deep[:, None], size_of(own))[:, 0] * own / mean
