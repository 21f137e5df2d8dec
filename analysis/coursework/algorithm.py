"""Checks of the assignment on Algorithm 1: each step against a literal version, the whole against the library."""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from analysis.coursework.answers import NotRight, answer, right, same
from analysis.oracles.brute_force import full_maps
from cluscam_lite.algorithm.masks import upsample

CLOSE = 1e-3  # between two maps in [0, 1]: masked images are passed one by one or in batches


def check_masks(masks_of_groups: Callable[[Tensor, Tensor, tuple[int, int]], Tensor]) -> None:
    """Check ``masks_of_groups(maps (d, h, w), labels (d,), (H, W)) -> masks (K, H, W)``, Eq. 4.

    Raises NotRight with what is wrong.
    """
    generator = torch.Generator().manual_seed(1)
    maps = 3 * torch.rand(7, 4, 5, generator=generator) - 1  # (d, h, w), each with a range of its own
    maps = maps * torch.arange(1, 8)[:, None, None]
    labels, size = torch.tensor([0, 2, 1, 0, 1, 2, 0]), (12, 17)

    def means(full: Tensor) -> Tensor:
        return torch.stack([full[labels == j].mean(0) for j in range(3)])

    def resized(mode: str, **options: bool) -> Tensor:
        return interpolate(maps[None], size, mode=mode, **options)[0]

    mistakes = {
        "the maps of a group are averaged first and scaled afterwards; scale each map, then average": scaled(
            means(upsample(maps[None], size)[0])
        ),
        "the maps are not scaled to [0, 1] before they are averaged": means(upsample(maps[None], size)[0]),
        "the maps are scaled before they are upsampled; upsample first": means(
            interpolate(scaled(maps)[None], size, mode="bilinear")[0]
        ),
        'the maps are enlarged with mode="nearest"; take mode="bilinear"': means(scaled(resized("nearest"))),
        "leave align_corners as it is, False": means(scaled(resized("bilinear", align_corners=True))),
        "it is the sum of a group's maps; take their mean": means(full_maps(maps, size))
        * torch.bincount(labels)[:, None, None],
    }
    found = answer(masks_of_groups, maps, labels, size)
    same(found, means(full_maps(maps, size)), "masks_of_groups", mistakes)
    right("a mask is the mean of a group's maps, each upsampled and scaled to [0, 1].")


