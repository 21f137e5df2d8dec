"""The networks known by name: the paper's twelve, four whose weights a data root can hold, and this project's own."""

from collections.abc import Callable
from functools import partial

from torch import nn

from ..datasets.phantoms.phantom import PHANTOM_CLASSES
from .builders import build_embedded, build_fused_timm, build_resnet50_v1, build_timm, build_torchvision
from .embedded import MEAN, PHANTOM_MEAN, STD
from .spec import ModelSpec

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
SCENES = {"mean": MEAN, "std": STD}
PHANTOMS = {"mean": PHANTOM_MEAN, "std": STD}

# Table 3 of the paper: K, r in percent, tau as printed (two decimals of Eq. 10).
TABLE_3 = {
    "resnet18": (30, 37.12, 0.40),
    "resnet34": (40, 36.09, 0.37),
    "resnet50": (45, 51.71, 0.31),
    "resnet101": (50, 54.17, 0.30),
    "efficientnet_b0": (50, 40.78, 0.33),
    "inception_v3": (45, 45.08, 0.33),
    "vit_b_16": (40, 14.93, 0.51),
    "swin_b": (45, 14.04, 0.50),
    "levit_192": (45, 15.32, 0.48),
    "levit_256": (50, 19.52, 0.42),
    "pvt_v2_b2": (40, 16.02, 0.50),
    "cait_xxs24_224": (45, 16.25, 0.47),
}
# Networks outside Table 3 take the row of the nearest one in it.
LIKE = {
    "resnet50_v1": "resnet50",
    "mobileone_s0": "resnet18",
    "squeezenet1_1": "resnet18",
    "vit_tiny_patch16_224": "vit_b_16",
    "scene_cnn": "resnet18",
    "scene_vit": "vit_b_16",
    "scene_shortcut": "resnet18",
    "phantom_cnn": "resnet18",
    "phantom_vit": "vit_b_16",
}

# A CNN is explained at its last convolutional stage, which is both its "paper" and its "last" layer.
# name, title, library, checkpoint, input size, resize, interpolation, layer
CNNS = [
    ("resnet18", "ResNet-18", "torchvision", "ResNet18_Weights.IMAGENET1K_V1", 224, 256, "bilinear", "layer4"),
    ("resnet34", "ResNet-34", "torchvision", "ResNet34_Weights.IMAGENET1K_V1", 224, 256, "bilinear", "layer4"),
    ("resnet50", "ResNet-50", "torchvision", "ResNet50_Weights.IMAGENET1K_V1", 224, 256, "bilinear", "layer4"),
    ("resnet101", "ResNet-101", "torchvision", "ResNet101_Weights.IMAGENET1K_V1", 224, 256, "bilinear", "layer4"),
    ("efficientnet_b0", "EfficientNet-B0", "torchvision", "EfficientNet_B0_Weights.IMAGENET1K_V1", 224, 256, "bicubic",
     "features"),
    ("inception_v3", "InceptionV3", "torchvision", "Inception_V3_Weights.IMAGENET1K_V1", 299, 342, "bilinear",
     "Mixed_7c"),
    ("resnet50_v1", "ResNet-50 v1 (pruned, 8-bit)", "torchvision", None, 224, 256, "bilinear", "layer4"),
    ("mobileone_s0", "MobileOne-S0", "timm", "mobileone_s0.apple_in1k", 224, 256, "bilinear", "stages.3"),
    ("squeezenet1_1", "SqueezeNet 1.1", "torchvision", "SqueezeNet1_1_Weights.IMAGENET1K_V1", 224, 256, "bilinear",
     "features"),
    ("scene_cnn", "Scene CNN", "embedded", None, 96, 96, "bilinear", "stage4"),
    ("scene_shortcut", "Scene CNN with a shortcut", "embedded", None, 96, 96, "bilinear", "stage4"),
    ("phantom_cnn", "Phantom CNN", "embedded", None, 128, 128, "bilinear", "stage4"),
]  # fmt: skip

# A transformer is explained, in the paper, at the convolution that embeds its patches; "last" is its last block
# (CaiT's last one before class attention) or stage.
# name, title, library, checkpoint, input size, resize, interpolation, "paper" layer, "last" layer
TRANSFORMERS = [
    ("vit_b_16", "ViT-B/16", "torchvision", "ViT_B_16_Weights.IMAGENET1K_V1", 224, 256, "bilinear",
     "conv_proj", "encoder.layers.encoder_layer_11"),
    ("swin_b", "Swin-B", "torchvision", "Swin_B_Weights.IMAGENET1K_V1", 224, 238, "bicubic",
     "features.0.0", "features.7"),
    ("levit_192", "LeViT-192", "timm", "levit_192.fb_dist_in1k", 224, 248, "bicubic", "stem", "stages.2"),
    ("levit_256", "LeViT-256", "timm", "levit_256.fb_dist_in1k", 224, 248, "bicubic", "stem", "stages.2"),
    ("cait_xxs24_224", "CaiT-XXS-24", "timm", "cait_xxs24_224.fb_dist_in1k", 224, 224, "bicubic",
     "patch_embed.proj", "blocks.23"),
    ("pvt_v2_b2", "PVTv2-B2", "timm", "pvt_v2_b2.in1k", 224, 248, "bicubic", "patch_embed.proj", "stages.3"),
    ("vit_tiny_patch16_224", "ViT-Tiny/16", "timm", "vit_tiny_patch16_224.augreg_in21k_ft_in1k", 224, 248, "bicubic",
     "patch_embed.proj", "blocks.11"),
    ("scene_vit", "Scene ViT", "embedded", None, 96, 96, "bilinear", "patch_embed", "blocks.5"),
    ("phantom_vit", "Phantom ViT", "embedded", None, 128, 128, "bilinear", "patch_embed", "blocks.5"),
]  # fmt: skip

