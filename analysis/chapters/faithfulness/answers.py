"""What the chapter's answer says in words, from the rows."""

from collections.abc import Mapping

import pandas as pd

from analysis.page.leads import interval_text
from cluscam_lite import get_spec

SQUEEZENET = "squeezenet1_1"


def lead_words(table: pd.DataFrame) -> dict[str, str]:
    """The leads of `page.leads` in words: for each panel and measure "MODEL_PANEL_IC" and so on, the size of the
    difference with its interval; and how many networks of a family are for certain ahead or behind (the interval lies
    on one side of 0), "cnn_IC_ahead": "1 of 4".
    """
    words = {f"{row['model']}_{row['panel']}_{row['measure']}": interval_text(row) for _, row in table.iterrows()}
    family = table["model"].map(lambda name: get_spec(name).family)
    for (kind, measure), mine in table.groupby([family, "measure"]):
        words[f"{kind}_{measure}_ahead"] = f"{(mine['low'] > 0).sum()} of {len(mine)}"
        words[f"{kind}_{measure}_behind"] = f"{(mine['high'] < 0).sum()} of {len(mine)}"
    return words


def sides(ahead: pd.Series) -> dict[str, int]:
    """On how many panels one method has the better mean, and the worse; `ahead` are its mean leads."""
    return {"better": int((ahead > 0).sum()), "worse": int((ahead < 0).sum()), "of": int(ahead.notna().sum())}


def squeezenet_words(rows: pd.DataFrame, maps: pd.DataFrame) -> dict[str, str]:
    """Why ClusCAM's AD is so bad on SqueezeNet, in numbers.

    `rows`: prepared, of `faithfulness`. `maps`: of the study `whatif`. AD and coverage in percent; `groups` are the
    groups over which the weights are spread, `left` is the part of the logit that the best group's mask leaves.
    """
    mine = rows[(rows["model"] == SQUEEZENET) & (rows["fill"] == "mean") & (rows["variant"] == "")]
    ad = mine.groupby(["form", "method"])["drop"].mean()
    words = {f"ad_{name}": f"{ad['raw', name]:.0f}" for name in ("cluscam", "gradcam", "random", "inverted")}
    words |= {f"matched_{name}": f"{ad['matched', name]:.0f}" for name in ("cluscam", "gradcam", "random", "inverted")}
    covered = mine[mine["form"] == "raw"].groupby("method")["coverage"].mean()
    words |= {f"cover_{name}": f"{100 * covered[name]:.0f}" for name in ("cluscam", "gradcam", "random", "inverted")}
    drop = mine[mine["form"] == "raw"].pivot(index="image_id", columns="method", values="drop")
    words["often"] = f"{100 * (drop['cluscam'] > drop['random']).mean():.0f}"
    other = rows[(rows["model"] == SQUEEZENET) & (rows["method"] == "cluscam") & (rows["variant"] == "")]
    of_fill = other[other["form"] == "raw"].groupby("fill")["drop"].mean()
    words |= {f"fill_{fill}": f"{of_fill[fill]:.0f}" for fill in ("black", "blur")}
    plain = maps[maps["fill"] == "mean"]
    return words | _spread(plain, SQUEEZENET, "squeeze") | _spread(plain, "mobileone_s0", "mobile")


def _spread(plain: pd.DataFrame, model: str, key: str) -> dict[str, str]:
    """Of one CNN in `whatif`: its maps' cells above 0, its masks' coverage, the groups that carry the weight, what the
    best mask leaves of the logit, and AD of three ways to weigh the groups, as they are and at a coverage of one half.
    """
    every = plain[(plain["model"] == model) & (plain["reason"] == "")]
    mine = every[every["form"] == "raw"]
    matched = every[every["form"] == "matched"].groupby("map")["drop"].mean()
    own = mine[mine["map"] == "cluscam"]
    means: Mapping[str, float] = own[["active", "masks_coverage", "groups", "logit", "best_score"]].mean()
    ad, cover = (mine.groupby("map")[column].mean() for column in ("drop", "coverage"))
    words = {f"{key}_images": f"{len(own)}", f"{key}_groups": f"{means['groups']:.1f}"}
    words |= {f"{key}_active": f"{100 * means['active']:.0f}", f"{key}_masks": f"{100 * means['masks_coverage']:.0f}"}
    words |= {f"{key}_left": f"{100 * (1 + means['best_score'] / means['logit']):.0f}"}
    words |= {f"{key}_ad_{way}": f"{ad[way]:.0f}" for way in ("best", "cluscam", "alike")}
    words |= {f"{key}_matched_{way}": f"{matched[way]:.0f}" for way in ("best", "cluscam", "alike")}
    return words | {f"{key}_cover_{way}": f"{100 * cover[way]:.0f}" for way in ("best", "cluscam", "alike")}
