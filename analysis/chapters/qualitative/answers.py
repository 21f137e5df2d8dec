"""What the `qualitative` chapter says in words, from the numbers of its tables. Titles are the methods'."""

import pandas as pd

from cluscam_lite.methods import METHODS

RIVALS = ("GradCAM", "GradCAM++", "ScoreCAM", "AblationCAM", "ReciproCAM", "ShapleyCAM", "LayerCAM")
AT_ODDS = "OptiCAM"  # the rival that is said apart
MISS = ("GradCAM++", "LayerCAM", AT_ODDS)  # on the collage of two objects


def same_words(cats: pd.DataFrame) -> dict[str, str]:
    """The least share of the brightness, percent, that ClusCAM and any rival give to one of two equal objects.

    `cats`: a row for each method, a column for each object (`gallery.brightness`).
    """
    rivals = cats.loc[[*RIVALS, AT_ODDS]]
    return {"least_rival": f"{rivals.min().min():.0f}", "least_own": f"{cats.loc['ClusCAM'].min():.0f}"}


def class_words(on_class: pd.DataFrame) -> dict[str, str]:
    """How bright the maps are on the object of the class, percent: columns `coffee` (a collage) and `anchor` (a scene).

    "poor_coffee" is the range of the rivals in `MISS`, "rest_coffee" that of all others.
    """
    coffee, anchor = on_class["coffee"], on_class["anchor"]
    rivals = {info.title for info in METHODS.values() if info.kind == "rival"}
    poor, rest = coffee[[*MISS]], coffee[coffee.index.isin(rivals - {*MISS})].dropna()
    return {
        "poor_coffee": f"{poor.min():.0f} to {poor.max():.0f} %",
        "rest_coffee": f"{rest.min():.0f} to {rest.max():.0f} %",
        "own_coffee": f"{coffee['ClusCAM']:.0f}",
        "donor_coffee": f"{coffee['Donor masks']:.0f}",
        "opticam_anchor": f"{anchor[AT_ODDS]:.0f}",
        "donor_anchor": f"{anchor['Donor masks']:.0f}",
    }


def focus_words(ratio: pd.DataFrame) -> dict[str, str]:
    """How many times brighter a map is on the objects, by method and layer of one network: "cluscam_patch", "2.1".

    `ratio`: a row for each method's name, columns `paper` (patch embedding) and `last`.
    """
    asked = {"patch": ("paper", ("cluscam", "opticam", "gradcam")), "last": ("last", ("cluscam", "scorecam"))}
    return {f"{name}_{key}": f"{ratio.loc[name, panel]:.1f}" for key, (panel, names) in asked.items() for name in names}


def likeness_words(alike: pd.DataFrame) -> dict[str, str]:
    """How alike ClusCAM's map and others are: means over images (columns), and over `RIVALS` for "alike"."""
    means = alike.T.mean()
    named = {"opticam": AT_ODDS, "donor": "Donor masks", "centre": "Centre"}
    words = {f"alike_{key}": f"{means[title]:.2f}" for key, title in named.items()}
    return words | {"alike": f"{alike.loc[[*RIVALS]].stack().mean():.2f}"}
