"""Top-1 accuracy of the real networks on the data root's ILSVRC images, against what its README promises.

    python -m analysis.oracles.accuracy [--n 1000] [NAME ...]

Only the predicted class is computed, so that no method sees the images that are kept for confirmation.
"""

import argparse
import sys
from collections.abc import Sequence

import pandas as pd
import torch

from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import load_model

# percent, on the 1,000 images of the data root
PROMISED = {
    "resnet50_v1": 72.1,
    "vit_tiny_patch16_224": 74.7,
    "mobileone_s0": 70.7,
    "squeezenet1_1": 55.8,
    "efficientnet_lite0": 75.1,
}
TOLERANCE = 0.5  # percentage points
BATCH = 25


def accuracy(name: str, n: int | None = None, data_root: str | None = None) -> float:
    """Top-1 accuracy, percent, of the network `name` on the first `n` images in the order of their ids.

    Raises CluscamError if weights or images are missing.
    """
    loaded = load_model(name, data_root=data_root)
    preprocess = loaded.spec.preprocess("standard")
    samples = load_dataset("ilsvrc", data_root=data_root, n=n, source="dataroot")
    right = 0
    with torch.inference_mode():
        for start in range(0, len(samples), BATCH):
            batch = [samples[i] for i in range(start, min(start + BATCH, len(samples)))]
            x = torch.stack([preprocess(sample.image) for sample in batch])  # (b, 3, H, W)
            predicted = loaded.module(x.contiguous(memory_format=torch.channels_last)).argmax(1)
            right += sum(int(p) == sample.label for p, sample in zip(predicted, batch, strict=True))
    return 100 * right / len(samples)


def accuracy_table(
    data_root: str | None = None, names: Sequence[str] = tuple(PROMISED), n: int | None = None
) -> pd.DataFrame:
    """One row per network: measured and promised accuracy, their difference, and `pass` if within `TOLERANCE`."""
    measured = [accuracy(name, n, data_root) for name in names]
    table = pd.DataFrame({"model": names, "measured": measured, "promised": [PROMISED[name] for name in names]})
    table["difference"] = (table["measured"] - table["promised"]).round(6)
    table["pass"] = table["difference"].abs() <= TOLERANCE
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 if an accuracy is off, 2 if something is missing."""
    parser = argparse.ArgumentParser(description="Top-1 accuracy of the real networks on a data root.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(PROMISED)} (default: all)")
    parser.add_argument("--n", type=int, help="the first N images only; the promise is for all 1,000")
    parser.add_argument("--data-root", help="instead of CLUSCAM_DATA")
    options = parser.parse_args(arguments)
    if strangers := set(options.names) - set(PROMISED):
        parser.error(f"no accuracy is promised for {', '.join(sorted(strangers))}; choose of {', '.join(PROMISED)}")
    try:
        table = accuracy_table(options.data_root, options.names or tuple(PROMISED), options.n)
    except CluscamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(table.to_string(index=False, float_format="%.1f"))
    return 0 if table["pass"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
