"""What rivals share: the checked input and target, and the finished map."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..algorithm.masks import CONSTANT, normalize, upsample
from ..algorithm.targets import Target, resolve_target
from ..errors import CluscamError
from ..explanation import Explanation

ONLY_CLASSES = "this method explains a class; give target as None, a class or a LongTensor (B,)"


@dataclass(frozen=True)
class Question:
    """What is explained: `target` (B,), `output` (B, C), and `baseline` (B,), the target's logit unmasked."""

    target: Tensor
    output: Tensor
    baseline: Tensor

    def logits(self, output: Tensor, images: Tensor) -> Tensor:
        """The explained logit of each row of `output` (n, C), row i being of image ``images[i]``: (n,)."""
        return output.gather(1, self.target[images, None])[:, 0]


def ask(output: Tensor, target: Target) -> Question:
    """The question of an unmasked pass. Raises CluscamError for a bad target, or a function as target."""
    if callable(target):
        raise CluscamError(ONLY_CLASSES)
    classes, select = resolve_target(target, output)
    return Question(classes, output, select(output, torch.arange(len(output), device=output.device)).float())


def min_max(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Maps (B, H, W) normalised to [0, 1] and uniform (B,): where there is no contrast, zeros and True."""
    low, high = maps.flatten(1).aminmax(dim=1)
    return normalize(maps, low, high), high - low <= CONSTANT * torch.maximum(low.abs(), high.abs())


def finish(maps: Tensor, size: tuple[int, int], question: Question, **facts: object) -> Explanation:
    """An `Explanation` of raw maps (B, h, w): upsampled to `size` (H, W) if smaller, then min-max normalised.

    `facts` are further fields: layer, forward_passes, backward_passes, notes.
    """
    full = maps if maps.shape[-2:] == tuple(size) else upsample(maps[:, None], size)[:, 0]
    saliency, uniform = min_max(full.detach().float())
    return Explanation(
        saliency=saliency, target=question.target, output=question.output.detach(), uniform=uniform, **facts
    )
