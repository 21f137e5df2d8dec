"""Two small networks, a CNN and a vision transformer: for icon scenes, 96 x 96 pixels to 10 logits, and for phantoms.

The CNN is there twice for scenes: trained on them as they are, and, as `scene_shortcut`, with a planted shortcut. For
the brain phantoms (128 x 128 pixels to 4 logits) both are built with other sizes.

They are written to be read: one class per idea, the shape beside every line that changes it. Their trained
weights (fp16) and model cards lie in `cluscam_lite/assets`; `scripts/train_scenes.py` and
`scripts/train_phantoms.py` make them anew.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUT_SIZE = 96  # pixels, height and width
NUM_CLASSES = 10
MEAN = (0.5, 0.5, 0.5)  # input: (RGB in [0, 1] - MEAN) / STD
STD = (0.25, 0.25, 0.25)
PHANTOM_SIZE = 128
PHANTOM_GRADES = 4
PHANTOM_MEAN = (0.25, 0.25, 0.25)  # about the mean grey of a phantom with its black ground; STD as above


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al. 2016, https://arxiv.org/abs/1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class SceneCNN(nn.Module):
    """A residual network whose last stage has 128 maps of 12 x 12, then average pooling and one linear layer.

    Pooling directly before `fc` makes CAM in its original sense (Zhou et al. 2016) defined.
    """

    def __init__(self, num_classes: int = NUM_CLASSES) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        self.stage2 = ResidualBlock(24, 48, stride=2)
        self.stage3 = ResidualBlock(48, 96, stride=2)
        self.stage4 = ResidualBlock(96, 128, stride=1)
        self.fc = nn.Linear(128, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(x)  # (B, 3, 96, 96) -> (B, 24, 48, 48)
        x = self.stage2(x)  # (B, 48, 24, 24)
        x = self.stage3(x)  # (B, 96, 12, 12)
        x = self.stage4(x)  # (B, 128, 12, 12)
        x = x.mean(dim=(2, 3))  # (B, 128)
        x = self.fc(x)  # (B, 10)
        return x


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        qkv = self.qkv(x).reshape(B, T, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, T, C / heads)
        x = F.scaled_dot_product_attention(q, k, v)  # (B, heads, T, C / heads)
        x = x.transpose(1, 2).reshape(B, T, C)
        x = self.proj(x)  # (B, T, C)
        return x


class Block(nn.Module):
    """A pre-norm transformer block: attention, then a two-layer perceptron, each beside a shortcut."""

    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        x = x + self.mlp(self.norm2(x))  # (B, T, C)
        return x


class SceneViT(nn.Module):
    """A plain vision transformer (Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929).

    Patches of 8 x 8 pixels give 12 x 12 = 144 tokens of 96 channels; a class token, first of the 145, is read
    out at the end.
    """

    def __init__(
        self,
        num_classes: int = NUM_CLASSES,
        dim: int = 96,
        depth: int = 6,
        heads: int = 3,
        patch: int = 8,
        size: int = INPUT_SIZE,
    ) -> None:
        super().__init__()
        tokens = (size // patch) ** 2
        self.patch_embed = nn.Conv2d(3, dim, kernel_size=patch, stride=patch)
        self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + tokens, dim))
        self.blocks = nn.ModuleList(Block(dim, heads, hidden=2 * dim) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, num_classes)

    def embed(self, x: Tensor) -> Tensor:
        """The class token and the patches, each with its position: (B, 3, 96, 96) -> (B, 145, 96)."""
        x = self.patch_embed(x)  # (B, 96, 12, 12)
        x = x.flatten(2).transpose(1, 2)  # (B, 144, 96)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)  # (B, 145, 96)
        return x + self.pos_embed

    def encode(self, tokens: Tensor) -> Tensor:
        """All blocks and the final norm, (B, T, 96) -> (B, T, 96); training leaves out patches (T < 145)."""
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        return tokens

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.encode(self.embed(x))  # (B, 145, 96)
        logits: Tensor = self.head(tokens[:, 0])  # (B, 10)
        return logits


def scene_cnn() -> SceneCNN:
    """The CNN for the icon scenes with random weights; (B, 3, 96, 96) -> (B, 10) logits."""
    return SceneCNN()


def scene_shortcut() -> SceneCNN:
    """The same CNN with random weights; its trained ones take a badge for an anchor (``datasets.badges``)."""
    return SceneCNN()


def scene_vit() -> SceneViT:
    """The vision transformer for the icon scenes with random weights; (B, 3, 96, 96) -> (B, 10) logits."""
    return SceneViT()


def phantom_cnn() -> SceneCNN:
    """The CNN for brain phantoms with random weights; (B, 3, 128, 128) -> (B, 4) logits, last maps 16 x 16."""
    return SceneCNN(PHANTOM_GRADES)


def phantom_vit() -> SceneViT:
    """The transformer for brain phantoms with random weights: patches of 16 x 16, (B, 3, 128, 128) -> (B, 4) logits."""
    return SceneViT(PHANTOM_GRADES, patch=16, size=PHANTOM_SIZE)
