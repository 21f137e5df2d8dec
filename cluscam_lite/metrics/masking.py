"""The network on a masked image: which form of the map is the mask, and the outputs of its masked copies."""

from collections.abc import Callable, Sequence
from operator import index

import numpy as np
import torch
from torch import Tensor, nn

from ..algorithm.features import HookedModel, MapsModel
from ..algorithm.given import checked_images, real_numbers
from ..algorithm.inputs import check_batch_size
from ..algorithm.maps.outputs import logits_of
from ..algorithm.memory_format import Passes
from ..algorithm.scoring import default_batch_size, mask_input, without_autocast
from ..errors import CluscamError, is_number, unknown

FORMS = ("raw", "matched", "complement")
COVERAGE = 0.5  # mean of a matched map
LOG_POWERS = (-6.0, 6.0)  # powers from 1/403 to 403


def matching_power(values: Tensor, means: Tensor, steps: int = 40) -> Tensor:
    """The power p for which the mean of ``values ** p`` is as wished, by bisection of log p.

    Args:
        values: (n, m) in [0, 1].
        means: (n,) wished for.
        steps: of the bisection.

    Returns:
        (n,), from 1/403 to 403.

    Raises:
        CluscamError: other shapes.
    """
    values, means = real_numbers(values, "the values"), real_numbers(means, "the means")
    if values.ndim != 2 or means.shape != values.shape[:1]:
        raise CluscamError(
            f"the values are {tuple(values.shape)} and the means {tuple(means.shape)}; expected (n, m) and (n,)"
        )
    low, high = (torch.full_like(means, end) for end in LOG_POWERS)
    logs = values.log()  # a power of a value is a multiple of its logarithm, which is much the cheaper
    for _ in range(steps):
        middle = (low + high) / 2
        too_large = (logs * middle.exp()[:, None]).exp_().mean(1) > means  # a larger power makes the mean smaller
        low, high = torch.where(too_large, middle, low), torch.where(too_large, high, middle)
    return ((low + high) / 2).exp()


def matched(saliency: Tensor, coverage: float = COVERAGE) -> Tensor:
    """Each map raised to the power that brings its mean to one coverage.

    The order of the pixels stays (far values may round to a tie). Zeros and ones stay zeros and ones under every
    power: a map of them alone is given back as it is, and a map with too many of either gets as near as powers from
    1/403 to 403 take it.

    Args:
        saliency: (B, H, W) in [0, 1].
        coverage: the mean of the result, 0 < coverage < 1.

    Raises:
        CluscamError: values or a coverage out of range.
    """
    if not is_number(coverage) or not 0 < coverage < 1:
        raise CluscamError(f"coverage is {coverage!r}; expected a mean above 0 and below 1")
    values = _checked_maps(saliency).float()
    power = matching_power(values.flatten(1), torch.full((len(values),), coverage, device=values.device))
    return values ** power[:, None, None]


def form_of(saliency: Tensor, form: str) -> Tensor:
    """Maps (B, H, W) as "raw", "matched" (see `matched`) or "complement" (1 - E). Raises UnknownName otherwise."""
    saliency = _checked_maps(saliency)
    if form == "raw":
        return saliency
    if form == "matched":
        return matched(saliency)
    if form == "complement":
        return 1 - saliency
    raise unknown("form", form, FORMS)


