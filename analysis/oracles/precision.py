"""What a lower precision of the network's passes does to maps, and to AD, IC and AG."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.engine import Cell
from analysis.studies.batching.cells import PASSES_IN
from analysis.studies.batching.explained import Explained, evaluated, explained_in_batches
from analysis.studies.batching.pictures import Picture, groups_of
from analysis.studies.explaining import loaded
from analysis.studies.plan import layer_of
from cluscam_lite import load_dataset
from cluscam_lite.datasets.sample import Samples
from cluscam_lite.device import in_precision
from cluscam_lite.metrics import correlation
from cluscam_lite.models import LoadedModel

METHODS = ("cluscam", "gradcam", "donor", "smooth", "ones")
COLUMNS = ("model", "layer", "method", "precision", "images", "same class", "r", "least r", "AD", "IC", "AG")
TERMS = {"AD": "drop", "IC": "increase", "AG": "gain"}


def precision_table(
    name: str,
    precision: str = "bfloat16",
    methods: Sequence[str] = METHODS,
    layer: str = "paper",
    dataset: str = "photographs",
    part: str | None = None,
    n_images: int | None = None,
) -> pd.DataFrame:
    """Every pass of a network in a lower precision, against all of them in float32.

    Args:
        name: of the network.
        precision: "bfloat16" or "tf32", as in `cluscam_lite.device.in_precision`.
        methods: of the registry; for `donor` the next image lends its masks.
        layer: "paper", "last" or a dotted module name.
        dataset, part, n_images: the images, as in `load_dataset`.

    Returns:
        A row for each method: `same class` (images whose top-1 class stays, percent); median and least correlation
        of the two maps, `r` and `least r`, over the images; the changes of AD, IC and AG, in points of percent, of the
        map as it is with the fill "mean". A method that cannot explain an image loses it.

    Raises:
        UnknownName: a network, a method, a layer, a precision or a data set that does not exist.
    """
    model, samples = loaded(name), load_dataset(dataset, part=part, n=n_images)
    found = []
    for method in methods:
        where = ("precision", 1, dataset, part or "", name, layer_of(method, name, layer), method, samples.ids)
        ids = samples.ids
        lent = {"donors": [*ids[1:], ids[0]], "donor_part": part or ""} if method == "donor" else {}
        plain = Cell(*where, settings={"preprocess": "standard"} | lent)
        short = Cell(*where, settings={"preprocess": "standard", PASSES_IN: precision} | lent)
        found.append(_row(short, model, _made(plain, model, samples), _made(short, model, samples)))
    return pd.DataFrame(found, columns=[*COLUMNS])


Made = dict[str, tuple[Explained, dict[str, Any]]]


def _made(cell: Cell, model: LoadedModel, samples: Samples) -> Made:
    """Image id -> its map and what the map does to the output."""
    preprocess, made = model.spec.preprocess(), {}
    with in_precision(model.module, cell.settings.get(PASSES_IN, "float32")):
        for group in groups_of(cell, model, preprocess, samples, samples if "donors" in cell.settings else None):
            maps = explained_in_batches(cell, model, group)
            pairs = [(picture, one) for picture, one in zip(group, maps, strict=True) if isinstance(one, Explained)]
            if pairs:
                made |= _with_rows(cell, model, *zip(*pairs, strict=True))
    return made


def _with_rows(cell: Cell, model: LoadedModel, pictures: Sequence[Picture], maps: Sequence[Explained]) -> Made:
    rows = evaluated(cell, model, pictures, maps)
    plain = [next(row for row in mine if (row["form"], row["fill"]) == ("raw", "mean")) for mine in rows]
    return {picture.image_id: pair for picture, *pair in zip(pictures, maps, plain, strict=True)}


def _row(cell: Cell, model: LoadedModel, plain: Made, short: Made) -> dict[str, Any]:
    both = [(plain[i], short[i]) for i in cell.images if i in plain and i in short]
    alike = pd.Series([correlation(one.saliency, other.saliency) for (one, _), (other, _) in both], dtype=float)
    row = {"model": cell.model, "layer": cell.layer, "method": cell.method, "precision": cell.settings[PASSES_IN]}
    row |= {"images": len(both), "r": alike.median(), "least r": alike.min()}
    row["same class"] = 100 * pd.Series([one.target == other.target for (one, _), (other, _) in both]).mean()
    for title, term in TERMS.items():
        row[title] = pd.Series([b[term] - a[term] for (_, a), (_, b) in both], dtype=float).mean()
    return row
