"""The table of the `cheap` chapter: the work that is saved."""

import pandas as pd

from cluscam_lite.algorithm.masks import extreme_samples

# grid of maps -> side of the input: the paper's CNNs, ViT-B, Swin-B, and this project's scenes
GRIDS = {
    "7 x 7, ResNet": (7, 224),
    "14 x 14, ViT-B": (14, 224),
    "56 x 56, Swin-B": (56, 224),
    "12 x 12, scenes": (12, 96),
}


def work_table() -> pd.DataFrame:
    """For the `GRIDS`: numbers in a map for K-Means, upsampled and not, and samples that contain its extremes."""
    return pd.DataFrame(
        {
            "maps": name,
            "enlarged": target**2,
            "here": source**2,
            "times less": target**2 // source**2,
            "extremes": len(extreme_samples(source, target)) ** 2,
        }
        for name, (source, target) in GRIDS.items()
    )
