"""The network on a masked image: which form of the map is the mask, what hidden pixels show, and the outcome."""

from collections.abc import Callable, Sequence
from operator import index

import torch
from torch import Tensor, nn

from ..algorithm.features import HookedModel
from ..algorithm.inputs import check_batch_size
from ..algorithm.memory_format import Passes
from ..algorithm.scoring import FILLS, Normalization, default_batch_size, fill_image, mask_input, without_autocast
from ..errors import CluscamError, unknown
from .faithfulness import changes, log_odds, probabilities

FORMS = ("raw", "matched", "complement")
COVERAGE = 0.5  # mean of a matched map
COMPLEMENT_FILL = "mean"  # the one fill that a complement is evaluated with
LOG_POWERS = (-6.0, 6.0)  # powers from 1/403 to 403


def matching_power(values: Tensor, means: Tensor, steps: int = 40) -> Tensor:
    """The power p for which the mean of ``values ** p`` is as wished, by bisection of log p.

    Args:
        values: (n, m) in [0, 1].
        means: (n,) wished for.
        steps: of the bisection.

    Returns:
        (n,), from 1/403 to 403.
    """
    low, high = (torch.full_like(means, end) for end in LOG_POWERS)
    for _ in range(steps):
        middle = (low + high) / 2
        too_large = (values ** middle.exp()[:, None]).mean(1) > means  # a larger power makes the mean smaller
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
    if not 0 < coverage < 1:
        raise CluscamError(f"coverage is {coverage}; expected a mean above 0 and below 1")
    _check_maps(saliency)
    values = saliency.float()
    power = matching_power(values.flatten(1), torch.full((len(values),), coverage, device=values.device))
    return values ** power[:, None, None]


