"""PolyCAM: maps of several layers, deep to shallow, multiplied into one of high resolution."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..algorithm.features import HookedModel, default_layer, layers, map_layers
from ..algorithm.inputs import check_finite, checked_input
from ..algorithm.masks import normalized_maps, upsample
from ..algorithm.scoring import masks_from, score_masks
from ..algorithm.targets import Target
from ..errors import CluscamError, NotApplicable, unknown
from ..explanation import Explanation
from .common import Question, ask, finish

VARIANTS = ("plus", "minus", "plus-minus")


class PolyCAM:
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
        if variant not in VARIANTS:
            raise unknown("variant", variant, VARIANTS)
        if (n_layers is not None and n_layers < 2) or (batch_size is not None and batch_size < 1):
            raise CluscamError(
                f"n_layers is {n_layers} and batch_size {batch_size}; expected at least 2 and 1, or None to have them "
                "chosen"
            )
        if layer is not None and layer not in dict(model.named_modules()):
            raise unknown("layer", layer, (name for name, _ in model.named_modules() if name))
        self.model, self.layer, self.variant = model, layer, variant
        self.n_layers, self.batch_size = n_layers, batch_size

    @torch.no_grad()
    def __call__(self, x: Tensor, target: Target = None) -> Explanation:
        """The map of each normalised image of `x` (B, 3, H, W) for `target`: None, a class, or a LongTensor (B,).

        Raises CluscamError for a malformed input or target, or NaN from the model, and NotApplicable for a network
        without maps of several sizes.
        """
        x = checked_input(x, self.model)
        names = self.layers(x)
        product, passes, notes = None, 0, []
        for name in reversed(names):
            hooked = HookedModel(self.model, name)
            maps, output = hooked.forward(x)  # (B, d, h, w), (B, C)
            if product is None:
                question = ask(output, target)
            check_finite(maps, question.baseline)
            maps = maps.float()
            weights, scored = channel_weights(hooked.output, x, maps, question, self.variant, self.batch_size)
            own = torch.einsum("bd,bdhw->bhw", weights, maps).relu()
            product = own if product is None else multiplied(product, own)
            passes += 1 + scored
            notes.append(f"{name} ({hooked.layout})")
        return finish(
            product,
            (x.shape[-2], x.shape[-1]),
            question,
            layer=names[-1],
            forward_passes=passes,
            notes=("layers, deep to shallow: " + ", ".join(notes),),
        )

    def layers(self, x: Tensor) -> list[str]:
        """Names of the layers, shallow to deep; found by passes of the first image. NotApplicable if only one."""
        names = resolutions(self.model, self.layer or default_layer(self.model, x), x)
        return names[-self.n_layers :] if self.n_layers else names


def resolutions(module: nn.Module, layer: str, x: Tensor) -> list[str]:
    """For each grid larger than that of `layer` the deepest layer before it, then `layer`: shallow to deep.

    Raises CluscamError for a layer without maps, and NotApplicable where there is none of a larger grid.
    """
    ran, named = layers(module, x), set(map_layers(module, x))
    at = max((i for i, info in enumerate(ran) if info.name == layer), default=None)
    if at is None or ran[at].layout is None:
        raise CluscamError(
            f"layer {layer!r} gives no maps; expected a layer of {', '.join(sorted(named)) or 'another'}"
        )
    own = ran[at].layout.grid
    deepest: dict[tuple[int, int], str] = {}
    for info in ran[:at]:
        if info.name in named and math.prod(info.layout.grid) > math.prod(own):
            deepest[info.layout.grid] = info.name
    if not deepest:
        raise NotApplicable(
            f"PolyCAM multiplies maps of several resolutions, but no layer before {layer!r} gives maps larger than its "
            f"{own[0]} x {own[1]}; expected a convolutional network of several stages, and one of its last layers"
        )
    return [deepest[grid] for grid in sorted(deepest, key=math.prod, reverse=True)] + [layer]


def channel_weights(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    maps: Tensor,
    question: Question,
    variant: str,
    batch_size: int | None = None,
) -> tuple[Tensor, int]:
    """What each map (B, d, h, w) is worth, w_k (B, d) in probability, and the passes per image that it took."""
    size = (x.shape[-2], x.shape[-1])
    show = masks_from(normalized_maps(maps, size), size)
    every = torch.ones(maps.shape[:2], dtype=torch.bool, device=x.device)

    def probability(output: Tensor, images: Tensor) -> Tensor:
        return question.logits(output.float().softmax(1), images)

    def change(masks: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        return score_masks(output, x, masks, every, whole, probability, None, batch_size)  # (B, d)

    whole = probability(question.output, torch.arange(len(x), device=x.device))  # p(x), (B,)
    shown = change(show) + whole[:, None] if variant != "minus" else 0
    lost = -change(lambda image, group: 1 - show(image, group)) if variant != "plus" else 0
    return (shown + lost).clamp(min=0), maps.shape[1] * (2 if variant == "plus-minus" else 1)


def multiplied(deep: Tensor, own: Tensor) -> Tensor:
    """up(P) * LNorm(M): the deeper map (B, h', w') refined by a layer's own (B, h, w), h >= h': (B, h, w)."""
    coarse = F.adaptive_avg_pool2d(own[:, None], deep.shape[-2:])  # (B, 1, h', w')
    mean = upsample(coarse, own.shape[-2:])[:, 0].clamp(min=1e-12)  # (B, h, w)
    return upsample(deep[:, None], own.shape[-2:])[:, 0] * own / mean
