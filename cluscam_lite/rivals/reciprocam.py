"""ReciproCAM: one place of the maps is lit at a time, and the rest of the network is asked what it makes of it."""

import math

import torch
from torch import Tensor, nn

from ..algorithm.inputs import check_batch_size, check_finite
from ..algorithm.maps.layers import layers
from ..algorithm.maps.layouts import size_of
from ..algorithm.scoring import default_batch_size
from ..algorithm.targets import Target, class_probabilities
from ..errors import CluscamError, check_known
from ..explanation import Explanation
from .common import Question, Rival, ask, finish, hooked
from .head import Head

SCORES = ("probability", "logit")


class ReciproCAM(Rival):
    r"""Spatial masks on the maps of one layer, without gradients (Byun and Lee 2022; for transformers 2024).

    Each of the h w places of the maps has a mask :math:`M_n` that keeps it and hides all others, in every map. The
    network's prediction for the class from :math:`A \odot M_n` is the value at that place; the h w values, min-max
    normalised, are the map. Papers: "Recipro-CAM: Gradient-free reciprocal class activation map", arXiv 2209.14074, and
    "ViT-ReciproCAM: Gradient and attention-free visual explanations for vision transformer", arXiv 2310.02588.

    A mask is a single place, or a 3 x 3 Gaussian (1/4 in its middle, 1/8 beside it, 1/16 at the corners, cut at the
    border). The papers have both; the single place is what their authors' software does by default for convolutional
    maps, and the Gaussian for tokens, and so does ``gaussian=None`` here.

    In a transformer the class token (every prefix token) stays as it was. Where the head reads only the class token,
    nothing that the last block gives for the patches matters. ViT-ReciproCAM therefore masks what enters its
    attention: asked for such a block, this class masks the first normalisation within it, and says so in `layer` and
    `notes`; if there is none, every place is worth the same and the map is zeros, flagged. At the patch embedding the
    masks hide patches from the whole transformer.

    Cost: h w passes of what follows the layer. They count in `forward_passes` where that is all of the network: where
    the network begins with the layer and most of its parameters follow (a patch embedding), or cannot be continued
    from it (`Head.whole`). Otherwise `forward_passes` is 1, and `notes` give their number. Maps of one place have no
    contrast: zeros, flagged.

    Args:
        model: a torch module that gives logits (B, C).
        layer: dotted name of the layer to mask; None takes the deepest that gives maps.
        gaussian: whether a mask is a 3 x 3 Gaussian; None is for tokens, as above.
        score: "probability", the softmax over classes, as in the authors' software for CNNs, or "logit".
        batch_size: masked sets of maps per pass; None chooses by device and size.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | None = None,
        gaussian: bool | None = None,
        score: str = "probability",
        batch_size: int | None = None,
    ):
        check_known("score", score, SCORES)
        if gaussian is not None and not isinstance(gaussian, bool):
            raise CluscamError(
                f"gaussian is {gaussian!r}; expected True, False, or None for a choice by the kind of maps"
            )
        check_batch_size(batch_size)
        self.model = hooked(model, layer)
        self.gaussian, self.score, self.batch_size = gaussian, score, batch_size

    @torch.no_grad()
    def _explain(self, x: Tensor, target: Target) -> Explanation:
        opened, notes = self._head(x)
        with opened as head:
            question = ask(head.output, target, len(x))
            check_finite(head.maps, question.baseline)
            scores = self._scores(head, question, x)  # (B, h, w)
        places = math.prod(head.layout.grid)
        everything = head.whole or nothing_before(self.model.module, head.layer, x)
        passes = f"{places} passes of {'the whole network' if everything else 'what follows the layer'}"
        return finish(
            scores,
            size_of(x),
            question,
            layer=head.layer,
            forward_passes=1 + places * everything,
            notes=(f"maps: {head.layout}", passes, *notes),
        )

    def _head(self, x: Tensor) -> tuple[Head, tuple[str, ...]]:
        """What follows the layer to mask, and a note where that is not the layer asked for."""
        head = Head(self.model.module, self.model.layer_for(x), x)
        if not head.layout.prefix or reads_maps(head):
            return head, ()
        why = f"the head does not read the patch tokens that {head.layer!r} gives"
        inner = first_norm(self.model.module, head.layer, x)
        if inner is None:
            return head, (f"{why}: no place matters",)
        return Head(self.model.module, inner, x), (f"masked at {inner!r}, what its attention sees: {why}",)

    def _scores(self, head: Head, question: Question, x: Tensor) -> Tensor:
        """What each place alone is worth for the class: (B, h, w)."""
        b, _, h, w = head.maps.shape
        gaussian = head.layout.kind == "tokens" if self.gaussian is None else self.gaussian
        rows, columns = axis_masks(h, gaussian).to(head.maps), axis_masks(w, gaussian).to(head.maps)
        chunk = self.batch_size or max(1, default_batch_size(x) * x[0].numel() // head.maps[0].numel())
        # image by image, so that a chunk shares what came before the layer
        pairs = torch.cartesian_prod(*(torch.arange(n, device=x.device) for n in (b, h * w)))  # (B h w, 2)
        found = []
        for image, place in (part.T for part in torch.split(pairs, chunk)):
            masks = rows[place // w, :, None] * columns[place % w, None]  # (n, h, w)
            output = head.run(head.maps[image] * masks[:, None], image).float()  # (n, C)
            found.append(question.logits(class_probabilities(output) if self.score == "probability" else output, image))
        scores = torch.cat(found)
        if not torch.isfinite(scores).all():
            raise CluscamError(
                "the model gave NaN or infinite logits on masked maps; expected finite ones: check its weights and "
                "precision"
            )
        return scores.view(b, h, w)


def axis_masks(n: int, gaussian: bool) -> Tensor:
    """Masks along one axis, (n, n), row i keeping place i; a mask is the outer product of two of them."""
    if not gaussian:
        return torch.eye(n)
    beside = torch.full((max(n - 1, 0),), 1 / 4)
    return torch.eye(n) / 2 + torch.diag(beside, 1) + torch.diag(beside, -1)


def reads_maps(head: Head) -> bool:
    """Whether the first image's output changes, by more than rounding, when all its maps are hidden."""
    first = torch.zeros(1, dtype=torch.long, device=head.maps.device)
    kept, hidden = (head.run(maps, first).float() for maps in (head.maps[:1], torch.zeros_like(head.maps[:1])))
    return not torch.allclose(kept, hidden, rtol=1e-5, atol=1e-5 * float(kept.abs().nan_to_num().max()))


def first_norm(model: nn.Module, layer: str, x: Tensor) -> str | None:
    """The first normalisation that runs within `layer` and gives maps on the same grid, if there is one."""
    ran = layers(model, x)
    grids = {info.name: info.layout.grid for info in ran if info.layout}
    for info in ran:
        inside = info.name.startswith(f"{layer}.") and "Norm" in info.kind
        if inside and info.name in grids and grids[info.name] == grids[layer]:
            return info.name
    return None


def nothing_before(model: nn.Module, layer: str, x: Tensor) -> bool:
    """Whether what follows `layer` is practically the network: it begins with it, and most of its parameters follow."""
    whole, own = (sum(p.numel() for p in part.parameters()) for part in (model, model.get_submodule(layer)))
    ran = [info.name for info in layers(model, x)]
    first = all(name.startswith(f"{layer}.") for name in ran[: ran.index(layer)])
    return first and own < whole / 2