def form_of(saliency: Tensor, form: str) -> Tensor:
    """Maps (B, H, W) as "raw", "matched" (see `matched`) or "complement" (1 - E). Raises UnknownName otherwise."""
    _check_maps(saliency)
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
    unmasked one first; the last pass is filled up with copies of it.

    Args:
        output: maps (m, 3, H, W) to logits (m, C); a torch module is put in eval mode for it.
        x: (1, 3, H, W), normalised.
        masks: n maps (H, W) in [0, 1].
        fills: n, what each copy's hidden pixels show, from `cluscam_lite.algorithm.scoring.fill_image`; None for zeros.
        batch_size: images in a pass, at least 2; None chooses by device and input size.

    Returns:
        Logits (n, C) of the unmasked image and (n, C) of the masked ones, row i of both from the same pass.

    Raises:
        CluscamError: no mask, or not one fill for each.
    """
    if len(masks) != len(fills) or len(masks) == 0:
        raise CluscamError(f"there are {len(masks)} masks and {len(fills)} fills; expected one fill for each mask")
    check_batch_size(batch_size)
    if isinstance(output, nn.Module):
        output = HookedModel(output).output  # in eval mode, and given back as it was
    per_pass = min(len(masks), max(2, batch_size or default_batch_size(x)) - 1)
    passes = Passes(x.device)
    x = x.contiguous(memory_format=passes.format)  # the masked copies take the same format
    unmasked, masked = [], []
    for start in range(0, len(masks), per_pass):
        chosen = list(zip(masks, fills, strict=True))[start : start + per_pass]
        copies = [mask_input(x, mask.to(x)[None, None], fill) for mask, fill in chosen]  # (1, 3, H, W) each
        spare = per_pass - len(copies)
        logits = passes(output, torch.cat([x, *copies, *[x] * spare]))  # (1 + per_pass, C)
        unmasked.append(logits[:1].expand(len(copies), -1))
        masked.append(logits[1 : 1 + len(copies)])
    return torch.cat(unmasked), torch.cat(masked)


def evaluate(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    saliency: Tensor,
    target: int,
    fills: Sequence[str] = FILLS,
    normalization: Normalization | None = None,
    forms: Sequence[str] = FORMS,
    batch_size: int | None = None,
) -> list[dict[str, float | str]]:
    """One map under every form and fill; "complement" with the fill "mean" alone.

    With the three fills, x and its seven masked copies make one batch of 8.

    Args:
        output: maps (m, 3, H, W) to logits (m, C).
        x: (1, 3, H, W), normalised.
        saliency: (H, W) or (1, H, W) in [0, 1].
        target: the explained class.
        fills: what hidden pixels show: "mean", "black", "blur".
        normalization: (mean, std) of the input, which "black" needs.
        forms: of the map: "raw", "matched" (see `matched`), "complement" (1 - E).
        batch_size: images in a pass, as in `masked_outputs`.

    Returns:
        One dict for each form and fill: ``form``, ``fill``, ``coverage`` (mean of that form of the map, 0 to 1),
        ``probability`` and ``probability_masked`` (0 to 1), ``log_odds`` and ``log_odds_masked`` (natural), and the
        keys of `cluscam_lite.metrics.changes` (percent).

    Raises:
        CluscamError: a map that does not fit the image or is not in [0, 1], a class outside the network's or without
            probability, or no form or fill at all.
    """
    grid = one_map(x, saliency)[None]  # (1, H, W)
    maps = {form: form_of(grid, form)[0].to(x) for form in dict.fromkeys(forms)}
    cases = [
        (form, fill) for form in maps for fill in (dict.fromkeys(fills) if form != "complement" else (COMPLEMENT_FILL,))
    ]
    if not cases:
        raise CluscamError("there is no form or no fill to evaluate; name at least one of each")
    shown = {fill: fill_image(x, fill, normalization) for _, fill in cases}
    logits = masked_outputs(
        output, x, [maps[form] for form, _ in cases], [shown[fill] for _, fill in cases], batch_size
    )
    classes = classes_of(target, logits[0])  # (n,)
    p, o = (probabilities(values, classes).cpu().numpy() for values in logits)
    odds, odds_masked = (log_odds(values, classes).tolist() for values in logits)
    terms = changes(p, o)
    return [
        {
            "form": form,
            "fill": fill,
            "coverage": float(maps[form].double().mean()),
            "probability": float(p[i]),
            "probability_masked": float(o[i]),
            "log_odds": odds[i],
            "log_odds_masked": odds_masked[i],
            **{key: float(values[i]) for key, values in terms.items()},
        }
        for i, (form, fill) in enumerate(cases)
    ]


def classes_of(target: int, logits: Tensor) -> Tensor:
    """The class for each row of logits (n, C): (n,). Raises CluscamError for a class outside the network's."""
    expected = f"expected one of the network's classes, a whole number from 0 to {logits.shape[1] - 1}"
    try:
        wanted = index(target)
    except TypeError:
        raise CluscamError(f"the class is {target!r}; {expected}") from None
    if not 0 <= wanted < logits.shape[1]:
        raise CluscamError(f"the class {wanted} is outside the network's; {expected}")
    return torch.full((len(logits),), wanted, device=logits.device)


def one_map(x: Tensor, saliency: Tensor) -> Tensor:
    """The map as (H, W). Raises CluscamError unless there is one image and one map of its size."""
    if x.ndim != 4 or len(x) != 1 or saliency.shape not in (x.shape[-2:], (1, *x.shape[-2:])):
        raise CluscamError(
            f"x is {tuple(x.shape)} and the map {tuple(saliency.shape)}; expected one image (1, 3, H, W) and one map "
            "(H, W) of its size"
        )
    saliency = saliency.detach().reshape(x.shape[-2:])
    return saliency if saliency.is_floating_point() else saliency.float()


def _check_maps(saliency: Tensor) -> None:
    if saliency.ndim != 3 or not saliency.numel() or not ((saliency >= 0) & (saliency <= 1)).all():
        raise CluscamError(
            f"the maps are {tuple(saliency.shape)}, or not in [0, 1]; expected (B, H, W) in [0, 1] without NaN"
        )
