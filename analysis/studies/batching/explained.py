"""The maps of several images at once, each as the image would get it alone; and their evaluation in shared passes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from analysis.engine import Cell
from analysis.studies.batching.machine import Machine
from analysis.studies.batching.pictures import Picture, device_of, kept
from analysis.studies.explaining import explainer_of_images, logits
from cluscam_lite.algorithm.scoring import FILLS, default_batch_size
from cluscam_lite.errors import NotApplicable
from cluscam_lite.explanation import Explanation
from cluscam_lite.metrics.evaluation import Rows, cases_of, evaluate_images
from cluscam_lite.metrics.masking import FORMS
from cluscam_lite.models import LoadedModel
from cluscam_lite.rivals.trivial import TrivialMap

Result = TypeVar("Result")


@dataclass(frozen=True)
class Explained:
    """One image's part of an explanation: target, map (H, W) in [0, 1], whether it is without contrast, passes."""

    target: int
    saliency: Tensor
    uniform: bool
    forward_passes: int
    backward_passes: int


def inputs_of(model: LoadedModel, pictures: Sequence[Picture]) -> Tensor:
    """The pictures as the network takes them, on its device and of its type: (B, 3, H, W)."""
    return torch.stack([picture.x for picture in pictures]).to(next(model.module.parameters()), non_blocking=True)


def donors_in(model: LoadedModel, pictures: Sequence[Picture]) -> Tensor | None:
    """The images that lend their masks, as `inputs_of`; None if the cell has none."""
    found = [picture.donor for picture in pictures if picture.donor is not None]
    return torch.stack(found).to(next(model.module.parameters()), non_blocking=True) if found else None


def explained(cell: Cell, model: LoadedModel, pictures: Sequence[Picture]) -> list[Explained | NotApplicable]:
    """The cell's method on several images at once; for an image that it cannot explain, why."""
    ids, donors = [picture.image_id for picture in pictures], donors_in(model, pictures)
    try:
        explainer, x = explainer_of_images(cell, model, ids, donors), inputs_of(model, pictures)
        known = known_logits(cell, model, pictures)
        if known is not None and isinstance(explainer, TrivialMap):
            return parts_of(explainer.named(x, known))  # it asks for the class, and for nothing else
        return parts_of(explainer(x))
    except NotApplicable as error:
        if len(pictures) == 1:
            return [error]
    # one of them, or all: each is asked by itself
    return [one for picture in pictures for one in explained(cell, model, [picture])]


def known_logits(cell: Cell, model: LoadedModel, pictures: Sequence[Picture], size: int | None = None) -> Tensor | None:
    """What the network says of the pictures, (B, C), if that is known of all; from passes of `size`, None: of any."""
    found = [kept(model).logits.get(_key(cell, picture, size)) for picture in pictures]
    return None if any(one is None for one in found) else torch.stack(found)


def keep_logits(cell: Cell, model: LoadedModel, pictures: Sequence[Picture], size: int, found: Tensor) -> None:
    """Keep what the network says of the pictures, (B, C), for later cells."""
    for picture, one in zip(pictures, found.clone(), strict=True):  # not a view of all outputs
        kept(model).logits.update({_key(cell, picture, size): one, _key(cell, picture, None): one})


def _key(cell: Cell, picture: Picture, size: int | None) -> tuple[Any, ...]:
    return (*picture.key, cell.settings.get("passes_in"), size)


def parts_of(explanation: Explanation) -> list[Explained | NotApplicable]:
    """The parts of an explanation, image by image."""
    targets, uniform = explanation.target.tolist(), explanation.uniform.tolist()
    return [
        Explained(target, saliency, flat, explanation.passes_of(i), explanation.backward_passes)
        for i, (target, saliency, flat) in enumerate(zip(targets, explanation.saliency, uniform, strict=True))
    ]


def explained_in_batches(
    cell: Cell, model: LoadedModel, pictures: Sequence[Picture]
) -> list[Explained | NotApplicable]:
    """`explained` for as many images at once as this machine takes."""
    return in_batches(cell, model, pictures, partial(explained, cell, model))


def in_batches(
    cell: Cell, model: LoadedModel, pictures: Sequence[Picture], work: Callable[[Sequence[Picture]], list[Result]]
) -> list[Result]:
    """What `work` gives for each picture, done for as many at once as this machine takes, and its memory allows."""
    fits = kept(model).fitting(cell.method, Machine.here().images(device_of(model)), "images")
    found: list[Result] = []

    def next_ones(size: int) -> list[Result]:
        return work(pictures[len(found) : len(found) + size])

    while len(found) < len(pictures):
        found += fits(next_ones)
    return found


def evaluated(cell: Cell, model: LoadedModel, pictures: Sequence[Picture], found: Sequence[Explained]) -> list[Rows]:
    """Each picture's map under every form and fill; what the network says of the pictures themselves is kept."""
    x = inputs_of(model, pictures)
    saliency, targets = torch.stack([one.saliency for one in found]), [one.target for one in found]
    normalization = (model.spec.mean, model.spec.std)
    most = len(x) * (1 + len(cases_of(FORMS, FILLS)))

    def work(size: int) -> list[Rows]:
        in_passes = min(size, most)
        made = evaluate_images(
            partial(logits, model),
            x,
            saliency,
            targets,
            normalization=normalization,
            batch_size=size,
            unmasked=known_logits(cell, model, pictures, in_passes),
        )
        keep_logits(cell, model, pictures, in_passes, made.unmasked)
        return made.rows

    return kept(model).fitting("masked copies", default_batch_size(x), "masked images", least=2)(work)
