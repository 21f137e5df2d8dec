"""What the network makes of maps: every form with every fill, the masked copies of several images sharing passes."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..algorithm.given import Normalization, checked_images, real_numbers
from ..algorithm.inputs import check_batch_size
from ..algorithm.maps.layouts import size_of
from ..algorithm.maps.outputs import note_probabilities
from ..algorithm.memory_format import Passes
from ..algorithm.scoring import FILLS, default_batch_size, fill_image, without_autocast
from ..errors import CluscamError
from .faithfulness import changes, log_odds, probabilities
from .masking import FORMS, check_class, form_of, logits_function, one_map

KNOWN = {"forms": FORMS, "fills": FILLS}
COMPLEMENT_FILL = "mean"  # the one fill that a complement is evaluated with

Rows = list[dict[str, float | str]]
"""One dict for each form and fill, with the keys that `evaluate` lists."""


@dataclass(frozen=True)
class Evaluated:
    """B maps under every form and fill.

    Attributes:
        rows: of each image, as `evaluate` gives them.
        unmasked: (B, C) logits of the images themselves.
    """

    rows: list[Rows]
    unmasked: Tensor


def evaluate(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    saliency: Tensor,
    target: int,
    fills: Sequence[str] | None = None,
    normalization: Normalization | None = None,
    forms: Sequence[str] = FORMS,
    batch_size: int | None = None,
) -> Rows:
    """One map under every form and fill; "complement" with the fill "mean" alone.

    With the three fills, x and its seven masked copies make one batch of 8.

    Args:
        output: maps (m, 3, H, W) to logits (m, C); a torch module is put in eval mode for it.
        x: (1, 3, H, W), normalised.
        saliency: (H, W) or (1, H, W) in [0, 1].
        target: the explained class.
        fills: what hidden pixels show: "mean", "black", "blur"; None is all three, or without `normalization`, which
            "black" needs, the two others.
        normalization: (mean, std) of the input.
        forms: of the map: "raw", "matched" (see `matched`), "complement" (1 - E).
        batch_size: images in a pass; None chooses by device and input size.

    Returns:
        One dict for each form and fill: ``form``, ``fill``, ``coverage`` (mean of that form of the map, 0 to 1),
        ``probability`` and ``probability_masked`` (0 to 1), ``log_odds`` and ``log_odds_masked`` (natural), and the
        keys of `cluscam_lite.metrics.changes` (percent).

    Raises:
        CluscamError: a map that does not fit the image or is not in [0, 1], a class outside the network's or without
            probability, or no form or fill at all.
    """
    x, grid = one_map(x, saliency)  # (1, 3, H, W), (H, W)
    return evaluate_images(output, x, grid[None], [target], fills, normalization, forms, batch_size).rows[0]


@torch.no_grad()
@without_autocast
def evaluate_images(
    output: Callable[[Tensor], Tensor],
    x: Tensor,
    saliency: Tensor,
    targets: Sequence[int],
    fills: Sequence[str] | None = None,
    normalization: Normalization | None = None,
    forms: Sequence[str] = FORMS,
    batch_size: int | None = None,
    unmasked: Tensor | None = None,
) -> Evaluated:
    """`evaluate` for B images at once: their masked copies share passes.

    Probabilities move by about 5e-7 with the shape of a batch. So every pass holds the same number of images, the
    unmasked ones among them; the last pass is filled up with copies of the first image.

    Args:
        x: (B, 3, H, W), normalised.
        saliency: (B, H, W) in [0, 1], one map of each image.
        targets: the B explained classes.
        output, fills, normalization, forms, batch_size: as in `evaluate`.
        unmasked: (B, C), what an earlier call with as many images, forms and fills gave; None: computed here.

    Raises:
        CluscamError: as in `evaluate`.
    """
    check_batch_size(batch_size)
    if fills is None:
        fills = [fill for fill in FILLS if fill != "black" or normalization is not None]
    cases, output = cases_of(forms, fills), logits_function(output)
    x, saliency = checked_images(x), real_numbers(saliency, "the map")
    if not torch.isfinite(x).all():
        raise CluscamError("x contains NaN or infinite values; expected normalised images")
    unmasked = None if unmasked is None else real_numbers(unmasked, "unmasked")
    targets = targets.tolist() if isinstance(targets, np.ndarray) else targets
    if not isinstance(targets, Sequence | Tensor) or isinstance(targets, str):
        raise CluscamError(f"targets is {targets!r}; expected a class for each image")
    if saliency.shape != (len(x), *size_of(x)) or len(targets) != len(x):
        raise CluscamError(
            f"x is {tuple(x.shape)}, the maps {tuple(saliency.shape)}, and there are {len(targets)} classes; expected "
            "images (B, 3, H, W), a map (H, W) of its size for each, and a class for each"
        )
    passes = Passes(x.device)
    x = x.contiguous(memory_format=passes.format)  # the masked copies take the same format
    maps = {form: form_of(saliency, form).to(x) for form in dict.fromkeys(forms)}  # (B, H, W) each
    shown = {fill: fill_image(x, fill, normalization) for _, fill in cases}
    whole, masked = _outputs(partial(passes, output), x, passes.format, maps, shown, cases, batch_size, unmasked)
    note_probabilities(whole)
    classes = torch.tensor([check_class(c, whole.shape[1]) for c in targets], device=x.device)
    of_case = classes.repeat_interleave(len(cases))  # (B cases,)
    p = probabilities(whole, classes).repeat_interleave(len(cases))
    odds = log_odds(whole, classes).repeat_interleave(len(cases))
    numbers = {"probability": p, "probability_masked": probabilities(masked, of_case)}
    numbers |= {"log_odds": odds, "log_odds_masked": log_odds(masked, of_case)}
    found = {name: values.cpu().numpy() for name, values in numbers.items()}
    found |= changes(found["probability"], found["probability_masked"])
    coverage = {form: grids.double().mean((1, 2)).tolist() for form, grids in maps.items()}
    rows: list[Rows] = [[] for _ in targets]
    for i, image in enumerate(torch.arange(len(x)).repeat_interleave(len(cases)).tolist()):
        form, fill = cases[i % len(cases)]
        known = {"form": form, "fill": fill, "coverage": coverage[form][image]}
        rows[image].append(known | {name: float(values[i]) for name, values in found.items()})
    return Evaluated(rows, whole)


def cases_of(forms: Sequence[str], fills: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of form and fill to evaluate. Raises CluscamError if there is none, or for what is no list of names."""
    for name, words in (("forms", forms), ("fills", fills)):
        if isinstance(words, str) or not isinstance(words, Collection):
            raise CluscamError(f"{name} is {words!r}; expected a list of names, of {KNOWN[name]}")
        for word in words:
            if not isinstance(word, str):
                raise CluscamError(f"{name} has a {type(word).__name__} in it; expected names, of {KNOWN[name]}")
    found = [
        (form, fill)
        for form in dict.fromkeys(forms)
        for fill in (dict.fromkeys(fills) if form != "complement" else (COMPLEMENT_FILL,))
    ]
    if not found:
        raise CluscamError("there is no form or no fill to evaluate; name at least one of each")
    return found


