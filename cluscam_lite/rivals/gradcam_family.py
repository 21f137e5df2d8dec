"""Class activation maps through the package `grad-cam` (Gildenblat et al.), and what to know of each.

Their maps are the package's: weighted sum, ReLU, min-max at the layer's own resolution, OpenCV's bilinear resize to
the input's, min-max. Tokens are laid on their grid first, one map per channel.

Where a transformer's head reads only the class token, the patch tokens that leave the last block reach no logit:
their gradient is zero, and with it the map, which is given as zeros, `uniform`, with a note. The package's advice is
the first normalisation within that block instead (`cluscam_lite.models`: the layer "last_input").
"""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..algorithm.borrowed import process_borrowed
from ..algorithm.inputs import check_batch_size
from ..algorithm.scoring import default_batch_size
from ..algorithm.targets import Target
from ..errors import check_known
from ..explanation import Explanation
from .ablation import AblationCAM
from .common import Rival, ask, hooked
from .gradcam_package import Found, explanation, package, run

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
        return run(self.name, self.model, x, target, gradients=True)

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
        rest = package("utils.model_targets").ClassifierOutputReST if self.utility == "rest" else None
        # the faster kinds of attention cannot be differentiated twice; which one is used is the whole process's
        with process_borrowed(), sdpa_kernel(SDPBackend.MATH):
            return run(self.name, self.model, x, target, gradients=True, utility=rest)

    def _backward_passes(self, found: Found) -> int:
        return 1 + found.curved  # the second differentiates the first

    def _notes(self, found: Found) -> tuple[str, ...]:
        linear = () if found.curved else ("second-order term: zero, the head is linear in the maps: GradCAM's map",)
        return super()._notes(found) + linear


class ScoreCAM(Rival):
    r"""The maps, each weighed by the score of the image masked with it (Wang et al. 2020, arXiv 1910.01279).

    :math:`\mathrm{ReLU}(\sum_k w_k A_k)` with :math:`w = \mathrm{softmax}_k \, y_c(x \odot n(\mathrm{up}(A_k)))`.
    The package upsamples masks with aligned corners and sums raw maps. Its memory is about d x 4 x H x W numbers (all
    masks, and all masked images at once: 1.6 GB for 2,048 maps at 224 x 224), so images are explained one by one.

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
        question = ask(self.model.output(x), target)
        size = self.batch_size or default_batch_size(x)
        explain = partial(run, "ScoreCAM", self.model, gradients=False, batch_size=size)
        found = [explain(image[None], c[None]) for image, c in zip(x, question.target, strict=True)]
        cam, raw = torch.cat([one.cam for one in found]), torch.cat([one.raw for one in found])
        passes = 1 + found[0].forward_passes
        together = replace(found[0], cam=cam, raw=raw, question=question, forward_passes=passes)
        return explanation(together, 0, together.facts)
