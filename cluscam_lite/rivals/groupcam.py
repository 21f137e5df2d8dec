"""GroupCAM: GradCAM's weighted maps, summed in consecutive groups; each group's mask is weighed by its score."""

from typing import Any

import torch
from torch import Tensor, nn

from ..algorithm.blurring import gaussian_blur
from ..algorithm.borrowed import eval_mode, frozen, hooked_here
from ..algorithm.features import HookedModel
from ..algorithm.inputs import check_batch_size, check_finite
from ..algorithm.maps.layouts import size_of, to_maps
from ..algorithm.masks import normalized_maps, upsample
from ..algorithm.scoring import masks_from, score_masks
from ..algorithm.targets import Target
from ..errors import CluscamError, is_number, is_whole
from ..explanation import Explanation
from .common import Question, Rival, ask, finish, hooked, probability_of
from .gradients import differentiable_output, gradient_of

KERNEL, SIGMA = 51, 50.0  # of the blurred image, in pixels


class GroupCAM(Rival):
    r"""Groups of GradCAM's maps, each scored as a mask over a blurred image (Zhang, Rao and Yang 2021).

    1. :math:`w_k` is the mean gradient of the class logit with respect to the map :math:`A_k`. The maps are split in G
       groups of neighbouring channels, and a group's initial mask is :math:`\mathrm{ReLU}(\sum_k w_k A_k)`.
    2. De-noising: in each mask, values up to its percentile theta become zero. It is then upsampled and min-max
       normalised to :math:`M_l`.
    3. With :math:`\tilde{x}` the blurred image, :math:`\alpha_l = F_c(x \odot M_l + \tilde{x} \odot (1 - M_l)) -
       F_c(\tilde{x})`; the map is :math:`\mathrm{ReLU}(\sum_l \alpha_l M_l)`.

    Paper: "Group-CAM: Group score-weighted visual explanations for deep convolutional networks", arXiv 2103.13859. As
    in its authors' software, the confidence :math:`F_c` is the softmax probability, the gradient that of the logit, and
    the blurring Gaussian, 51 x 51 pixels, sigma 50 (a smaller kernel on images that it does not fit). d maps that G
    does not divide go to groups whose sizes differ by at most one, the larger first. A mask without contrast counts
    for nothing and costs no pass.

    A transformer's tokens are laid on their grid, one map per channel. Where the head reads only the class token, the
    logit does not depend on the patch tokens that the last block gives: their gradient is zero, and so is the map,
    flagged and with a note. Name an earlier layer, such as the first normalisation within that block.

    Args:
        model: a torch module that gives logits (B, C), differentiable with respect to the layer.
        layer: dotted name of the layer to read; None takes the deepest that gives maps.
        n_groups: G; more than there are maps means one map a group.
        percentile: theta, from 0 to less than 100.
        batch_size: masked images per pass; None chooses by device and input size.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | None = None,
        n_groups: int = 32,
        percentile: float = 70,
        batch_size: int | None = None,
    ):
        check_batch_size(batch_size)
        if not is_whole(n_groups) or n_groups < 1 or not is_number(percentile) or not 0 <= percentile < 100:
            raise CluscamError(
                f"n_groups is {n_groups!r} and percentile {percentile!r}; expected at least 1, a whole number, and 0 "
                "to less than 100"
            )
        self.model = hooked(model, layer)
        self.n_groups, self.percentile, self.batch_size = n_groups, percentile, batch_size

    def _explain(self, x: Tensor, target: Target) -> Explanation:
        size = size_of(x)
        maps, gradients, question = maps_and_gradients(self.model, x, target)
        masks = initial_masks(maps, gradients, self.n_groups, self.percentile)  # (B, G, h, w)
        scores, masks, valid = self._scores(x, masks, question)
        summed = torch.einsum("bg,bghw->bhw", scores, masks)
        passes = tuple(2 + n for n in valid.sum(1).tolist())
        notes = [f"maps: {self.model.layout}"]
        if not gradients.any():
            notes.append("gradients: all zero, the logit does not depend on these maps; name an earlier layer")
        return finish(
            upsample(summed[:, None], size)[:, 0].relu(),  # (B, H, W); upsampled first, ReLU does not commute with it
            size,
            question,
            layer=self.model.layer_name,
            forward_passes=max(passes),
            passes_by_image=passes,
            backward_passes=1,
            notes=tuple(notes),
        )

    @torch.no_grad()
    def _scores(self, x: Tensor, masks: Tensor, question: Question) -> tuple[Tensor, Tensor, Tensor]:
        """Scores alpha (B, G) in probability, 0 for masks without contrast; normalised masks; which have contrast."""
        size = size_of(x)
        masks = normalized_maps(masks, size)
        valid = masks.flatten(2).any(2)
        blurred = blur(x)
        probability = probability_of(question.logits)
        base = probability(self.model.output(blurred), torch.arange(len(x), device=x.device))  # (B,)
        scores = score_masks(
            self.model.output, x, masks_from(masks, size), valid, base, probability, blurred, self.batch_size
        )
        return scores.masked_fill(~valid, 0), masks, valid


def maps_and_gradients(model: HookedModel, x: Tensor, target: Target) -> tuple[Tensor, Tensor, Question]:
    """Maps (B, d, h, w) of the layer, the gradient of each image's logit with respect to them, and the question.

    One forward and one backward pass, and one forward pass of the first image, which finds the layer and its layout.
    """
    name, layout = model.find_layer(x)
    captured: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        captured.append(output)
        return output.clone()  # which the network may write into

    # parameters may all be frozen: then only an input that asks for a gradient gives the layer one
    hook = hooked_here(model.module.get_submodule(name), keep)
    with frozen(model.module), eval_mode(model.module):
        with hook, torch.enable_grad():
            question = ask(differentiable_output(model.module, x.clone().requires_grad_()), target, len(x))
        given = captured[-1]  # a layer used several times counts with its last use
        maps = to_maps(given.detach(), layout).float()
        check_finite(maps, question.baseline)
        gradient = gradient_of(question.baseline, given, f"the layer {name!r}")
    return maps, to_maps(gradient, layout).float(), question


def initial_masks(maps: Tensor, gradients: Tensor, n_groups: int, percentile: float) -> Tensor:
    """De-noised sums of the groups: maps and gradients (B, d, h, w) -> (B, G, h, w), not negative, G <= d."""
    b, d, h, w = maps.shape
    weighted = gradients.mean((2, 3), keepdim=True) * maps  # (B, d, h, w)
    n_groups = min(n_groups, d)
    sizes = torch.tensor([len(part) for part in torch.arange(d).tensor_split(n_groups)])
    group = torch.repeat_interleave(torch.arange(n_groups), sizes).to(maps.device)  # (d,)
    summed = maps.new_zeros(b, n_groups, h, w).index_add_(1, group, weighted).relu()
    return summed * (summed > percentile_of(summed, percentile))


def percentile_of(maps: Tensor, percentile: float) -> Tensor:
    """The percentile of each map (B, G, h, w), between two values in proportion: (B, G, 1, 1)."""
    ordered = maps.flatten(2).sort(2).values  # (B, G, h w)
    position = percentile / 100 * (ordered.shape[2] - 1)
    below = int(position)
    above = min(below + 1, ordered.shape[2] - 1)
    return torch.lerp(ordered[..., below], ordered[..., above], position - below)[..., None, None]


def blur(x: Tensor) -> Tensor:
    """Images (B, 3, H, W) blurred by the paper's Gaussian, mirrored at the border."""
    # mirroring needs half a kernel smaller than the image
    kernel = min(KERNEL, 2 * min(x.shape[-2:]) - 1)
    return gaussian_blur(x, kernel, SIGMA)
