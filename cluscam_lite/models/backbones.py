"""The networks known by name: the paper's twelve, five more on ImageNet, and this project's own.

`backbones.csv` is their table, the paper's networks in the order of Table 3 first. Its columns:

- `weights_id`, `input_size`, `resize`, `interpolation`: as in `ModelSpec`; `inputs`: how they are normalised;
- `n_clusters`, `drop_percent`, `paper_temperature`: K, r in percent, and tau as printed in Table 3 (two decimals of
  Eq. 10); networks outside Table 3 take the row of the nearest one in it, `like`;
- `paper`, `last`, `last_input`: the layers. A CNN is explained at its last convolutional stage, a transformer, in the
  paper, at the convolution that embeds its patches; "last" is its last stage or block (CaiT's last one before class
  attention). Where a class token is read out, the patch tokens that leave the last block reach no logit: methods that
  ask what the maps do to the output (gradients, ablation) are read at the block's first normalisation instead,
  "last_input", as grad-cam advises.
"""

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import nn

from ..datasets.phantoms.phantom import PHANTOM_CLASSES
from .builders import build_embedded, build_fused_timm, build_resnet50_v1, build_timm, build_torchvision
from .embedded import MEAN, PHANTOM_MEAN, STD
from .spec import ModelSpec

NORMALISATION = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "bytes": ((127 / 255,) * 3, (128 / 255,) * 3),  # (byte - 127) / 128, as TensorFlow Lite's networks take them
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "scenes": (MEAN, STD),
    "phantoms": (PHANTOM_MEAN, STD),
}
BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "resnet50_v1": build_resnet50_v1,
    "mobileone_s0": partial(build_fused_timm, "mobileone_s0"),
    # as TensorFlow pads: timm's name for the network with the package's weights
    "efficientnet_lite0": partial(build_timm, "tf_efficientnet_lite0"),
    # the published weights expect inputs rescaled inside the network, and carry the auxiliary head
    "inception_v3": partial(build_torchvision, "inception_v3", transform_input=True, init_weights=False),
}
UNFUSED = {"mobileone_s0": partial(build_timm, "mobileone_s0")}
BUILD_BY_LIBRARY = {"torchvision": build_torchvision, "timm": build_timm, "embedded": build_embedded}

with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
    ROWS = {row["name"]: row for row in csv.DictReader(file)}
TABLE_3 = {
    name: (int(row["n_clusters"]), float(row["drop_percent"]), float(row["paper_temperature"]))
    for name, row in ROWS.items()
    if not row["like"]
}


def _spec(row: dict[str, str]) -> ModelSpec:
    name, library, in_paper = row["name"], row["library"], row["name"] in TABLE_3
    n_clusters, drop_percent, temperature = TABLE_3[row["like"] or name]
    mean, std = NORMALISATION[row["inputs"]]
    # those of the networks whose classes are neither ImageNet's nor the scenes'
    classes = PHANTOM_CLASSES if row["inputs"] == "phantoms" else ()
    return ModelSpec(
        **{key: row[key] for key in ("name", "title", "family", "library", "interpolation", "tier", "note")},
        build=BUILDERS.get(name) or partial(BUILD_BY_LIBRARY[library], name),
        unfused=UNFUSED.get(name),
        weights_id=row["weights_id"] or None,
        input_size=int(row["input_size"]),
        resize=int(row["resize"]),
        mean=mean,
        std=std,
        layers={key: row[key] for key in ("paper", "last", "last_input") if row[key]},
        n_clusters=n_clusters,
        drop_ratio=round(drop_percent / 100, 4),
        temperature=None,
        paper_temperature=temperature if in_paper else None,
        num_classes=len(classes) or (10 if library == "embedded" else 1000),
        classes=classes,
        in_paper=in_paper,
    )


BACKBONES = {name: _spec(row) for name, row in ROWS.items()}


def model_names() -> list[str]:
    """The names of all networks: the paper's in the order of Table 3, then the others."""
    return list(BACKBONES)
