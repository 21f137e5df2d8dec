"""The first chapter: several methods' maps of one image, and a test of the prediction that each map makes."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from analysis.chapters.learn.example import Example
from analysis.studies.plan import layer_of
from cluscam_lite.errors import CluscamError
from cluscam_lite.methods import method, method_info

RANDOM = "random regions"  # what the maps are held against
SHOWN = ("cluscam", "gradcam", "gradcampp", "layercam", "opticam", "reciprocam")


def maps_of(example: Example, names: Iterable[str] = SHOWN, layer: str = "last") -> dict[str, Tensor]:
    """The maps (H, W) of the methods `names` for the example's class, by the methods' titles.

    The layer follows the rule of the study of faithfulness (`layer_of`).
    """
    found = {}
    for name in names:
        explain = method(name, example.network, example.spec, layer_of(name, example.spec.name, layer))
        found[method_info(name).title] = explain(example.x, example.target).saliency[0]
    return found


def brightest(saliency: Tensor, share: float) -> Tensor:
    """The brightest `share` (0 to 1) of the pixels of a map (H, W), as a mask of zeros and ones.

    It always has round(share H W) ones. Ties go to the earlier pixel.
    Raises CluscamError for a share outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise CluscamError(f"the share is {share}; expected a part of the pixels from 0 to 1")
    order = saliency.flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(saliency.numel())
    mask[order[: round(share * saliency.numel())]] = 1
    return mask.view_as(saliency)


@torch.no_grad()
def predictions(
    output: Callable[[Tensor], Tensor], x: Tensor, maps: Mapping[str, Tensor], target: int, share: float
) -> pd.DataFrame:
    """Test each map: the logit of `target` if only the brightest `share` of the pixels is shown, and if it is hidden.

    Hidden pixels have the mean colour. The area is the same for every map, so that no map gains by hiding little.

    `x` (1, 3, H, W), `maps` (H, W), or (n, H, W) for several of one name. Columns: map, shown, hidden (logits).
    """
    rows = []
    for name, several in maps.items():
        for saliency in several.reshape(-1, *several.shape[-2:]):
            mask = brightest(saliency, share)
            shown, hidden = output(torch.cat([x * mask, x * (1 - mask)]))[:, target].tolist()
            rows.append({"map": name, "shown": shown, "hidden": hidden})
    return pd.DataFrame(rows)


def extreme_pair(table: pd.DataFrame, largest: bool) -> tuple[str, str, float]:
    """The two maps that agree most, or least, in a square table of correlations with the maps' names."""
    values = table.to_numpy()
    rows, columns = np.triu_indices(len(values), 1)
    pairs = values[rows, columns]
    best = pairs.argmax() if largest else pairs.argmin()
    return table.index[rows[best]], table.index[columns[best]], float(pairs[best])


def alike(table: pd.DataFrame, least: float) -> list[list[str]]:
    """The maps of a square table of correlations in groups, the largest first.

    Two maps are in one group if they correlate by `least` or more, or if a chain of such pairs joins them.
    """
    groups: list[list[str]] = []
    for name in table.index:
        near = [group for group in groups if (table.loc[name, group] >= least).any()]
        groups = [group for group in groups if group not in near] + [[*sum(near, []), name]]
    return sorted(groups, key=len, reverse=True)


def named(names: Sequence[str]) -> str:
    """Names as a sentence has them: "A", "A and B", "A, B and C"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def in_words(n: int) -> str:
    """A count from 0 to 10 as a word; "none" for 0."""
    return ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"][n]


def of_all(n: int, total: int) -> str:
    """A count in words, for totals up to ten: "none of the six", "four of the six", "all six"."""
    return f"all {in_words(total)}" if n == total else f"{in_words(n)} of the {in_words(total)}"


def outcome_words(rows: pd.DataFrame) -> dict[str, str]:
    """The test of one image's maps in words.

    `rows` as `predictions` gives them, with `image` ("photograph: CLASS"), `whole` (the logit of the whole image), and
    for each map `showing` and `hiding`: whether it passes the test. Rows of `RANDOM` are the comparison.
    """
    maps, random = rows[rows["map"] != RANDOM], rows[rows["map"] == RANDOM]
    hidden = maps.set_index("map")["hidden"]
    numbers = {"whole": maps["whole"].iloc[0], "random_shown": random["shown"].mean()}
    numbers |= {"random_hidden": random["hidden"].mean(), "lowest": hidden.min(), "highest": hidden.max()}
    return {
        "class": rows["image"].iloc[0].split(": ")[1],
        "hiding": of_all(int(maps["hiding"].sum()), len(maps)),
        "showing": of_all(int(maps["showing"].sum()), len(maps)),
        "best": str(hidden.idxmin()),
        "worst": str(hidden.idxmax()),
        **{name: f"{value:.1f}".replace("-", "−") for name, value in numbers.items()},
    }