@torch.no_grad()
@without_autocast
def masked_outputs(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    masks: Tensor | Sequence[Tensor],
    fills: Sequence[Tensor | None],
    batch_size: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The network on n masked copies of one image, each beside the unmasked image in its own pass.

    Probabilities move by about 5e-7 with the shape of a batch. So every pass holds the same number of images, the
    unmasked one first; the last pass is filled up with copies of it. With batch_size=1 each runs alone.

    Args:
        output: maps (m, 3, H, W) to logits (m, C); a torch module is put in eval mode for it.
        x: (1, 3, H, W), normalised.
        masks: n maps (H, W) in [0, 1].
        fills: n, what each copy's hidden pixels show, from `cluscam_lite.algorithm.scoring.fill_image`; None for zeros.
        batch_size: images in a pass; None chooses by device and input size.

    Returns:
        Logits (n, C) of the unmasked image and (n, C) of the masked ones, row i of both from the same pass, or from
        passes of the same size.

    Raises:
        CluscamError: more than one image, no mask, one that is not of its size and in [0, 1], or not one fill for each.
    """
    for name, given in (("masks", masks), ("fills", fills)):
        if not isinstance(given, Sequence | Tensor | np.ndarray) or isinstance(given, str):
            raise CluscamError(f"the {name} are a {type(given).__name__}; expected a list, one for each masked copy")
    if len(masks) != len(fills) or len(masks) == 0:
        raise CluscamError(f"there are {len(masks)} masks and {len(fills)} fills; expected one fill for each mask")
    masks = [one_map(x, mask)[1] for mask in masks]
    if not all(((mask >= 0) & (mask <= 1)).all() for mask in masks):
        raise CluscamError("a mask is not in [0, 1], or has NaN; expected shares of each pixel that are shown")
    for fill in fills:
        if fill is None:
            continue
        shape = tuple(fill.shape) if isinstance(fill, Tensor) else f"a {type(fill).__name__}"
        fits = len(shape) == x.ndim and all(n in (1, of) for n, of in zip(shape, x.shape, strict=True))
        if not fits:  # one of several images would meet the wrong mask
            raise CluscamError(f"a fill is {shape}; expected a tensor like x, {tuple(x.shape)}, or None for zeros")
    check_batch_size(batch_size)
    output = logits_function(output)
    one_by_one = batch_size == 1
    per_pass = 1 if one_by_one else min(len(masks), (batch_size or max(2, default_batch_size(x))) - 1)
    passes = Passes(x.device)
    x = x.contiguous(memory_format=passes.format)  # the masked copies take the same format
    unmasked: list[Tensor] = []
    masked: list[Tensor] = []
    for start in range(0, len(masks), per_pass):
        chosen = list(zip(masks, fills, strict=True))[start : start + per_pass]
        copies = [mask_input(x, mask.to(x)[None, None], fill) for mask, fill in chosen]  # (1, 3, H, W) each
        if one_by_one:
            unmasked.append(unmasked[0] if unmasked else passes(output, x))
            masked.append(passes(output, copies[0]))
            continue
        spare = per_pass - len(copies)
        logits = passes(output, torch.cat([x, *copies, *[x] * spare]))  # (1 + per_pass, C)
        unmasked.append(logits[:1].expand(len(copies), -1))
        masked.append(logits[1 : 1 + len(copies)])
    return torch.cat(unmasked), torch.cat(masked)


def logits_function(output: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The logits that a torch module, a model of maps or any other function gives.

    A module is put in eval mode for each pass, and takes images on its device and in its precision. Raises CluscamError
    for what is no function at all.
    """
    model = HookedModel(output) if isinstance(output, nn.Module) else output
    run = model.output if isinstance(model, MapsModel) else output
    if not callable(run):
        raise CluscamError(f"the network is a {type(output).__name__}; expected a torch module, or what gives logits")
    parameters = output.parameters() if isinstance(output, nn.Module) else ()
    like = next((parameter for parameter in parameters if parameter.is_floating_point()), None)
    return lambda x: logits_of(run(x if like is None else x.to(like)), len(x))


def check_class(target: int, n_classes: int) -> int:
    """The class as a number. Raises CluscamError for one outside the network's, or what is no whole number."""
    expected = f"expected one of the network's classes, a whole number from 0 to {n_classes - 1}"
    try:
        wanted = index(target)
    except TypeError:
        wanted = None
    if wanted is None or isinstance(target, bool):
        raise CluscamError(f"the class is {target!r}; {expected}")
    if not 0 <= wanted < n_classes:
        raise CluscamError(f"the class {wanted} is outside the network's; {expected}")
    return wanted


def one_map(x: Tensor, saliency: Tensor) -> tuple[Tensor, Tensor]:
    """The image, and its map as (H, W). Raises CluscamError unless there is one image and one map of its size."""
    x, saliency = checked_images(x), real_numbers(saliency, "the map")
    if len(x) != 1 or saliency.shape not in (x.shape[-2:], (1, *x.shape[-2:])):
        raise CluscamError(
            f"x is {tuple(x.shape)} and the map {tuple(saliency.shape)}; expected one image (1, 3, H, W) and one map "
            "(H, W) of its size"
        )
    return x, saliency.reshape(x.shape[-2:])


def _checked_maps(given: Tensor) -> Tensor:
    saliency = real_numbers(given, "the map")
    if saliency.ndim != 3 or not saliency.numel() or not ((saliency >= 0) & (saliency <= 1)).all():
        raise CluscamError(
            f"the maps are {tuple(saliency.shape)}, or not in [0, 1]; expected (B, H, W) in [0, 1] without NaN"
        )
    return saliency
