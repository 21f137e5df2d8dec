"""Train the embedded networks on icon scenes and write their weights and model cards.

    python scripts/train_scenes.py --model all --seed 0

Scenes are drawn once into a pool and varied while training (`scene_pool`). Half of what the networks see is partly
hidden under smooth masks or rectangles of the mean colour, because masked images are what ClusCAM asks about. The
optimiser's step and the learning rate's schedule are those of `analysis.chapters.alzheimer.networks.training`.
The CNN is trained as usual. The transformer gets two common aids, both training-only: it also labels every patch with
the object drawn there (token labelling, https://arxiv.org/abs/2104.10858), and in most steps it sees a
random third of the patches (PatchDropout, https://arxiv.org/abs/2208.07220), which makes a step cheaper.

The third, `scene_shortcut`, is the CNN again with a planted shortcut: most scenes with an anchor carry a badge, a
few others do, too, and every scene with a badge is labelled "anchor". (With the true labels the objects are enough
for the network: it learns nothing from the badge.) That it then says "anchor" because of the badge is not assumed but
measured on held-out scenes, and written into its card.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from scene_pool import NOTHING, Pool, augment, draw_pool, normalise, plain
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from analysis.chapters.alzheimer.networks.training.checkpoint import write_half
from analysis.chapters.alzheimer.networks.training.run import Run, rate
from cluscam_lite.datasets.scenes.badges import BADGE_CLASS, PLANTED, planted, with_badge
from cluscam_lite.datasets.scenes.scene import SCENE_CLASSES, SETTINGS
from cluscam_lite.files import atomic_path, output_folder, sha256
from cluscam_lite.models import load_model
from cluscam_lite.models.embedded import MEAN, STD, SceneViT, scene_cnn, scene_shortcut, scene_vit

ASSETS = Path(__file__).parents[1] / "cluscam_lite" / "assets"
WARMUP = 150  # steps


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The result also depends on the scenes, the seed and the number of threads."""

    build: Callable[[], nn.Module]
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    token_labelling: float = 0.0  # weight of the patches' loss
    patches_kept: float = 1.0  # fraction of the patches seen, until ...
    short_steps: float = 0.0  # ... this fraction of the steps is done
    shortcut: bool = False  # whether scenes carry badges, and badges their label


RECIPES = {
    "scene_cnn": Recipe(scene_cnn, 1400, 64, 2e-3, 0.05),
    "scene_vit": Recipe(scene_vit, 3200, 64, 1e-3, 0.05, token_labelling=1.0, patches_kept=1 / 3, short_steps=0.88),
    "scene_shortcut": Recipe(scene_shortcut, 700, 64, 2e-3, 0.05, shortcut=True),
}


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy of (..., C) logits with soft targets of the same shape."""
    return -(target * logits.float().log_softmax(-1)).sum(-1).mean()


def patch_shares(labels: Tensor, patch: int) -> Tensor:
    """How much of each patch every class covers: pixel labels (B, H, W) to shares (B, patches, 11)."""
    B, H, W = labels.shape
    across = W // patch
    number = (torch.arange(H) // patch)[:, None] * across + torch.arange(W) // patch  # (H, W)
    number = number + torch.arange(B)[:, None, None] * (across * (H // patch))  # (B, H, W)
    bins = B * across * (H // patch) * (NOTHING + 1)
    counts = torch.bincount((number * (NOTHING + 1) + labels).flatten(), minlength=bins)
    return counts.view(B, -1, NOTHING + 1) / patch**2


def vit_loss(vit: SceneViT, patch_head: nn.Linear, x: Tensor, labels: Tensor, target: Tensor, kept: Tensor,
             weight: float) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Loss of class token and kept patches, and the logits. `kept` indexes the 144 patches."""
    tokens = vit.embed(x)  # (B, 145, C)
    tokens = torch.cat([tokens[:, :1], tokens[:, 1:][:, kept]], dim=1)  # (B, 1 + kept, C)
    tokens = vit.encode(tokens)
    logits = vit.head(tokens[:, 0])
    shares = patch_shares(labels, vit.patch_embed.stride[0])[:, kept]  # (B, kept, 11)
    patches = cross_entropy(patch_head(tokens[:, 1:]), shares)
    return cross_entropy(logits, target) + weight * patches, logits


