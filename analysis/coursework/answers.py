"""Answers of students: called so that whatever goes wrong is one sentence, and compared with known mistakes."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from cluscam_lite.errors import CluscamError


class NotRight(CluscamError):
    """An answer that is missing or wrong. A notebook shows the sentence alone, without the lines of the check."""

    def _render_traceback_(self) -> list[str]:
        """What IPython prints instead of a traceback."""
        return [f"Not yet: {self}"]


def answer(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a student's function gives. Raises NotRight if it is not written yet, or stops with an error."""
    try:
        return function(*arguments)
    except NotImplementedError as error:
        raise NotRight(f"{function.__name__} is not written yet; write it above, and run that cell") from error
    except NotRight:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or "no message"
        raise NotRight(f"{function.__name__} stops{_line_of(error)} with {type(error).__name__}: {reason}") from error


def _line_of(error: BaseException) -> str:
    """The line of the last cell that the error went through, " in line 3 of its cell"; "" if it went through none."""
    line, step = "", error.__traceback__
    while step:
        if "ipykernel" in step.tb_frame.f_code.co_filename:
            line = f" in line {step.tb_lineno} of its cell"
        step = step.tb_next
    return line


def tensor(found: Any, shape: tuple[int, ...], name: str) -> Tensor:
    """The answer as a tensor of float64. Raises NotRight if it is none, has another shape, or is not finite."""
    if not isinstance(found, Tensor):
        raise NotRight(f"{name} gives {_a(type(found).__name__)}, but must give a torch tensor")
    if tuple(found.shape) != tuple(shape):
        raise NotRight(f"{name} gives the shape {tuple(found.shape)}, but must give {tuple(shape)}")
    if not torch.isfinite(found.double()).all():
        raise NotRight(f"{name} gives numbers that are not finite; is something divided by zero?")
    return found.detach().double()


def same(
    found: Any, right: Tensor, name: str, mistakes: Mapping[str, Tensor] | None = None, tolerance: float = 1e-4
) -> None:
    """Raise NotRight unless `found` is `right`, of its shape, up to `tolerance`.

    Args:
        found: the answer.
        right: what it must be.
        name: of the student's function.
        mistakes: what is wrong, as a sentence's end -> the numbers that this mistake gives.
    """
    got = tensor(found, tuple(right.shape), name)
    far = float((got - right.double()).abs().max())
    if far <= tolerance:
        return
    for told, wrong in (mistakes or {}).items():
        if wrong.shape == right.shape and float((got - wrong.double()).abs().max()) <= tolerance:
            raise NotRight(f"{name} is not right: {told}")
    raise NotRight(f"{name} is not right: it is away from the right answer by up to {far:.2g}")


def right(text: str) -> None:
    """Say that a check was passed."""
    print(f"Right: {text}")


def _a(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
