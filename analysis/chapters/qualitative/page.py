"""The `qualitative` chapter: every method's map of one image for each of the paper's three settings."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor

from analysis.studies.explaining import one_map
from analysis.studies.plans.file import groups_of_methods
from cluscam_lite import load_dataset
from cluscam_lite.datasets.scenes.scene import SETTINGS
from cluscam_lite.methods import METHODS
from cluscam_lite.models import LoadedModel
from cluscam_lite.show.drawing import denormalized

IN_TABLES = tuple(name for name, info in METHODS.items() if info.paper == "tables")
OTHERS = tuple(name for name in METHODS if name not in (*IN_TABLES, "polycam_plus", "polycam_minus", "opticam_norm"))
STEP = 4  # maps are compared on every fourth pixel, since neighbouring pixels are nearly equal


@dataclass(frozen=True)
class Gallery:
    """Images as the network sees them (H, W, 3), their predicted classes, and the maps of each method by its title.

    `first` are the methods of the paper's tables, `second` the others; a map is None where the method cannot explain
    the network.
    """

    images: list[np.ndarray]
    labels: list[str]
    first: dict[str, list[Tensor | None]]
    second: dict[str, list[Tensor | None]]


def pictures(dataset: str, part: str, data_root: str | None) -> list[Image.Image]:
    """The first scene of each setting, or the first three images of another data set."""
    if dataset == "scenes":
        return [load_dataset("scenes", part=part or "test", n=1, setting=setting)[0].image for setting in SETTINGS]
    samples = load_dataset(dataset, data_root=data_root, part=part or None, n=len(SETTINGS))
    return [samples[i].image for i in range(len(SETTINGS))]


def gallery(loaded: LoadedModel, shown: list[Image.Image], layer: str, seed: int) -> Gallery:
    """All methods on the images `shown`. On large networks, methods with hundreds of passes are left out ("n/a")."""
    spec, preprocess = loaded.spec, loaded.spec.preprocess()
    inputs = [preprocess(image)[None] for image in shown]
    small, dear = spec.library == "embedded", groups_of_methods()["dear"]
    maps = {
        METHODS[name].title: [
            one_map(loaded, name, layer, x, seed) if small or name not in dear else None for x in inputs
        ]
        for name in (*IN_TABLES, *OTHERS)
    }
    outputs = [loaded.module.eval()(x).detach().softmax(1)[0] for x in inputs]
    labels = [f"{spec.class_names[int(p.argmax())].split(',')[0]}, {100 * float(p.max()):.0f} %" for p in outputs]
    return Gallery(
        images=[denormalized(x[0], spec.mean, spec.std) for x in inputs],
        labels=labels,
        first={METHODS[name].title: maps[METHODS[name].title] for name in IN_TABLES},
        second={METHODS[name].title: maps[METHODS[name].title] for name in OTHERS},
    )


def agreement_table(galleries: Mapping[str, Gallery]) -> pd.DataFrame:
    """Spearman's correlation over pixels of ClusCAM's map with every other, mean over images; a column per gallery."""
    own = METHODS["cluscam"].title
    columns = {}
    for name, found in galleries.items():
        maps = found.first | found.second
        columns[name] = {t: _agreement(maps[own], others) for t, others in maps.items() if t != own}
    return pd.DataFrame(columns).rename_axis("method").reset_index()


def _agreement(own: list[Tensor | None], others: list[Tensor | None]) -> str:
    values = []
    for a, b in zip(own, others, strict=True):
        if a is None or b is None or a.min() == a.max() or b.min() == b.max():
            continue
        values.append(spearmanr(a[::STEP, ::STEP].flatten(), b[::STEP, ::STEP].flatten()).statistic)
    return f"{np.mean(values):+.2f}" if values else "–"