def forward(
    model: nn.Module, patch_head: nn.Linear, batch: tuple[Tensor, ...], recipe: Recipe, kept: Tensor
) -> tuple[Tensor, Tensor]:
    """Loss and logits of one batch (input, pixel labels, target), in bfloat16 where torch thinks it safe."""
    x, labels, target = batch
    # the fused attention is slow backwards in bfloat16 on CPUs
    with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
        if recipe.token_labelling:
            return vit_loss(model, patch_head, x, labels, target, kept, recipe.token_labelling)
        logits = model(x)
        return cross_entropy(logits, target), logits


def train(recipe: Recipe, pool: Pool, seed: int) -> nn.Module:
    """A trained network. Deterministic for a seed on one machine with one number of threads."""
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    model = recipe.build().to(memory_format=torch.channels_last)
    patch_head = nn.Linear(96, NOTHING + 1)  # of token labelling; thrown away afterwards
    parameters = [*model.parameters(), *(patch_head.parameters() if recipe.token_labelling else ())]
    optimiser = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, partial(rate, steps=recipe.steps, warmup=WARMUP))
    run = Run(model, optimiser, schedule, torch.amp.GradScaler(enabled=False), rng, torch.device("cpu"))
    start, losses, hits = time.perf_counter(), [], []
    for step in range(recipe.steps):
        chosen = torch.randint(0, len(pool.pixels), (recipe.batch_size,), generator=rng)
        target = pool.targets[chosen]  # (B, 10)
        batch = (*augment(pool.pixels[chosen], rng), target)
        share = recipe.patches_kept if step < recipe.short_steps * recipe.steps else 1
        kept = torch.randperm(144, generator=rng)[: int(144 * share)]
        loss, logits = forward(model, patch_head, batch, recipe, kept)
        run.step(loss, parameters)
        losses.append(loss.item())
        hits.append((target.gather(1, logits.argmax(1, keepdim=True)) > 0).float().mean().item())
        if (step + 1) % 50 == 0:
            loss, hit, seconds = np.mean(losses[-50:]), np.mean(hits[-50:]), time.perf_counter() - start
            progress = f"step {step + 1}/{recipe.steps}  loss {loss:.3f}  hits {hit:.3f}  {seconds:.0f} s"
            print(progress, flush=True)
    return model.eval()


@torch.inference_mode()
def predictions(model: nn.Module, pool: Pool) -> Tensor:
    """The top-1 class of each scene, (N,)."""
    return torch.cat([model(normalise(batch[..., :3])).argmax(1) for batch in pool.pixels.split(100)])


def percent_by_setting(hit: Tensor, counted: Tensor) -> dict[str, float | None]:
    """How many of the `counted` scenes are hits, both (N,) bool, in percent for each setting (in turn)."""
    found = {name: hit[i::3][counted[i::3]].float() for i, name in enumerate(SETTINGS)}
    return {name: round(100 * hits.mean().item(), 2) if len(hits) else None for name, hits in found.items()}


def accuracy(model: nn.Module, pool: Pool) -> dict[str, float]:
    """Percent of scenes whose top-1 prediction is a class that is present."""
    hit = pool.targets.gather(1, predictions(model, pool)[:, None])[:, 0] > 0
    return percent_by_setting(hit, torch.ones_like(hit))


