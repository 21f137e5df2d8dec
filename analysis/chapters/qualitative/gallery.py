"""The `qualitative` chapter: the gallery's maps side by side with their numbers, and what can be measured of them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from IPython.display import HTML
from scipy.stats import spearmanr

from analysis.chapters.qualitative.entries import Entry
from analysis.page.grid import picture_grid, uri
from analysis.page.panels import panel_title
from analysis.page.widget import LOOK, colours, png, select, widget
from cluscam_lite.datasets.scenes.scene import SCENE_CLASSES, object_mask, scene_at
from cluscam_lite.methods import METHODS
from cluscam_lite.show.drawing import overlay

IN_FIGURES = tuple(name for name, info in METHODS.items() if info.paper in ("tables", "figures"))  # Figs. 3 and 4
SIDE = 180  # pixels of a map on the page


def text_of(row: pd.Series) -> str:
    """What the network says of the image behind a map: the terms of AD and AG, in percent; or why there is no map."""
    if pd.isna(row["drop"]):
        return row["reason"]
    return f"drop {row['drop']:.0f} %, gain {row['gain']:.0f} %"


def map_grid(entry: Entry, names: Sequence[str] = (*IN_FIGURES, "donor", "smooth")) -> HTML:
    """The image, and the maps of the methods `names` over it; methods without a map are left out."""
    shown = {f"the image: {entry.says}": entry.photo}
    rows = entry.rows.set_index("method")
    for name in names:
        if pd.notna(rows.loc[name, "drop"]):
            text = f"{METHODS[name].title}\n{text_of(rows.loc[name])}"
            shown[text] = overlay(entry.photo, entry.saliency(name))
    return picture_grid(shown, side=SIDE)


def find(entries: Sequence[Entry], model: str, setting: str, panel: str = "paper") -> Entry:
    """The first entry of a network at a layer with an image of the setting "single", "same" or "different"."""
    wanted = (model, panel, setting)
    return next(e for e in entries if (e.place.model, e.place.panel, e.place.setting) == wanted)


def parts(entry: Entry) -> dict[str, np.ndarray]:
    """The objects of the image: name -> mask (H, W) bool. The halves of a collage; the drawn objects of a scene."""
    height, width = entry.photo.shape[:2]
    kind, _, name = entry.place.image.partition(":")
    if kind == "scene":
        scene = scene_at(int(name), size=height)
        return {
            f"{SCENE_CLASSES[thing.label]} {k + 1}": object_mask(scene, k) > 0 for k, thing in enumerate(scene.objects)
        }
    names = name.split("+")
    rows = np.arange(height)[:, None] * len(names) // height
    places = ("above", "below")
    return {f"{one} ({places[i]})": np.broadcast_to(rows == i, (height, width)) for i, one in enumerate(names)}


def brightness(entry: Entry) -> pd.DataFrame:
    """How bright each map is on each of the image's objects, as a share of its sum over them, percent.

    A row for each method that has a map; the mean over an object's pixels counts, so that a large object counts as
    much as a small one. NaN for a map that is zero on all of them.
    """
    masks, found = parts(entry), {}
    for name in entry.rows.loc[entry.rows["drop"].notna(), "method"]:
        saliency = entry.saliency(name).numpy().astype(np.float64)
        means = np.array([saliency[mask].mean() for mask in masks.values()])
        found[METHODS[name].title] = 100 * means / means.sum() if means.sum() else np.full(len(means), np.nan)
    return pd.DataFrame.from_dict(found, orient="index", columns=list(masks))


def focus(entry: Entry) -> pd.DataFrame:
    """How bright each map of a scene is on the objects and elsewhere: means over pixels, percent; and their ratio."""
    objects = np.logical_or.reduce(list(parts(entry).values()))
    found = []
    for name in entry.rows.loc[entry.rows["drop"].notna(), "method"]:
        saliency = entry.saliency(name).numpy().astype(np.float64)
        on, off = 100 * saliency[objects].mean(), 100 * saliency[~objects].mean()
        found.append({"method": name, "on the objects": on, "elsewhere": off, "ratio": on / off if off else np.nan})
    return pd.DataFrame(found).assign(model=entry.place.model, panel=entry.place.panel, image=entry.place.image)


def likeness(entry: Entry, to: str = "cluscam") -> pd.Series:
    """Spearman's correlation, over the stored pixels, of the map of `to` with every other; NaN without contrast."""
    found = {}
    own = _map(entry, to)
    for name in entry.rows.loc[entry.rows["drop"].notna(), "method"]:
        other = _map(entry, name)
        flat = own.min() == own.max() or other.min() == other.max()
        if name != to:
            found[METHODS[name].title] = np.nan if flat else float(spearmanr(own.ravel(), other.ravel()).statistic)
    return pd.Series(found, name=entry.place.image)


def _map(entry: Entry, name: str) -> np.ndarray:
    return entry.maps[entry.rows["method"].tolist().index(name)].astype(np.float64)


def title_of(entry: Entry) -> str:
    """Its image in words: "the same object twice: chelsea+chelsea"."""
    words = {"single": "one object", "same": "the same object more than once", "different": "different objects"}
    return f"{words[entry.place.setting]}: {entry.place.image.replace('photograph:', '').replace(':', ' ')}"


def gallery_widget(entries: Sequence[Entry]) -> HTML:
    """Every method's map of one image, with its numbers; network and image are chosen from two lists."""
    networks = {e.place: panel_title(e.place.model, e.place.panel) for e in entries}
    data = {
        "colours": colours(),
        "look": LOOK,
        "entries": [
            {
                "network": networks[entry.place],
                "image": title_of(entry),
                "says": entry.says,
                "photo": uri(entry.photo),
                "sheet": png(entry.maps.reshape(-1, entry.maps.shape[2])),
                "maps": [
                    {
                        "method": METHODS[row["method"]].title,
                        "text": text_of(row),
                        "missing": bool(pd.isna(row["drop"])),
                    }
                    for _, row in entry.rows.iterrows()
                ],
            }
            for entry in entries
        ],
    }
    body = f"""<div class="cw-buttons">{select("gallery-network", "Network", list(dict.fromkeys(networks.values())))}
<label class="cw-select" for="cw-gallery-image">Image <select id="cw-gallery-image"></select></label></div>
<div class="cw-grid"></div>"""
    still = map_grid(entries[0], ("cluscam", "scorecam", "gradcam"))
    return widget("gallery", "All methods, networks and images", still, body, data, "Open the gallery")
