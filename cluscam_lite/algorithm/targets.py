"""Which number of the network's output is explained."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import CluscamError, is_whole
from .maps.outputs import logits_of, note_probabilities

Select = Callable[[Tensor, Tensor], Tensor]
"""``select(output (n, C), images (n,)) -> (n,)``: the explained number of each row."""
Target = int | Tensor | Callable[[Tensor], Tensor] | Sequence[int | Callable[[Any], Any]] | None


def class_probabilities(output: Tensor) -> Tensor:
    """Probabilities (..., C) of logits (..., C): the softmax; of a single logit, C = 1, the sigmoid.

    The softmax of one logit is 1 whatever it is, so a network with one is taken as a classifier of two classes.
    """
    return output.sigmoid() if output.shape[-1] == 1 else output.softmax(-1)


def asks_for_classes(target: Target) -> bool:
    """Whether a target is classes alone, and no function of the output."""
    several = isinstance(target, Sequence) and any(callable(one) for one in target)
    return not callable(target) and not several


def resolve_target(target: Target, output: Tensor, n_images: int) -> tuple[Tensor, Select]:
    """What is explained of each image.

    Args:
        target: None (each image's top-1), a class, a LongTensor (B,) of classes, a function of the output that
            gives one number per row, or a list of B: for each image its class, or a function of its own row.
        output: of the unmasked images: (B, C), or what holds it (`cluscam_lite.algorithm.maps.outputs.class_logits`); a
            function is given whatever the network gave.
        n_images: B.

    Returns:
        The classes (B,), -1 for a function; and ``select(output (n, C), images (n,)) -> (n,)``, which reads the
        explained logit of each row.

    Raises:
        CluscamError: a class outside the network's range, a tensor or list of another length, or an output that is
            not (B, C), with a row for each image.
    """
    if not asks_for_classes(target):
        return _by_function(target, n_images) if callable(target) else _one_each(target, n_images)
    output = logits_of(output, n_images)
    note_probabilities(output)
    if (output.isnan() | output.isposinf()).any():  # minus infinity rules a class out, and is meant
        raise CluscamError(
            "the model gave NaN or infinite logits; expected finite numbers: check its weights, precision and "
            "preprocessing"
        )
    classes = _classes(target, output)
    return classes, lambda output, images: logits_of(output, len(images)).gather(1, classes[images, None])[:, 0]


def _by_function(target: Callable[[Any], Any], n_images: int) -> tuple[Tensor, Select]:
    """As `resolve_target`, for a function of the output."""

    def select(output: Tensor, images: Tensor) -> Tensor:
        value, rows = target(output), len(images)
        if not isinstance(value, Tensor) or value.shape != (rows,):
            raise CluscamError(f"the target function must give one number per row, a tensor of shape ({rows},)")
        return value

    return torch.full((n_images,), -1, dtype=torch.long), select


def _one_each(targets: Any, n_images: int) -> tuple[Tensor, Select]:
    """As `resolve_target`, for a list in which at least one is a function of one image's row."""
    if len(targets) != n_images:
        raise CluscamError(f"target has {len(targets)} functions for {n_images} images; expected one each")

    def value(row: Any, image: int) -> Tensor:
        one = targets[image]
        found = one(row) if callable(one) else _logit_of(row, one, image)
        number = found if isinstance(found, Tensor) else torch.tensor(found, dtype=torch.float32)
        if number.numel() != 1:
            raise CluscamError(f"target {image} gives {tuple(number.shape)} for its image; expected one number")
        return number.reshape(())

    def select(output: Tensor, images: Tensor) -> Tensor:
        return torch.stack([value(_row(output, row), image) for row, image in enumerate(images.tolist())])

    return torch.full((len(targets),), -1, dtype=torch.long), select


def _logit_of(row: Any, target: object, image: int) -> Tensor:
    """The logit of a class in one image's row. Raises CluscamError if it is not one of the row's classes."""
    if not is_whole(target) or not isinstance(row, Tensor) or row.ndim != 1 or not 0 <= target < len(row):
        given = f"{len(row)} classes" if isinstance(row, Tensor) and row.ndim == 1 else f"a {type(row).__name__}"
        raise CluscamError(
            f"target {image} is {str(target)[:80]!r} of {given}; expected a function of the image's row, or one of its "
            "classes"
        )
    logit: Tensor = row[target]
    return logit


def _classes(target: Any, output: Tensor) -> Tensor:
    b, n_classes = output.shape
    if target is None:
        return output.argmax(1)
    try:
        classes = torch.as_tensor(target, device=output.device)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        classes = None  # text, a dictionary, a number of more than 64 bits
    wrong = classes is None or classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool
    if classes is None or wrong or classes.ndim > 1:
        raise _no_target(target, b)
    if classes.ndim == 1 and len(classes) != b:
        raise CluscamError(f"target has {len(classes)} classes for {b} images; expected one each")
    if ((classes < 0) | (classes >= n_classes)).any():
        raise CluscamError(f"target {target} is outside the model's classes, 0 to {n_classes - 1}")
    return classes.long().expand(b)


def _no_target(target: object, n_images: int) -> CluscamError:
    return CluscamError(
        f"target is {str(target)[:80]!r}; expected None, a class number, a LongTensor ({n_images},) or a function"
    )


def _row(output: Any, row: int) -> Any:
    """What an output says of one of its images: of a dictionary, the row of each of its tensors."""
    if isinstance(output, Mapping):
        return {key: part[row] if isinstance(part, Tensor) and part.ndim else part for key, part in output.items()}
    return output[row]
