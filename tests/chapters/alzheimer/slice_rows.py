"""Rows of the study `alzheimer`, made by hand."""

import numpy as np
import pandas as pd

from analysis.chapters.alzheimer.plan import RESNET, VIT


def rows_by_hand(models=(RESNET, VIT), n=24, per_component=4, methods=("cluscam", "opticam", "donor"), seed=0):
    """Rows of a run on n slices, `per_component` to a component: ClusCAM raises the probability more often."""
    rng = np.random.default_rng(seed)
    found = []
    for model in models:
        for method in methods:
            for i in range(n):
                up = 100.0 * (rng.random() < {"cluscam": 0.9}.get(method, 0.2))
                found.append({
                    "dataset": "alzheimer_mri", "part": "test", "model": model, "layer": "paper", "method": method,
                    "variant": "", "seed": 0, "image_id": f"test-{i:05d}", "target": i % 2, "form": "raw",
                    "fill": "mean", "coverage": 0.3, "increase": up, "gain": up / 2, "drop": 100 - up, "uniform": False,
                    "forward_passes": 31, "backward_passes": 0, "component": i // per_component, "reason": "",
                    "class_map": "", "class_images": 0,
                })  # fmt: skip
    return pd.DataFrame(found)
