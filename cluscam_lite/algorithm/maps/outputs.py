"""A network's pass, and the logits in what it gives."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ...errors import CluscamError, ClusCAMWarning, reason_of
from ..memory_format import REFUSAL

Call = Callable[[nn.Module, Tensor], Any]
"""``call(module, x)`` runs a network on images."""

REFUSALS = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)
"""What networks raise at a shape that they were not written for."""
PASSED_ON = (torch.OutOfMemoryError, NotImplementedError, CluscamError)  # of their kinds, but not for shapes
OF_CHANNELS = "channels, but got"  # what torch's convolutions say of another number of them
MANY = 8  # logits of which it is unlikely that all lie between 0 and 1
ONE_BY_ONE = "set batch_size=1, and give one image in a call"

_writes: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()  # whether a network writes into its input


def passed(module: nn.Module, x: Tensor, call: Call | None = None) -> Tensor:
    """A pass, by `call` if there is one: the network's output, a tensor, or the `logits` of an output object.

    A network that writes into its input, which its first pass shows, writes into a copy. In inference mode, where
    that cannot be seen, each does.
    """
    given = x.clone() if x.is_inference() or _writes.get(module, True) else x
    unseen = given.is_inference()
    before = 0 if unseen else given._version
    output = _passed(module, given, call)
    if not unseen and module not in _writes:
        _writes[module] = given._version != before
    logits: Tensor = getattr(output, "logits", output)
    return logits


def _passed(module: nn.Module, x: Tensor, call: Call | None) -> Any:
    """The network's output.

    Raises CluscamError where it refuses images of other than three channels, or more than one image in a pass; all else
    that it raises is passed on.
    """
    run: Callable[[Tensor], Any] = module if call is None else partial(call, module)
    try:
        return run(x)
    except REFUSALS as error:
        if isinstance(error, PASSED_ON) or REFUSAL in str(error):
            raise  # who asked knows what to do then
        if isinstance(error, RuntimeError) and (x.shape[1] != 3 or OF_CHANNELS in str(error)):
            raise CluscamError(
                f"the network does not take images of {x.shape[1]} channel{'s' * (x.shape[1] > 1)} "
                f"({reason_of(error)}); expected (B, 3, H, W), or what the network was made for"
            ) from error
        if len(x) == 1 or not _takes(run, x[:1]):
            raise
        raise CluscamError(
            f"the network takes one image, and not {len(x)} in a pass ({reason_of(error)}); {ONE_BY_ONE}"
        ) from error


def _takes(run: Callable[[Tensor], Any], x: Tensor) -> bool:
    try:
        run(x)
    except Exception:
        return False
    return True


def class_logits(output: Any) -> Any:
    """The logits (n, C) in what a network gave: itself, (n,) as (n, 1), or those of a dictionary, tuple or list.

    A dictionary's are under `logits` or `out`; a tuple's or list's come first. Anything else is given back as it is.
    """
    if isinstance(output, Mapping):
        found = next((output[key] for key in ("logits", "out") if key in output), None)
        return output if found is None else class_logits(found)
    if isinstance(output, tuple | list) and output:
        return class_logits(output[0])
    return output[:, None] if isinstance(output, Tensor) and output.ndim == 1 else output


def logits_of(output: Any, n_images: int) -> Tensor:
    """The logits (n, C) in what a network gave for n images, as `class_logits` finds them.

    Raises CluscamError unless they are real numbers in a dense tensor, a row for each image and at least one class.
    """
    logits, advice = class_logits(output), ""
    if _is_ranked(output):
        given = "values with their classes, as topk does,"
    elif not isinstance(logits, Tensor):
        keys = f" with the keys {', '.join(map(str, logits))}" if isinstance(logits, Mapping) else ""
        given = f"a {type(logits).__name__}{keys}"
    elif logits.layout != torch.strided or not logits.is_floating_point():
        given = f"a {'sparse ' * (logits.layout != torch.strided)}tensor of {logits.dtype} {tuple(logits.shape)}"
    elif logits.ndim != 2 or len(logits) != n_images or not logits.shape[1]:
        given = f"a tensor of shape {tuple(logits.shape)}"
        if logits.ndim == 2 and len(logits) == 1 and logits.shape[1]:
            advice = f", or one image at a time: {ONE_BY_ONE}"
    else:
        return logits
    raise CluscamError(
        f"the model gives {given} for {n_images} image{'s' * (n_images > 1)}; expected logits (B, C), a row for each, "
        f"or a function of the output as target{advice}"
    )


def _is_ranked(output: Any) -> bool:
    """Whether an output is values and, of the same shape, the classes that they are of."""
    if not isinstance(output, tuple | list) or len(output) < 2:
        return False
    values, classes = output[:2]
    both = isinstance(values, Tensor) and isinstance(classes, Tensor) and values.shape == classes.shape
    return both and not classes.is_floating_point()


def note_probabilities(logits: Tensor) -> None:
    """Warn where logits (n, C) look like probabilities or their logarithms.

    Probabilities of a softmax lie within [0, 1] and sum to 1; so do the exponentials of a log-softmax. Many numbers
    that all lie between 0 and 1 look like those of a sigmoid.
    """
    n_classes, values = logits.shape[1], logits.double()
    within = bool(((values >= 0) & (values <= 1)).all())
    if n_classes > 1 and within and bool(((values.sum(1) - 1).abs() < 1e-3).all()):
        warn_of_probabilities("probabilities, not logits, since each row sums to 1", "softmax")
    elif n_classes > 1 and bool((values.logsumexp(1).abs() < 1e-4).all()):
        warn_of_probabilities(
            "log-probabilities, not logits, since the exponentials of each row sum to 1", "log-softmax"
        )
    elif n_classes >= MANY and bool(((values > 0) & (values < 1)).all()):
        warn_of_probabilities("probabilities, not logits, since all lie between 0 and 1", "sigmoid")


def warn_of_probabilities(what: str, closing: str) -> None:
    """Warn that a network seems to give `what`, by an operation that closes it."""
    warnings.warn(
        f"the network seems to give {what}: scores and probabilities will be wrong; leave its closing {closing} out",
        ClusCAMWarning,
        stacklevel=3,
    )
