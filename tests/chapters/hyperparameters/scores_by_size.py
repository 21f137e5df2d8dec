"""Rows of the study of hyper-parameters whose curve P(K) is known."""

import math

import numpy as np
import pandas as pd

GRID = (5, 10, 20, 30, 40)


def made_rows(mean, n=40, seeds=(0, 1), model="mobileone_s0", noise=0.0, grid=GRID, spread=1.0, per_image=1.0):
    """Rows in which P(K) is `mean(K)`, with noise of each image and size; scores are half and half about it."""
    rng = np.random.default_rng(0)
    offset = per_image * rng.normal(size=n)  # of the image, the same for all sizes
    found = []
    for i in range(n):
        for k in grid:
            shift = noise * rng.normal()
            for seed in seeds:
                alternate = spread * np.where(np.arange(k) % 2, 1, -1)
                scores = mean(k) + offset[i] + shift + alternate - alternate.mean()
                found.append(pd.DataFrame({
                    "model": model, "layer": "paper", "image_id": f"image {i:03d}", "seed": seed, "n_clusters": k,
                    "group": range(k), "size": 1, "score": scores, "coverage": 0.3, "target": 0,
                }))  # fmt: skip
    return pd.concat(found, ignore_index=True)


def saturating(k):
    """A sharp bend at 20: the argmin names the next candidate, 30, and the argmax the last."""
    return min(k, 20) / 10 + 0.02 * math.log(k)


def two_heaps(n=30, share=0.4, seeds=(0, 1), model="mobileone_s0", k=30):
    """Rows at one size near Table 3's, a share of whose scores is from a lower heap."""
    rows = made_rows(lambda k: 0.0, n=n, seeds=seeds, model=model, grid=(10, 20, k), spread=0.0, per_image=0.0)
    rng = np.random.default_rng(1)
    lower = rng.random(len(rows)) < share
    return rows.assign(score=np.where(lower, -8.0, 0.0) + rng.normal(size=len(rows)))
