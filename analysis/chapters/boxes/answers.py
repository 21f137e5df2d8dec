"""What the chapter on localisation says in words, from the rows."""

from collections.abc import Collection

import pandas as pd

EIGHT = ("cluscam", "gradcam", "gradcampp", "scorecam", "ablationcam", "reciprocam", "opticam", "shapleycam")
OTHERS = ("cluscam", "within", "box", "outside")  # maps of the study `whatif` that the chapter compares


def rank_words(le: pd.DataFrame, cnns: Collection[str]) -> dict[str, str]:
    """ClusCAM's place among the eight methods of the paper, and that of a map of all ones, in words.

    `le`: a row for each (network, layer, image), a column for each method. Two methods are compared on the images that
    both have. Networks on which not all eight ran are left out. `cnns`: names of the networks that are CNNs.
    """
    eight, by = list(EIGHT), ["model", "panel"]
    behind = le.sub(le["cluscam"], axis=0).groupby(by).mean()[eight].dropna()
    excess = le.sub(le["ones"], axis=0).groupby(by).mean().loc[behind.index, eight]
    place = 1 + (behind < 0).sum(axis=1)
    is_cnn = behind.index.get_level_values("model").isin(cnns)
    blank = (excess > 0).all(axis=1)
    return {
        "last": f"{((place == len(EIGHT)) & is_cnn).sum()} of {is_cnn.sum()}",
        "first": f"{((place == 1) & ~is_cnn).sum()} of {(~is_cnn).sum()}",
        "blank": f"{blank.sum()} of {len(behind)}",
        "blank_cnn": f"{(blank & is_cnn).sum()} of {is_cnn.sum()}",
        "below_blank": f"{(excess['cluscam'] < 0).sum()} of {len(behind)}",
    }


def energy_words(rows: pd.DataFrame, names: Collection[str]) -> dict[str, str]:
    """The mean EP, percent, of some methods on one network: name -> text. `rows` are those of one network and layer."""
    means = rows.groupby("method")["ep"].mean()
    return {name: f"{means[name]:.0f}" for name in names}


def box_table(maps: pd.DataFrame) -> pd.DataFrame:
    """AD, IC and AG of the box as a map, all but the box, ClusCAM's map and that map within the box: means in percent.

    `maps`: rows of the study `whatif`. A row for each (network, layer), columns (measure, map).
    """
    plain = maps[(maps["form"] == "raw") & (maps["fill"] == "mean") & maps["map"].isin(OTHERS)]
    return plain.pivot_table(
        index=["model", "layer"], columns="map", values=["coverage", "drop", "gain", "increase"], sort=False
    )


def box_words(maps: pd.DataFrame) -> dict[str, str]:
    """On how many networks and layers the box has a worse AD than its complement and than ClusCAM, and ClusCAM's map a
    worse one within the box than whole; the least and the largest IC of the box; on how many images.
    """
    table = box_table(maps)
    n, drop, increase = len(table), table["drop"], table["increase"]
    images = maps[maps["map"] == "box"].groupby(["model", "layer"])["image_id"].nunique()
    return {
        "box_below_outside": f"{(drop['box'] > drop['outside']).sum()} of {n}",
        "box_below_cluscam": f"{(drop['box'] > drop['cluscam']).sum()} of {n}",
        "box_ic_below_cluscam": f"{(increase['box'] < increase['cluscam']).sum()} of {n}",
        "box_ic_below_outside": f"{(increase['box'] < increase['outside']).sum()} of {n}",
        "within_below_whole": f"{(drop['within'] > drop['cluscam']).sum()} of {n}",
        "images": f"{images.min()} to {images.max()}",
        "box_share": f"{100 * table['coverage']['box'].mean():.0f}",
        "box_ic": f"{increase['box'].min():.0f} to {increase['box'].max():.0f}",
        "box_ad": f"{drop['box'].min():.0f} to {drop['box'].max():.0f}",
        "outside_ad": f"{drop['outside'].min():.0f} to {drop['outside'].max():.0f}",
    }
