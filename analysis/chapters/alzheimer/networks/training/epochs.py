"""One epoch of training, and predictions: the two loops over batches."""

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from analysis.chapters.alzheimer.networks.training.augment import augment
from analysis.chapters.alzheimer.networks.training.recipe import Recipe
from analysis.chapters.alzheimer.networks.training.run import Run, precision
from analysis.chapters.alzheimer.networks.training.slices import Slices, to_input
from cluscam_lite.models import Preprocess

SAY_EVERY = 30.0  # seconds between lines of progress within an epoch


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Weights (C,) of the loss, in inverse proportion to the classes' frequencies; their mean over images is 1."""
    counts = torch.bincount(labels, minlength=classes)
    return torch.where(counts > 0, len(labels) / ((counts > 0).sum() * counts.clamp(min=1)), 0.0)


def balanced_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Mean over the batch of each image's cross-entropy times the weight of its class."""
    return (F.cross_entropy(logits.float(), labels, reduction="none") * weights[labels]).mean()


def train_epoch(run: Run, recipe: Recipe, data: Slices, preprocess: Preprocess, say: Callable[[str], None]) -> float:
    """One pass over the images in a new order, the last incomplete batch left out. Returns the mean loss."""
    run.network.train()
    weights = class_weights(data.labels, len(data.class_names)).to(run.device)
    kind = precision(recipe, run.device)
    batches = batches_of(torch.randperm(len(data), generator=run.generator), recipe.batch_size)
    losses, said, began = [], time.monotonic(), time.monotonic()
    for number, chosen in enumerate(batches, 1):
        grey = augment(data.pixels[chosen].to(run.device), run.generator)
        x = to_input(grey, preprocess).contiguous(memory_format=torch.channels_last)
        with autocast(run.device, kind):
            logits = _logits(run.network, x)
        loss = balanced_loss(logits, data.labels[chosen].to(run.device), weights)
        run.step(loss, run.network.parameters())
        losses.append(loss.detach())
        if time.monotonic() - said > SAY_EVERY:
            said, pace = time.monotonic(), (time.monotonic() - began) / number
            say(f"  batch {number}/{len(batches)}, loss {losses[-1]:.3f}, {pace * (len(batches) - number):.0f} s left")
    return torch.stack(losses).mean().item()


def batches_of(order: Tensor, size: int) -> list[Tensor]:
    """Whole batches of `size`; one of all images where there are fewer."""
    whole = [batch for batch in order.split(size) if len(batch) == size]
    return whole or [order]


@torch.no_grad()
def predict(network: nn.Module, data: Slices, preprocess: Preprocess, device: torch.device, batch: int = 64) -> Tensor:
    """Logits (N, C) in float32, on the CPU, in eval mode."""
    network.eval()
    found = []
    for pixels in data.pixels.split(batch):
        x = to_input(pixels.to(device), preprocess).contiguous(memory_format=torch.channels_last)
        found.append(_logits(network, x).float().cpu())
    return torch.cat(found)


def autocast(device: torch.device, kind: torch.dtype):
    """Mixed precision within, where `kind` is not float32."""
    return torch.autocast(device.type, kind, enabled=kind != torch.float32)


def _logits(network: nn.Module, x: Tensor) -> Tensor:
    if x.device.type == "cpu" and torch.is_grad_enabled():
        with sdpa_kernel(SDPBackend.MATH):  # fused attention is slow backwards on CPUs
            output = network(x)
    else:
        output = network(x)
    return getattr(output, "logits", output)
