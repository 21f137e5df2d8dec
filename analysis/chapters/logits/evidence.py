"""From the rows of the study `logits` to its tables: the paper's own test, and the contrasts."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.chapters.logits.study import WHOLE
from analysis.judging.compare import equivalence, estimates
from analysis.judging.rules import Thresholds
from analysis.page.empty import table_of
from analysis.page.panels import blocks
from analysis.statistics import Table1, paired_t, paper_table1, permutation_test, wilcoxon
from cluscam_lite import get_spec

BLOCK = ["model", "layer"]
RANDOM = re.compile(r"random \d+")

# what K-Means' masks are held against
CONTRASTS = (
    "members",  # the same groups' maps one by one: the paper's baseline, Fig. 9
    "members, area matched",  # those maps with the area of their group's mask
    "mean of all",  # one mask, the mean of all maps: the other reading of the baseline
    "random",  # groups of the same sizes, members drawn at random
    "rolled",  # the same masks, moved elsewhere
    "donor",  # the masks of another image
    "renormalised",  # the same masks, stretched to reach 1
)


def whole_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """Size-weighted mean scores of one block, in logits: a row for each image, a column for each kind of mask."""
    whole = rows[rows.group == WHOLE]
    return whole.pivot(index="image_id", columns="masks", values="score").reindex(whole.image_id.unique())


def random_columns(scores: pd.DataFrame) -> np.ndarray:
    """The columns of the random partitions, (n, B)."""
    return scores[[c for c in scores.columns if RANDOM.fullmatch(c)]].to_numpy()


def advantages(scores: pd.DataFrame) -> pd.DataFrame:
    """K-Means' score less that of each contrast, image by image; `random` is the mean over the random partitions."""
    kmeans = scores["kmeans"]
    found = {name: kmeans - scores[name] for name in CONTRASTS if name != "random"}
    found["random"] = kmeans - random_columns(scores).mean(1)
    return pd.DataFrame(found)[list(CONTRASTS)]


def contrast_table(
    rows: pd.DataFrame, contrasts: Sequence[str] = CONTRASTS, thresholds: Thresholds | None = None
) -> pd.DataFrame:
    """One row for each block and contrast: mean advantage of K-Means' masks in logits, interval, d_z and tests.

    `p` is from relabelling partitions within images for the random partitions (two-sided), and from a one-sided
    paired t test for the others, with `p_reversed` of the other side; `wilcoxon` is one-sided. A claim's `thresholds`
    add `p_equivalence`. `share` is the images in which K-Means is ahead, in percent.
    """
    found = []
    for model, layer, block in blocks(rows):
        scores = whole_scores(block)
        for name, advantage in advantages(scores)[list(contrasts)].items():
            x = advantage.to_numpy()
            test = (
                permutation_test(scores["kmeans"], random_columns(scores), alternative="two-sided")
                if name == "random"
                else paired_t(x)
            )
            other_side = test if name == "random" else paired_t(x, alternative="less")
            same = {} if thresholds is None else {"p_equivalence": equivalence(x, thresholds)}
            found.append(
                {
                    "model": model,
                    "layer": layer,
                    "tier": get_spec(model).tier,
                    "against": name,
                    **estimates(x),
                    "p": test.p,
                    "log10 p": test.log10_p,
                    "wilcoxon log10 p": wilcoxon(x).log10_p,
                    "share ahead, %": 100 * float((x > 0).mean()),
                    "p_reversed": other_side.p,
                    **same,
                }
            )
    return table_of(found, *BLOCK, "against", "n", "mean", "low", "high")


def group_differences(rows: pd.DataFrame) -> np.ndarray:
    """Each group's mask less its members' mean, as the paper tests them: (images, groups), in logits.

    Groups are ordered by the score of their mask, the best first: their numbers mean nothing across images. Images
    with fewer groups than the others are left out.
    """
    by_group = rows[(rows.group != WHOLE) & rows.masks.isin(["kmeans", "members"])]
    wide = by_group.pivot(index=["image_id", "group"], columns="masks", values="score")
    images = []
    for _, one in wide.groupby(level="image_id", sort=False):
        one = one.sort_values("kmeans", ascending=False)
        images.append((one["kmeans"] - one["members"]).to_numpy())
    most = max(map(len, images))
    return np.stack([image for image in images if len(image) == most])


def tables_1(rows: pd.DataFrame) -> pd.DataFrame:
    """The paper's Table 1 as it ran it, for each block: per group over images, summarised across groups."""
    found = []
    for model, layer, block in blocks(rows):
        differences = group_differences(block)
        table: Table1 = paper_table1(differences)
        found.append({"model": model, "layer": layer, "n": table.n, "groups": differences.shape[1], **table.row()})
    return table_of(found, *BLOCK)


def top_scores(rows: pd.DataFrame, n: int = 10) -> pd.DataFrame:
    """Mean score of the n best groups of an image, for K-Means and for one random partition of the same sizes.

    Choosing groups by the score that is then reported biases it upwards, for both alike.
    """
    found = []
    for model, layer, block in blocks(rows):
        for masks in ("kmeans", "random 000"):
            groups = block[(block.masks == masks) & (block.group != WHOLE)]
            best = groups.groupby("image_id").score.apply(lambda scores: scores.nlargest(n).mean())
            found.append({"model": model, "layer": layer, "masks": masks, f"mean of the best {n}": best.mean()})
    return table_of(found, *BLOCK, "masks", f"mean of the best {n}")
