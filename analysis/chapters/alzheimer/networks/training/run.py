"""The state of a training run: everything that an epoch changes and a checkpoint has to hold."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from analysis.chapters.alzheimer.networks.training.checkpoint import plain_state, random_state, restore_random_state
from analysis.chapters.alzheimer.networks.training.recipe import Recipe

CLIP = 1.0  # the largest norm of a step's gradient


@dataclass
class Run:
    """A network with its optimiser, schedule, scaler and sampler, and its progress.

    `best` are the weights of `best_epoch`: so far the largest balanced accuracy on the validation images and, among
    equals, the smallest loss. `history` has a dict for each epoch.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    scaler: torch.amp.GradScaler
    generator: torch.Generator
    device: torch.device
    epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best_score: tuple[float, float] = (-math.inf, -math.inf)
    history: list[dict[str, Any]] = field(default_factory=list)

    def keep_if_better(self, balanced_accuracy: float, loss: float, always: bool = False) -> bool:
        """Keep the present weights if they are the best so far (or `always`). Returns whether they were kept."""
        score = (balanced_accuracy, -loss)
        if score <= self.best_score and not always:
            return False
        self.best_score, self.best_epoch, self.best = score, self.epoch, plain_state(self.network)
        return True

    def step(self, loss: Tensor, parameters: Iterable[Tensor]) -> None:
        """One step of the optimiser down the gradient of `loss`, whose norm over `parameters` is clipped to `CLIP`."""
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(parameters, CLIP)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.schedule.step()

    def state(self) -> dict[str, Any]:
        """Everything but the weights, in types that can be read without running code."""
        return {
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "sampler": self.generator.get_state(),
            "random": random_state(self.device),
        }

    def facts(self) -> dict[str, Any]:
        """The progress of the run, as JSON can hold it."""
        return {
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_score": self.best_score,
            "history": self.history,
        }

    def restore(self, weights: dict[str, Tensor], best: dict[str, Tensor], state: dict[str, Any], facts: dict) -> None:
        """Restore the run as it was when the checkpoint was written."""
        self.network.load_state_dict(weights)
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        self.generator.set_state(state["sampler"])
        restore_random_state(state["random"], self.device)
        self.best, self.epoch, self.best_epoch = best, facts["epoch"], facts["best_epoch"]
        self.best_score, self.history = tuple(facts["best_score"]), facts["history"]


def new_run(recipe: Recipe, network: nn.Module, steps_per_epoch: int, peak_rate: float, device: torch.device) -> Run:
    """A run before its first step. Torch's global generators are seeded: drop-out draws from them."""
    torch.manual_seed(recipe.seed)
    network = network.to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        parameter_groups(network, recipe.weight_decay), lr=peak_rate, foreach=device.type == "cuda"
    )
    steps = recipe.epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, partial(rate, steps=steps, warmup=max(1, round(recipe.warmup * steps)))
    )
    scaler = torch.amp.GradScaler(device.type, enabled=precision(recipe, device) == torch.float16)
    return Run(network, optimiser, schedule, scaler, torch.Generator().manual_seed(recipe.seed), device)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices and filters; none on biases, normalisation, tokens and positions."""
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    plain = [p for name, p in named if p.ndim < 2 or "pos_embed" in name or "token" in name]
    kept = {id(p) for p in plain}
    return [
        {"params": [p for _, p in named if id(p) not in kept], "weight_decay": weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]


def rate(step: int, steps: int, warmup: int) -> float:
    """The learning rate as a share of its peak: linear warm-up, then half a cosine down to zero."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    """The type of the multiplications: mixed precision on a GPU, float32 on a CPU, unless the recipe says."""
    if recipe.precision != "auto":
        return getattr(torch, recipe.precision)
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
