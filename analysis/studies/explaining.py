"""Explaining the images of a study: the network, the donor, the seed and the method of one cell."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from analysis.engine import Cell
from analysis.studies.plan import Plan, layer_of
from cluscam_lite import get_spec, load_dataset, load_model
from cluscam_lite.dataroot import data_root
from cluscam_lite.datasets.sample import Sample, Samples
from cluscam_lite.device import placed
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import METHODS, method, method_info
from cluscam_lite.models import LoadedModel, Preprocess
from cluscam_lite.models.registry import RANDOM


def seed_of(*parts: object) -> int:
    """A seed for one purpose on one image, the same on every machine: 32 bits of a hash of `parts`."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


def explainer_of(
    cell: Cell, model: LoadedModel, preprocess: Preprocess, image_id: str, donor: Sample | None
) -> Callable[[Tensor], Any]:
    """The cell's method, ready for one image: what is random in it depends on the seed and the image alone."""
    return explainer_of_images(cell, model, [image_id], None if donor is None else preprocess(donor.image)[None])


def explainer_of_images(
    cell: Cell, model: LoadedModel, image_ids: Sequence[str], donors: Tensor | None
) -> Callable[[Tensor], Any]:
    """The cell's method, ready for a batch of these images: each gets what it would get alone.

    `donors` (B, 3, H, W) lend their masks, as in `explainer_of`; None where the method is another.
    """
    info = method_info(cell.method)
    settings = {key: value for key, value in cell.settings.items() if key in info.parameters}
    if "seed" in info.parameters:
        # K-Means takes the seed as it is, as everywhere; what has no image in it gets one from the image's name
        of_image = info.kind == "trivial" or cell.method == "smooth"
        own = tuple(seed_of(cell.method, cell.seed, image_id) for image_id in image_ids)
        settings["seed"] = (own if len(own) > 1 else own[0]) if of_image else cell.seed
    if donors is not None:
        settings["donor"] = donors.to(next(model.module.parameters()))
    return method(cell.method, model.module, model.spec, cell.layer, **settings)


@torch.no_grad()
def logits(model: LoadedModel, inputs: Tensor) -> Tensor:
    """The logits (n, C) of a network that `loaded` gave, which is in eval mode."""
    output = model.module(inputs)
    return getattr(output, "logits", output)


@lru_cache(maxsize=1)
def loaded(name: str) -> LoadedModel:
    """The network in eval mode, on the GPU if there is one; kept for the next cell."""
    model = load_model(name)
    placed(model.module)
    return model


def weights_of(name: str) -> str | None:
    """The SHA-256 of a network's weights, None for random ones; the file is read once."""
    if get_spec(name).tier == RANDOM:
        return None
    root = data_root()
    return _weights_of(name, str(root) if root else "")


@lru_cache(maxsize=64)
def _weights_of(name: str, _root: str) -> str | None:
    return loaded(name).sha256


def donors_of(plan: Plan, name: str, samples: Samples) -> dict[str, str]:
    """What lends its masks to each image if `name` is the method or source "donor": image id -> donor's id.

    Donor i goes with image i, whatever their number.
    """
    if name != "donor":
        return {}
    donors = load_dataset(plan.dataset, part=plan.donor_part)
    return {image_id: donors.ids[i % len(donors)] for i, image_id in enumerate(samples.ids)}


def images_of(cell: Cell, progress: Callable[[int], None]) -> Iterator[tuple[Sample, Sample | None]]:
    """The cell's images in their order, each with its donor if the cell has donors; says when each is done."""
    samples, settings = load_dataset(cell.dataset, part=cell.part), cell.settings
    donors = load_dataset(cell.dataset, part=settings["donor_part"]) if "donors" in settings else None
    for done, image_id in enumerate(cell.images, 1):
        donor = donors and donors[donors.ids.index(settings["donors"][done - 1])]
        yield samples[samples.ids.index(image_id)], donor
        progress(done)


def lending(plan: Plan, lent: Mapping[str, str], images: Sequence[str]) -> dict[str, Any]:
    """The settings of a cell that name its images' donors, which is the only place they stand; empty without donors."""
    return {"donor_part": plan.donor_part, "donors": [lent[i] for i in images]} if lent else {}


def compact(rows: pd.DataFrame) -> pd.DataFrame:
    """Measures as float32: seven digits, which is more than the device's rounding leaves of them."""
    floats = rows.select_dtypes("float64").columns
    return rows.astype(dict.fromkeys(floats, "float32"))


CHEAPER = {"opticam": {"iterations": 20}}  # enough for a look on a scene; the studies use the paper's 100


def one_map(loaded: LoadedModel, name: str, layer: str, x: Tensor, seed: int) -> Tensor | None:
    """A method's map (H, W) of one input, None if it cannot explain the network."""
    settings = CHEAPER.get(name, {}) | ({"seed": seed} if "seed" in METHODS[name].parameters else {})
    try:
        explainer = method(name, loaded.module, loaded.spec, layer_of(name, loaded.spec.name, layer), **settings)
        return explainer(x).saliency[0]
    except NotApplicable:
        return None