def scaled(maps: Tensor) -> Tensor:
    """Each map (n, h, w) to [0, 1]."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low).clamp(min=1e-30)


def check_scores(scores_of: Callable[[Tensor, Tensor, Callable[[Tensor], Tensor]], Tensor]) -> None:
    """Check ``scores_of(masks (K, H, W), x (1, 3, H, W), logit) -> scores (K,)``, Eq. 5.

    `logit` maps images (n, 3, H, W) to the target's logits (n,). Raises NotRight with what is wrong.
    """
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(1, 3, 8, 9, generator=generator)
    masks = torch.rand(5, 8, 9, generator=generator)
    weights = torch.randn(3, 8, 9, generator=generator)

    def logit(images: Tensor) -> Tensor:
        return torch.tanh((images * weights).mean((1, 2, 3))) * 10 + 3

    shown, hidden, whole = logit(x * masks[:, None]), logit(x * (1 - masks[:, None])), logit(x)
    mistakes = {
        "the logit of the whole image is not subtracted": shown,
        "the sign is turned round: it is the masked image's logit less the whole image's": whole - shown,
        "it is the absolute change; keep the sign": (shown - whole).abs(),
        "it hides what the mask shows; multiply by the mask, not by one minus it": hidden - whole,
        "it is what is lost when the region is hidden; the score is of the region alone": whole - hidden,
        "it is a ratio; the score is a difference": shown / whole,
    }
    same(answer(scores_of, masks, x, logit), shown - whole, "scores_of", mistakes)
    right("a score is the change of the logit when only the mask's region is shown.")


def check_weights(weights_of: Callable[[Tensor, float], Tensor]) -> None:
    """Check ``weights_of(scores (K,), r) -> weights (K,)``, Eqs. 6 and 10. Raises NotRight with what is wrong."""
    scores, r = torch.tensor([-2.0, 0.5, -0.3, 1.2, -1.1, 0.1, -4.0, 0.8, -0.7, 0.3]), 0.37
    n, order = len(scores), scores.argsort()
    dropped, tau = math.floor(r * n), 1 / math.log(1 + r * n)

    def weigh(kept: Tensor, by: float) -> Tensor:
        return torch.zeros(n).scatter(0, kept, torch.softmax(scores[kept] * by, 0))

    kept = order[dropped:]
    all_first = torch.softmax(scores / tau, 0)
    mistakes = {
        "the best groups are dropped; drop the worst": weigh(order[: n - dropped], 1 / tau),
        "the scores are multiplied by tau; divide by it": weigh(kept, tau),
        "the softmax has no temperature; divide the scores by tau": weigh(kept, 1.0),
        "no group is dropped": all_first,
        "the weights of the kept groups do not add up to 1; drop before the softmax": all_first
        * torch.zeros(n).scatter(0, kept, 1.0),
        "tau is 1 / log(1 + (1 - r) K); in Eq. 10 it is 1 / log(1 + r K)": weigh(kept, math.log(1 + (1 - r) * n)),
        "one group too many is dropped; drop r K, rounded down": weigh(order[dropped + 1 :], 1 / tau),
        "r K groups are kept; drop as many": weigh(order[n - dropped :], 1 / tau),
    }
    same(answer(weights_of, scores, r), weigh(kept, 1 / tau), "weights_of", mistakes)
    right("the worst are dropped, the weights of the rest add up to 1.")


def check_map(found: Tensor, reference: Tensor, name: str = "cluscam") -> None:
    """Check a map (H, W) against that of the library, `reference`. Raises NotRight with what is wrong."""
    mistakes = {
        "the map is upside down": 1 - reference,
    }
    low, high = float(found.min()), float(found.max())
    if found.shape == reference.shape and (abs(low) > CLOSE or abs(high - 1) > CLOSE):
        raise NotRight(f"{name} gives a map from {low:.2f} to {high:.2f}; scale it to [0, 1] at the end")
    same(found, reference, name, mistakes, tolerance=CLOSE)
    right(f"the map and the library's differ by at most {float((found - reference).abs().max()):.0e}.")


def check_shuffled(shuffled: Callable[[Tensor, int], Tensor]) -> None:
    """Check ``shuffled(labels (d,), seed) -> labels (d,)``: groups as large as before, members drawn at random."""
    labels = torch.tensor([0] * 12 + [1] * 5 + [2] * 3 + [3] * 20)
    found = [answer(shuffled, labels.clone(), seed) for seed in (0, 0, 1)]
    for one in found:
        if not isinstance(one, Tensor) or one.shape != labels.shape:
            raise NotRight("shuffled must give a tensor of labels as long as the one that it gets")
    first, again, other = found
    if not torch.equal(first.bincount(minlength=4), labels.bincount()):
        raise NotRight("shuffled changes how large the groups are; permute the labels instead of drawing new ones")
    if torch.equal(first, labels):
        raise NotRight("shuffled gives the labels back as they were")
    if not torch.equal(first, again) or torch.equal(first, other):
        raise NotRight("shuffled must depend on the seed, and on the seed alone")
    right("groups of the same sizes, with members drawn at random.")


def lines_of(*functions: Callable[..., object]) -> int:
    """How many lines of code functions have together, without `def` lines, docstrings, comments and blank lines."""
    total = 0
    for function in functions:
        source = textwrap.dedent(inspect.getsource(function))
        body = ast.parse(source).body[0].body
        if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body = body[1:]
        start = body[0].lineno if body else len(source.splitlines()) + 1
        lines = (line.strip() for line in source.splitlines()[start - 1 :])
        total += sum(bool(line) and not line.startswith("#") for line in lines)
    return total
