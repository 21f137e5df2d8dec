"""The gallery's maps: every method on a few images, made once, since some methods take a minute for each image.

`python -m analysis.chapters.qualitative.entries` makes what is missing in `results/gallery`: for each entry a CSV file
with a row for each map, and a picture of the maps, one below the other, each 56 x 56 pixels of 8 bits. To make an entry
again, delete its two files.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from analysis.chapters.qualitative.shown import Seen, seen
from analysis.paths import ROOT
from analysis.studies.plan import layer_of
from cluscam_lite import get_spec, load_image, load_model
from cluscam_lite.datasets.photographs import SETTINGS
from cluscam_lite.datasets.scenes.scene import SETTINGS as SCENE_SETTINGS
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import METHODS, method
from cluscam_lite.metrics import evaluate
from cluscam_lite.models import LoadedModel

FOLDER = ROOT / "results" / "gallery"
SIDE = 56  # pixels of a stored map
LEFT_OUT = ("polycam_plus", "polycam_minus", "opticam_norm")  # variants of methods that are there
SHOWN = tuple(name for name in METHODS if name not in LEFT_OUT)
TOO_SLOW = {"efficientnet_lite0": ("polycam",)}  # with 1,280 maps it takes three minutes for an image


@dataclass(frozen=True)
class Place:
    """What an entry shows: a network at a layer ("paper" or "last"), an image's name, and the paper's setting."""

    model: str
    panel: str
    image: str
    setting: str

    @property
    def stem(self) -> str:
        """The name of its files, without the ending."""
        return f"{self.model}-{self.panel}-{self.image.replace(':', '-')}"


@dataclass(frozen=True)
class Entry:
    """`photo` (H, W, 3) in [0, 1] as the network sees it; a row for each method; their maps, uint8 (n, 56, 56)."""

    place: Place
    photo: np.ndarray
    rows: pd.DataFrame
    maps: np.ndarray

    @property
    def says(self) -> str:
        """The network's first choice, which is explained, with its probability."""
        return f"{self.rows['class'][0]}, {self.rows['probability'][0]:.0f}\N{NO-BREAK SPACE}%"

    def saliency(self, name: str) -> Tensor:
        """A method's map (H, W) in [0, 1], bilinear between the stored pixels."""
        i = self.rows["method"].tolist().index(name)
        values = torch.from_numpy(self.maps[i].astype(np.float32))[None, None] / 255
        return F.interpolate(values, self.photo.shape[:2], mode="bilinear")[0, 0]


def places(per_setting: int = 1) -> Iterator[Place]:
    """All entries: the first photographs of each setting, then the first scene of each. None is chosen by its maps."""
    for i in range(per_setting):
        for setting, names in SETTINGS.items():
            yield Place("efficientnet_lite0", "paper", f"photograph:{names[i]}", setting)
    for model, panel in (("scene_cnn", "paper"), ("scene_vit", "paper"), ("scene_vit", "last")):
        for i, setting in enumerate(SCENE_SETTINGS):  # `load_image("scene:N")` takes the settings in turn
            yield Place(model, panel, f"scene:{i}", setting)


def small(saliency: Tensor) -> np.ndarray:
    """A map (H, W) in [0, 1] as it is stored: uint8 (56, 56), each pixel the mean of those that it covers."""
    return np.rint(255 * F.adaptive_avg_pool2d(saliency[None].float(), SIDE)[0].numpy()).astype(np.uint8)


def entry(loaded: LoadedModel, place: Place, names: tuple[str, ...] = SHOWN) -> tuple[pd.DataFrame, np.ndarray]:
    """Every method's map of one image, with what the network says of the image behind it.

    Returns a row for each method of `names`, and the maps, uint8 (n, 56, 56): zeros for a method that cannot explain
    the network, whose row has the `reason` and no numbers. `drop` and `gain` are in percent, `increase` is 0 or 100.
    """
    picture = seen(loaded, place.image)
    target = picture.target
    rows, maps = [], []
    for name in names:
        saliency, reason = _explained(loaded, name, place.panel, picture)
        if saliency is None:
            rows.append({"method": name, "reason": reason})
            maps.append(np.zeros((SIDE, SIDE), np.uint8))
            continue
        (found,) = evaluate(loaded.module, picture.x, saliency, target, fills=("mean",), forms=("raw",))
        numbers = {key: round(float(found[key]), 4) for key in ("drop", "increase", "gain")}
        rows.append({"method": name, **numbers, "coverage": round(100 * float(found["coverage"]), 2), "reason": ""})
        maps.append(small(saliency))
    about = {**asdict(place), "class": picture.class_name, "probability": round(picture.probability, 2)}
    return pd.DataFrame(rows).assign(**about), np.stack(maps)


def _explained(loaded: LoadedModel, name: str, panel: str, picture: Seen) -> tuple[Tensor | None, str]:
    """A method's map (H, W), or None and the reason why there is none."""
    if name in TOO_SLOW.get(loaded.spec.name, ()):
        return None, "it takes minutes on this network"
    settings = {"seed": 0} if "seed" in METHODS[name].parameters else {}
    try:
        explain = method(name, loaded.module, loaded.spec, layer_of(name, loaded.spec.name, panel), **settings)
        return explain(picture.x, picture.target).saliency[0].detach(), ""
    except NotApplicable:
        return None, "it does not fit this network"


def make(folder: Path = FOLDER) -> None:
    """Make the entries that are missing in `folder`."""
    for place in places():
        if (folder / f"{place.stem}.csv").exists():
            continue
        print(place.stem, flush=True)
        rows, maps = entry(load_model(place.model), place)
        Image.fromarray(maps.reshape(-1, SIDE)).save(folder / f"{place.stem}.png", optimize=True)
        rows.to_csv(folder / f"{place.stem}.csv", index=False)


def stored(folder: Path = FOLDER) -> list[Entry]:
    """The entries that are there, in the order of `places`."""
    return [_read(place, folder / f"{place.stem}.csv") for place in places() if (folder / f"{place.stem}.csv").exists()]


def _read(place: Place, table: Path) -> Entry:
    maps = np.asarray(Image.open(table.with_suffix(".png"))).reshape(-1, SIDE, SIDE)
    photo = np.asarray(get_spec(place.model).preprocess().view(load_image(place.image))) / 255
    return Entry(place, photo, pd.read_csv(table, dtype={"reason": str}).fillna({"reason": ""}), maps)


if __name__ == "__main__":
    make()