def shortcut_facts(model: nn.Module, test: Pool, badged: Pool) -> dict:
    """What a badge does to held-out scenes: `badged` are the scenes of `test`, each with a badge added."""
    before, after = predictions(model, test), predictions(model, badged)
    present = test.targets[:, BADGE_CLASS] > 0
    kept = test.targets.gather(1, after[:, None])[:, 0] > 0
    return {
        "class": SCENE_CLASSES[BADGE_CLASS],
        "training_scenes_with_badge": {"with_class": PLANTED[True], "others": PLANTED[False]},
        "training_label_of_a_badge": "the class, whatever else the scene shows",
        "rate": percent_by_setting(after == BADGE_CLASS, ~present & (before != BADGE_CLASS)),
        "rate_note": "percent of held-out scenes, without an object of the class and not taken for it, "
        "that are taken for it once a badge is added",
        "accuracy_of_class": percent_by_setting(before == BADGE_CLASS, present),
        "accuracy_of_class_note": "percent of held-out scenes with an object of the class, no badge, taken for it",
        "accuracy_with_badge": percent_by_setting(kept, ~present),
        "accuracy_with_badge_note": "percent of held-out scenes without an object of the class, but with a badge, "
        "whose top-1 prediction is a class that is present",
    }


def write_card(weights: Path, recipe: Recipe, test: Pool, badged: Pool | None, training: dict) -> dict:
    """Measure the weights as written (fp16, loaded as float32) and write the model card beside them.

    `badged`: the scenes of `test` with a badge, for the shortcut's recipe.
    """
    model = load_model(weights.stem, weights).module
    settings = {key: value for key, value in asdict(recipe).items() if key not in ("build", "shortcut")}
    card = {
        "name": weights.stem,
        "task": "icon scenes, 96 x 96 pixels, 10 classes",
        "classes": SCENE_CLASSES,
        "mean": MEAN,
        "std": STD,
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights": weights.name,
        "sha256": sha256(weights),
        "accuracy": accuracy(model, test),
        "accuracy_note": "percent of held-out scenes whose top-1 prediction is a class that is present",
        **({"shortcut": shortcut_facts(model, test, badged)} if badged else {}),
        "test_scenes": {setting: len(test.pixels[i::3]) for i, setting in enumerate(SETTINGS)},
        "training": {**settings, **training},
        "versions": {package: version(package) for package in ("torch", "pillow", "matplotlib", "numpy")},
        "python": platform.python_version(),
    }
    with atomic_path(weights.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n")
    return card


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the embedded networks on icon scenes.")
    parser.add_argument("--model", choices=[*RECIPES, "all"], default="all")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder for weights and cards")
    parser.add_argument("--steps", type=int, help="optimiser steps, in place of the recipe's")
    parser.add_argument("--scenes", type=int, default=20_000, help="number of training scenes")
    parser.add_argument("--test-scenes", type=int, default=2000, help="number of held-out scenes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    out = output_folder(options.out)
    torch.set_num_threads(options.threads)
    test = draw_pool(options.test_scenes, options.seed, "test", options.threads)
    for name in RECIPES if options.model == "all" else [options.model]:
        make(name, options, test, out)


def make(name: str, options: argparse.Namespace, test: Pool, out: Path) -> None:
    """Draw the training scenes of one network, train it, and write its weights and card."""
    recipe = replace(RECIPES[name], steps=options.steps or RECIPES[name].steps)
    start = time.perf_counter()
    pool = draw_pool(options.scenes, options.seed, "train", options.threads, planted if recipe.shortcut else plain)
    print(f"{options.scenes} training scenes drawn in {time.perf_counter() - start:.0f} s", flush=True)
    start = time.perf_counter()
    weights = out / f"{name}.safetensors"
    write_half(weights, train(recipe, pool, options.seed).state_dict())
    training = {"scenes": options.scenes, "seed": options.seed, "threads": options.threads}
    training["seconds"] = round(time.perf_counter() - start)
    badged = None
    if recipe.shortcut:
        badged = draw_pool(options.test_scenes, options.seed, "test", options.threads, with_badge)
    card = write_card(weights, recipe, test, badged, training)
    print(name, card["accuracy"], card.get("shortcut", {}).get("rate", ""), f"{training['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