def _outputs(
    network: Callable[[Tensor], Tensor],
    x: Tensor,
    format_: torch.memory_format,
    maps: dict[str, Tensor],
    shown: dict[str, Tensor | None],
    cases: list[tuple[str, str]],
    batch_size: int | None,
    unmasked: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Logits (B, C) of the images and (B cases, C) of their masked copies, image by image."""
    each = cases if unmasked is not None else [None, *cases]  # None: as it is
    wanted = [(image, case) for image in range(len(x)) for case in each]
    size = batch_size or max(2, default_batch_size(x))
    size = min(size, len(x) * (1 + len(cases)))  # whether `unmasked` is or not
    found = []
    for start in range(0, len(wanted), size):
        chosen = wanted[start : start + size]
        inputs = torch.empty((size, *x.shape[1:]), dtype=x.dtype, device=x.device, memory_format=format_)
        for place, (image, case) in zip(inputs, chosen, strict=False):
            if case is None:
                place.copy_(x[image])
                continue
            mask, fill = maps[case[0]][image], shown[case[1]]  # (H, W); (1 or B, 3, H, W), or None for zeros
            if fill is None:
                torch.mul(x[image], mask, out=place)
            else:
                torch.lerp(fill[image % len(fill)], x[image], mask, out=place)
        inputs[len(chosen) :] = x[0]
        found.append(network(inputs)[: len(chosen)])
    logits = torch.cat(found)  # (B each, C)
    if unmasked is not None:
        if unmasked.shape != (len(x), logits.shape[1]):
            raise CluscamError(
                f"unmasked is {tuple(unmasked.shape)}; expected ({len(x)}, {logits.shape[1]}), what an earlier call "
                "gave for the same images and network"
            )
        return unmasked.to(logits), logits
    by_image = logits.view(len(x), len(each), *logits.shape[1:])
    return by_image[:, 0], by_image[:, 1:].flatten(0, 1)