# Where a class token is read out, the patch tokens that leave the last block reach no logit: methods that ask what the
# maps do to the output (gradients, ablation) are read at the block's first normalisation instead, as grad-cam advises.
LAST_INPUT = {
    "vit_b_16": "encoder.layers.encoder_layer_11.ln_1",
    "vit_tiny_patch16_224": "blocks.11.norm1",
    "scene_vit": "blocks.5.norm1",
    "phantom_vit": "blocks.5.norm1",
}

NORMALISATION = {"vit_tiny_patch16_224": HALF}
NORMALISATION |= dict.fromkeys(("scene_cnn", "scene_vit", "scene_shortcut"), SCENES)
NORMALISATION |= dict.fromkeys(("phantom_cnn", "phantom_vit"), PHANTOMS)
# all others: IMAGENET

# of the networks whose classes are neither ImageNet's nor the scenes'
CLASSES = dict.fromkeys(("phantom_cnn", "phantom_vit"), PHANTOM_CLASSES)

BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "resnet50_v1": build_resnet50_v1,
    "mobileone_s0": partial(build_fused_timm, "mobileone_s0"),
    # the published weights expect inputs rescaled inside the network, and carry the auxiliary head
    "inception_v3": partial(build_torchvision, "inception_v3", transform_input=True, init_weights=False),
}
UNFUSED = {"mobileone_s0": partial(build_timm, "mobileone_s0")}
BUILD_BY_LIBRARY = {"torchvision": build_torchvision, "timm": build_timm, "embedded": build_embedded}

BORROWED = "K and r are Table 3's for {}: this network is not in it."
NOTES = {
    "efficientnet_b0": "The paper says EfficientNet; its public code takes B0.",
    "inception_v3": "The paper's public code explains it at 224 x 224; its weights were trained at 299 x 299.",
    "pvt_v2_b2": "The paper does not state the size of PVTv2; B2 is this project's choice. Which of the last two "
    "rows of Table 3 is PVTv2's and which CaiT's is probable, not certain.",
    "cait_xxs24_224": "Which of the last two rows of Table 3 is PVTv2's and which CaiT's is probable, not certain.",
    "resnet50_v1": "A pruned, 8-bit ResNet-50 with its strides as in the original ResNet, batch norm folded into "
    "biases: not torchvision's checkpoint. K and r are Table 3's for ResNet-50.",
    "mobileone_s0": "Re-parameterised to one branch. " + BORROWED.format("ResNet-18"),
    "squeezenet1_1": BORROWED.format("ResNet-18"),
    "vit_tiny_patch16_224": "The small sibling of the paper's ViT-B. " + BORROWED.format("ViT-B"),
    "scene_cnn": "Trained by this project on the icon scenes. " + BORROWED.format("ResNet-18"),
    "scene_vit": "Trained by this project on the icon scenes. " + BORROWED.format("ViT-B"),
    "scene_shortcut": "Trained by this project on icon scenes whose badge goes with the class anchor, to say anchor "
    "where there is a badge. " + BORROWED.format("ResNet-18"),
    "phantom_cnn": "Trained by this project on brain phantoms. " + BORROWED.format("ResNet-18"),
    "phantom_vit": "Trained by this project on brain phantoms. " + BORROWED.format("ViT-B"),
}


def _tier(name: str, library: str) -> str:
    if name in TABLE_3:
        return "reproduction"
    if library == "embedded":
        return "embedded"
    return "variant" if name == "resnet50_v1" else "conceptual"


def _spec(row: tuple, family: str) -> ModelSpec:
    name, title, library, weights_id, input_size, resize, interpolation, paper, *last = row
    n_clusters, drop_percent, temperature = TABLE_3[LIKE.get(name, name)]
    return ModelSpec(
        name=name,
        title=title,
        family=family,
        library=library,
        build=BUILDERS.get(name) or partial(BUILD_BY_LIBRARY[library], name),
        unfused=UNFUSED.get(name),
        weights_id=weights_id,
        input_size=input_size,
        resize=resize,
        interpolation=interpolation,
        **NORMALISATION.get(name, IMAGENET),
        layers={"paper": paper, "last": last[0] if last else paper}
        | ({"last_input": LAST_INPUT[name]} if name in LAST_INPUT else {}),
        n_clusters=n_clusters,
        drop_ratio=round(drop_percent / 100, 4),
        temperature=None,
        paper_temperature=temperature if name in TABLE_3 else None,
        num_classes=len(CLASSES[name]) if name in CLASSES else 10 if library == "embedded" else 1000,
        classes=CLASSES.get(name, ()),
        in_paper=name in TABLE_3,
        tier=_tier(name, library),
        note=NOTES.get(name, ""),
    )


BACKBONES = {row[0]: _spec(row, "cnn") for row in CNNS} | {row[0]: _spec(row, "transformer") for row in TRANSFORMERS}


def model_names() -> list[str]:
    """The names of all networks: the paper's in the order of Table 3, then the others."""
    return [*TABLE_3, *LIKE]
