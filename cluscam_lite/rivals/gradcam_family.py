"""Class activation maps through the package `grad-cam` (Gildenblat et al.), and what to know of each.

The maps are the package's: weighted sum, ReLU, min-max at the layer's own resolution, OpenCV's bilinear resize to the
input's, min-max. The weights of ScoreCAM and AblationCAM are computed here, in batches. Tokens are laid on their grid
first, one map per channel.

Where a transformer's head reads only the class token, the patch tokens that leave the last block reach no logit:
their gradient is zero, and with it the map, which is given as zeros, `uniform`, with a note. The package's advice is
the first normalisation within that block instead (`cluscam_lite.models`: the layer "last_input").
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..algorithm.borrowed import process_borrowed
from ..algorithm.inputs import check_batch_size, check_finite
from ..algorithm.maps.layouts import size_of
from ..algorithm.scoring import score_masks
from ..algorithm.targets import Target
from ..algorithm.weighting import all_equal
from ..errors import check_known
from ..explanation import Explanation
from .ablation import AblationCAM
from .common import Rival, ask, hooked
from .gradcam_package import Found, explanation, package, run, scaled

__all__ = [
    "AblationCAM", "GradCAM", "GradCAMPlusPlus", "LayerCAM", "ScoreCAM", "ShapleyCAM", "XGradCAM",
]  # fmt: skip

UTILITIES = ("logit", "rest")


class GradientCAM(Rival):
    """What the methods with gradients share: one forward and one backward pass of the package's class `name`.

    Args:
        model: a torch module that gives logits (B, C), differentiable with respect to the layer.
        layer: dotted name of the layer to read; None takes the deepest that gives maps.
    """

    name = ""

    def __init__(self, model: nn.Module, layer: str | None = None):
        self.model = hooked(model, layer)

    def _explain(self, x: Tensor, target: Target) -> Explanation:
        found = self._run(x, target)
        return explanation(found, self._backward_passes(found), self._notes(found))

    def _run(self, x: Tensor, target: Target) -> Found:
        return run(self.name, self.model, x, target)

    def _backward_passes(self, found: Found) -> int:
        return 1

    def _notes(self, found: Found) -> tuple[str, ...]:
        notes = list(found.facts)
        if found.flat:
            notes.append("gradients: all zero, the logit does not depend on these maps; name an earlier layer")
        elif (found.raw <= 0).flatten(1).all(1).any():
            notes.append("map: nowhere positive in at least one image, which is given as zeros")
        return tuple(notes)


class GradCAM(GradientCAM):
    r"""The maps, each weighed by the mean of its gradient (Selvaraju et al. 2017, arXiv 1610.02391).

    :math:`\mathrm{ReLU}(\sum_k w_k A_k)` with :math:`w_k` the mean of :math:`\partial y_c / \partial A_k` (Eqs. 1, 2).
    On a network that averages its last maps and classifies linearly this is the positive part of `CAM`.
    """

    name = "GradCAM"


class GradCAMPlusPlus(GradientCAM):
    r"""The maps, each weighed by its positive gradients (Chattopadhay et al. 2018, arXiv 1710.11063).

    :math:`w_k = \sum_{ij} \alpha_{ij} \mathrm{ReLU}(\partial y_c / \partial A_{k, ij})` with :math:`\alpha` of Eq. 19,
    which holds for :math:`\exp(y_c)`.
    """

    name = "GradCAMPlusPlus"


class XGradCAM(GradientCAM):
    r"""The maps, each weighed by its gradients, place by place in proportion to the map (Fu et al. 2020, 2008.02312).

    :math:`w_k = \sum_{ij} (A_{k, ij} / \sum A_k) \, \partial y_c / \partial A_{k, ij}` (Eq. 8). Maps with negative
    values may sum to nearly zero; their weight is then large for no reason but that.
    """

    name = "XGradCAM"


class LayerCAM(GradientCAM):
    r"""Every place of every map weighed by its own positive gradient (Jiang et al. 2021, IEEE TIP 30).

    :math:`\mathrm{ReLU}(\sum_k \mathrm{ReLU}(\partial y_c / \partial A_k) \odot A_k)` (Eqs. 6 to 8).
    """

    name = "LayerCAM"


class ShapleyCAM(GradientCAM):
    r"""GradCAM with a second-order term, from an estimate of the maps' Shapley values (Cai 2025, arXiv 2501.06261).

    :math:`w_k` is the mean of :math:`\nabla_k - \frac{1}{2} (H A)_k`, with gradient and Hessian of the utility with
    respect to the maps. Of tokens the maps are the players; prefix tokens stay as they are. (The package's own class
    takes NCHW layers only.) Where the head is linear in the maps and the utility is the logit, the Hessian is zero
    and the map is GradCAM's; a note says so.

    Args:
        model: a torch module that gives logits (B, C), twice differentiable with respect to the layer.
        layer: dotted name of the layer to read; None takes the deepest that gives maps.
        utility: "logit", the package's default; or "rest", logit plus log probability, the paper's.
    """

    name = "ShapleyCAM"

    def __init__(self, model: nn.Module, layer: str | None = None, utility: str = "logit"):
        check_known("utility", utility, UTILITIES)
        super().__init__(model, layer)
        self.utility = utility

    def _run(self, x: Tensor, target: Target) -> Found:
        rest = logit_and_log_probability if self.utility == "rest" else None
        # the faster kinds of attention cannot be differentiated twice; which one is used is the whole process's
        with process_borrowed(), sdpa_kernel(SDPBackend.MATH):
            return run(self.name, self.model, x, target, utility=rest)

    def _backward_passes(self, found: Found) -> int:
        return 1 + found.curved  # the second differentiates the first

    def _notes(self, found: Found) -> tuple[str, ...]:
        linear = () if found.curved else ("second-order term: zero, the head is linear in the maps: GradCAM's map",)
        return super()._notes(found) + linear


def logit_and_log_probability(category: int) -> Callable[[Tensor], Tensor]:
    """``utility(output (C,))``: the class's logit and the logarithm of its probability, added (ShapleyCAM's "rest")."""

    def utility(output: Tensor) -> Tensor:
        logs = nn.functional.logsigmoid(output) if output.shape[-1] == 1 else output.log_softmax(-1)
        return (output + logs)[..., category]

    return utility


class ScoreCAM(Rival):
    r"""The maps, each weighed by the score of the image masked with it (Wang et al. 2020, arXiv 1910.01279).

    :math:`\mathrm{ReLU}(\sum_k w_k A_k)` with :math:`w = \mathrm{softmax}_k \, y_c(x \odot n(\mathrm{up}(A_k)))`.
    As in the package, masks are upsampled with aligned corners and raw maps are summed. The package makes all masks
    and all masked images at once, d x 4 x H x W numbers; here they are made when their pass comes, those of several
    images together, with the same result.

    Args:
        model: a torch module that gives logits (B, C).
        layer: dotted name of the layer to read; None takes the deepest that gives maps.
        batch_size: masked images per pass; None chooses by device and input size.
    """

    def __init__(self, model: nn.Module, layer: str | None = None, batch_size: int | None = None):
        check_batch_size(batch_size)
        self.model, self.batch_size = hooked(model, layer), batch_size

    @torch.no_grad()
    def _explain(self, x: Tensor, target: Target) -> Explanation:
        package()
        question = ask(self.model.output(x), target, len(x))  # a pass of its own, as with the package
        maps, _ = self.model.forward(x)  # (B, d, h, w)
        check_finite(maps, question.baseline)
        every = torch.ones(maps.shape[:2], dtype=torch.bool, device=x.device)
        masks = partial(aligned_masks, maps.float(), size_of(x))
        scores = score_masks(
            self.model.output, x, masks, every, question.baseline, question.logits, batch_size=self.batch_size
        )
        raw = torch.einsum("bd,bdhw->bhw", scores.softmax(1), maps.float())
        assert self.model.layer_name is not None and self.model.layout is not None  # the pass has found both
        found = Found(
            cam=scaled(raw, size_of(x)),
            raw=raw,
            question=question,
            layer=self.model.layer_name,
            layout=self.model.layout,
            forward_passes=2 + maps.shape[1],
            equal=bool(all_equal(scores, every, question.baseline).any()),
        )
        return explanation(found, 0, found.facts)


def aligned_masks(maps: Tensor, size: tuple[int, int], images: Tensor, groups: Tensor) -> Tensor:
    """The package's masks of maps (B, d, h, w) for the pairs asked for: (n, 1, H, W) in [0, 1]; zeros of a constant."""
    full = F.interpolate(maps[images, groups][:, None], size=size, mode="bilinear", align_corners=True)
    low, high = full.amin((2, 3), keepdim=True), full.amax((2, 3), keepdim=True)
    return (full - low) / (high - low + 1e-8)
