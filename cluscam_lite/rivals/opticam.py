"""OptiCAM: the weights of the maps are optimised on each image, so that the masked image keeps its logit."""

from functools import partial
from math import inf

import torch
from torch import Tensor, nn

from ..algorithm.borrowed import eval_mode, frozen
from ..algorithm.features import HookedModel
from ..algorithm.inputs import check_batch_size
from ..algorithm.maps.layouts import size_of
from ..algorithm.masks import normalize, upsample
from ..algorithm.memory_format import Passes
from ..algorithm.scoring import default_batch_size
from ..algorithm.targets import Target
from ..errors import CluscamError, check_known, is_number, is_whole
from ..explanation import Explanation
from .common import Rival, finish, hooked, read_class
from .gradients import differentiable_output, gradient_of

OBJECTIVES = ("plain", "norm")


class OptiCAM(Rival):
    r"""Saliency as a convex combination of maps whose weights are optimised per image (Zhang et al. 2024).

    With :math:`A_k` the maps of one layer and :math:`u` one number per map,
    :math:`S(u) = \sum_k \mathrm{softmax}(u)_k A_k` (Eq. 8); :math:`n(\mathrm{up}(S))` is its upsampled and min-max
    normalised version, the mask; and :math:`u^* = \arg\max_u f(x \odot n(\mathrm{up}(S(u))))_c` (Eqs. 9 and 10). The
    map is that of :math:`u^*` (Eq. 11). Paper: "Opti-CAM: Optimizing saliency maps for interpretability", CVIU 2024,
    arXiv 2301.07002.

    Adam from :math:`u = 0` (uniform weights); its last :math:`u` is taken, not the best on the way. There is no early
    stopping, so the cost is the same for every image. A layer whose maps are all constant leaves nothing to optimise:
    zeros, flagged.

    A transformer's tokens are laid on their grid, one map per channel. The network is run from the pixels, so it does
    not matter whether its head reads these tokens or the class token alone.

    Args:
        model: a torch module that gives logits (B, C), differentiable with respect to its input.
        layer: dotted name of the layer to read; None takes the deepest that gives maps.
        objective: "plain" maximises the logit of the masked image, the paper's default; "norm" makes it equal to that
            of the whole image, minimising :math:`|f(x)_c - f(x \odot n(\mathrm{up}(S(u))))_c|`.
        iterations: steps of Adam, each one forward and one backward pass.
        learning_rate: of Adam.
        batch_size: images optimised side by side; None chooses by device and input size. The images share nothing, but
            their number changes the last bits of the logits, and the steps of Adam carry these far: a map may differ
            visibly from that of the image alone, about as much as if noise of 1e-6 were added to the image. Give 1 for
            maps that do not depend on their neighbours.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | None = None,
        objective: str = "plain",
        iterations: int = 100,
        learning_rate: float = 0.1,
        batch_size: int | None = None,
    ):
        check_known("objective", objective, OBJECTIVES)
        check_batch_size(batch_size)
        if not is_whole(iterations) or iterations < 1 or not is_number(learning_rate) or not 0 < learning_rate < inf:
            raise CluscamError(
                f"iterations is {iterations!r} and learning_rate {learning_rate!r}; expected at least 1, a whole "
                "number, and more than 0"
            )
        self.model = hooked(model, layer)
        self.objective, self.iterations, self.learning_rate = objective, iterations, learning_rate
        self.batch_size = batch_size

    def _explain(self, x: Tensor, target: Target) -> Explanation:
        reading = read_class(self.model, x, target)
        x, maps = reading.x, reading.maps.float()  # (B, 3, H, W), (B, d, h, w)
        chunk = self.batch_size or min(32, default_batch_size(x))
        run = partial(
            optimise,
            self.model.module,
            objective=self.objective,
            iterations=self.iterations,
            learning_rate=self.learning_rate,
        )
        wanted = (x, maps, reading.target, reading.baseline)
        usable = [one.clone() if one.is_inference() else one for one in wanted]  # a network may enter inference mode
        parts = zip(*(torch.split(one, chunk) for one in usable), strict=True)
        with frozen(self.model.module), eval_mode(self.model.module):
            found = [run(*part) for part in parts]
        weights = torch.cat([w for w, _ in found])  # (B, d)
        losses = torch.cat([loss for _, loss in found], 1)  # (iterations, B)
        return finish(
            combined(weights, maps),
            reading.size,
            reading,
            layer=self.model.layer_name,
            forward_passes=1 + self.iterations,
            backward_passes=self.iterations,
            notes=_notes(self.model, losses),
        )


def optimise(
    module: nn.Module,
    x: Tensor,
    maps: Tensor,
    target: Tensor,
    baseline: Tensor,
    objective: str = "plain",
    iterations: int = 100,
    learning_rate: float = 0.1,
) -> tuple[Tensor, Tensor]:
    """Eq. 9 for each image. Adam works number by number and the images share nothing but the rounding of a batch.

    Args:
        module: the network.
        x: (B, 3, H, W), normalised.
        maps: (B, d, h, w).
        target: (B,) explained classes.
        baseline: (B,) logits of the whole images.
        objective, iterations, learning_rate: as in `OptiCAM`.

    Returns:
        The weights softmax(u) (B, d) that were found, and what was minimised, before each step (iterations, B): minus
        the logit ("plain"), or its distance from `baseline` ("norm").
    """
    passes = Passes(x.device)
    x = x.contiguous(memory_format=passes.format)  # the masked copies take the same format
    u = torch.zeros(maps.shape[:2], dtype=maps.dtype, device=maps.device, requires_grad=True)  # (B, d)
    adam = torch.optim.Adam([u], lr=learning_rate)
    losses = []
    for _ in range(iterations):
        with torch.enable_grad():
            mask = mask_of(combined(u.softmax(1), maps), size_of(x))
            logits = passes(partial(differentiable_output, module), x * mask.to(x.dtype))  # (B, C)
            logits = logits.gather(1, target[:, None])[:, 0].float()
            loss = -logits if objective == "plain" else (baseline - logits).abs()  # (B,)
        if not torch.isfinite(loss).all():
            raise CluscamError(
                "the model gave NaN or infinite logits on a masked input; expected finite ones: check its weights, "
                "precision and preprocessing"
            )
        u.grad = gradient_of(loss, u, "its input")
        adam.step()
        losses.append(loss.detach())
    return u.detach().softmax(1), torch.stack(losses)


def combined(weights: Tensor, maps: Tensor) -> Tensor:
    """Eq. 8: the weighted sum (B, h, w) of maps (B, d, h, w), weights (B, d)."""
    return torch.einsum("bd,bdhw->bhw", weights, maps)


def mask_of(saliency: Tensor, size: tuple[int, int]) -> Tensor:
    """n(up(S)): maps (B, h, w) upsampled to (H, W) and min-max normalised, (B, 1, H, W); zeros where constant."""
    full = upsample(saliency[:, None], size)  # (B, 1, H, W)
    flat = full.flatten(2)
    return normalize(full, flat.amin(2), flat.amax(2))  # torch 2.11 has no derivative of `aminmax`


def _notes(model: HookedModel, losses: Tensor) -> tuple[str, ...]:
    notes = [f"maps: {model.layout}"]
    if (losses == losses[0]).all(0).any():
        notes.append("objective: the same at every step in at least one image, whose weights stayed equal")
    if worse := int((losses[-1] > losses[0]).sum()):
        notes.append(f"objective: worse at the last step than at the first in {worse} of {losses.shape[1]} images")
    return tuple(notes)
