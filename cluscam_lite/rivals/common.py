"""What rivals share: the checked input and target, and the finished map."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..algorithm.borrowed import borrowed
from ..algorithm.features import HookedModel, MapsModel
from ..algorithm.inputs import checked_input
from ..algorithm.maps.layers import check_readable
from ..algorithm.maps.outputs import logits_of
from ..algorithm.masks import min_max, upsample
from ..algorithm.scoring import without_autocast
from ..algorithm.targets import Target, asks_for_classes, class_probabilities, resolve_target
from ..errors import CluscamError, NotApplicable
from ..explanation import Explanation
from ..reading import Reading, read

EQUAL_WEIGHTS = "weights: equal for all maps of a layer in at least one image, which say nothing of the class"
__all__ = [
    "EQUAL_WEIGHTS", "Question", "Rival", "ask", "check_explains_class", "finish", "hooked", "min_max",
    "probability_of", "read_class",
]  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What is explained: `target` (B,), `output` (B, C), and `baseline` (B,), the target's logit unmasked."""

    target: Tensor
    output: Tensor
    baseline: Tensor

    def logits(self, output: Tensor, images: Tensor) -> Tensor:
        """The explained logit of each row of `output` (n, C), row i being of image ``images[i]``: (n,)."""
        return logits_of(output, len(images)).gather(1, self.target[images, None])[:, 0]


def hooked(model: nn.Module, layer: str | nn.Module | None) -> HookedModel:
    """A `HookedModel`. Raises NotApplicable for anything but a torch module, UnknownName for an unknown layer, and
    CluscamError for what is compiled.
    """
    if not isinstance(model, nn.Module):
        raise NotApplicable(
            f"this method reads and changes what happens inside a torch module, and the model is a "
            f"{type(model).__name__}; use a method that only needs maps and logits, such as ClusCAM"
        )
    check_readable(model, "the model")
    return HookedModel(model, layer)


class Rival(ABC):
    """A method that explains a class by what happens inside a torch module. Subclasses implement `_explain`."""

    model: HookedModel

    @without_autocast
    def __call__(self, x: Tensor, target: Target = None) -> Explanation:
        """Explain one class of each image.

        Args:
            x: (B, 3, H, W), normalised as the network needs it.
            target: None (each image's top-1), a class, or a LongTensor or list of B classes.

        Returns:
            Saliency (B, H, W) in [0, 1], and what it cost.

        Raises:
            CluscamError: a malformed input or target, a layer without maps, NaN from the model, or a package that is
                not installed.
            NotApplicable: the method cannot explain this network, layer or image, and why.
        """
        check_explains_class(target)
        x = checked_input(x.detach() if isinstance(x, Tensor) else x, self.model)
        with borrowed(self.model.module):
            return self._explain(x, target)

    @abstractmethod
    def _explain(self, x: Tensor, target: Target) -> Explanation:
        """The explanation of checked images."""


def check_explains_class(target: Target) -> None:
    """Raise CluscamError for a function as target, or a list with one in it, which only ClusCAM takes."""
    if not asks_for_classes(target):
        raise CluscamError("this method explains a class; give target as None, a class or a LongTensor (B,)")


def ask(output: Any, target: Target, n_images: int) -> Question:
    """The question of an unmasked pass.

    Args:
        output: (B, C) logits, or what holds them.
        target: None (each image's top-1), a class, or a LongTensor (B,).
        n_images: B.

    Raises:
        CluscamError: a bad target, a function as target, or an output that is not (B, C).
    """
    check_explains_class(target)
    output = logits_of(output, n_images)
    classes, select = resolve_target(target, output, n_images)
    return Question(classes, output, select(output, torch.arange(len(output), device=output.device)).float())


def read_class(model: MapsModel, x: Tensor, target: Target, maps: bool = True) -> Reading:
    """`cluscam_lite.read` for methods that explain a class. Raises CluscamError for a function as target, too."""
    check_explains_class(target)
    return read(model, x, target, maps=maps)


def probability_of(select: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """As ``select(output (n, C), images (n,)) -> (n,)``, but the probability of the class, not its logit."""
    return lambda output, images: select(class_probabilities(logits_of(output, len(images)).float()), images)


def finish(maps: Tensor, size: tuple[int, int], question: Question | Reading, **facts: Any) -> Explanation:
    """An `Explanation` of raw maps: upsampled to the input's size if they are smaller, then min-max normalised.

    Args:
        maps: (B, h, w), of any range.
        size: (H, W) of the input.
        question: what was explained.
        facts: further fields of the explanation: layer, forward_passes, backward_passes, notes.
    """
    full = maps if maps.shape[-2:] == tuple(size) else upsample(maps[:, None], size)[:, 0]
    saliency, uniform = min_max(full.detach().float())
    return Explanation(saliency, question.target, question.output.detach(), uniform, **facts)
