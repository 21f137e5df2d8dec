"""Rows of the study `logits` whose contrasts are known by hand."""

import numpy as np
import pandas as pd

from analysis.chapters.logits.evidence import CONTRASTS


def rows(n=8, seed=0, gain=1.0):
    """Two groups of 3 and 1 maps on n images: K-Means is ahead of its members by `gain`, and random of K-Means by 1."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        base, noise = rng.normal(), 0.1 * rng.normal()
        values = {name: base - 2 + 0.01 * i for name in CONTRASTS if name != "random"}
        values |= {
            "kmeans": base,
            "members": base - gain + noise,
            "random 000": base + 1,
            "random 001": base + 1 + noise,
        }
        for masks, score in values.items():
            groups = [(-1, 4, score)]
            if masks in ("kmeans", "members", "random 000"):
                groups += [(0, 3, score + 1), (1, 1, score - 3)]  # 3/4 (s + 1) + 1/4 (s - 3) = s
            for group, n_maps, value in groups:
                found.append(
                    {"image_id": f"i{9 - i}", "masks": masks, "group": group, "n_maps": n_maps, "score": value}
                )
    return pd.DataFrame(found).assign(model="scene_cnn", layer="paper")
