"""``cluscam tune``: K, r and tau for a network by a sample of images, with a line for each image."""

import argparse
import time
from collections.abc import Callable
from contextlib import nullcontext

from ..algorithm.features import HookedModel
from ..dataroot import data_root as find_data_root
from ..datasets import load_dataset
from ..datasets.sample import Samples
from ..device import placed
from ..errors import CluscamError, check_known
from ..files import as_path, atomic_path
from ..models import get_spec, load_model
from ..models.runs import RunName
from ..tuning import LEAST_SIZES, RULES, Tuning, check_grid, tune, tuning_record
from .common import check_device, made_folder, say, short_warnings
from .onnx import check_no_file

GRID = (5, 10, 15, 20, 30, 40, 50, 60, 80, 100)
# hyperparameters are not chosen on the parts on which methods are compared
PARTS = {
    "scenes": "train",
    "badges": "train",
    "ilsvrc": "tune",
    "phantoms": "validation",
    "alzheimer_mri": "validation",
}
ALL = "all"
RULE_WORDS = {"argmax": "as Algorithm 2 is printed", "argmin": "the elbow of a saturating curve"}


def tune_command(arguments: argparse.Namespace) -> None:
    """Run ``cluscam tune`` with its parsed options. Raises CluscamError for a mistake; no partial file is left."""
    check_no_file(arguments.model)
    spec = get_spec(arguments.model)
    check_known("rule", arguments.rule, RULES)
    if arguments.seeds < 1:
        raise CluscamError(f"the number of seeds is {arguments.seeds}; expected at least 1")
    grid = arguments.grid and check_grid(arguments.grid)
    check_device(arguments.device)
    part = _part(arguments)
    samples = _samples(arguments, part, RunName.parse(spec.name))
    out = as_path(arguments.out) if arguments.out else None
    if out is not None and out.is_dir():
        raise CluscamError(f"{out} is a folder; give the name of a file, such as {out / 'tuned.json'}")
    with made_folder(out.parent) if out else nullcontext(), short_warnings():
        loaded = load_model(arguments.model, arguments.weights, arguments.data_root)
        placed(loaded.module, arguments.device)
        layer, preprocess = spec.layer(arguments.layer), spec.preprocess()
        model = HookedModel(loaded.module, layer)
        inputs = (preprocess(sample.image)[None].to(arguments.device) for sample in samples)
        if grid is None:
            grid = _usual_grid(model.forward(preprocess(samples[0].image)[None].to(arguments.device))[0].shape[1])
        seeds = range(arguments.seeds)
        tuning = tune(model, inputs, grid, seeds, progress=_progress(samples, (1 + sum(grid)) * len(seeds)))
        _print(tuning)
        if out is not None:
            from ..show.report import to_json

            about = {"dataset": arguments.dataset, "part": part, "images": samples.ids, "seeds": seeds}
            record = tuning_record(tuning, loaded, layer, rule=arguments.rule, **about)
            with atomic_path(out) as temporary:
                temporary.write_text(to_json(record), encoding="utf-8")
            say(f"wrote {out}, K and r by {arguments.rule}")


def _part(arguments: argparse.Namespace) -> str | None:
    """The part asked for, or the usual one; None for all images."""
    if arguments.part is None:
        # official files, a folder and the hub's copy have no parts
        hub = arguments.dataset == "ilsvrc" and find_data_root(arguments.data_root) is None
        return None if arguments.path or hub else PARTS.get(arguments.dataset)
    return None if arguments.part == ALL else arguments.part


def _samples(arguments: argparse.Namespace, part: str | None, run: RunName | None) -> Samples:
    """The first images of the part; the name of a training run says how its set was divided."""
    own = {"data_root": arguments.data_root} if arguments.dataset in ("ilsvrc", "alzheimer_mri") else {}
    if arguments.dataset == "alzheimer_mri" and run is not None:
        own["split"] = run.split  # or it would be tuned on images that it was trained on
    return load_dataset(arguments.dataset, path=arguments.path, part=part, n=arguments.images, **own)


def _usual_grid(n_maps: int) -> tuple[int, ...]:
    """The usual candidates, as far as the layer has that many maps."""
    found = tuple(k for k in GRID if k <= n_maps)
    if len(found) < LEAST_SIZES:
        raise CluscamError(
            f"the layer has {n_maps} maps, too few for the usual candidates; give --grid, such as 2 3 4 5"
        )
    return found


def _progress(samples: Samples, passes: int) -> Callable[[int], None]:
    """A function that prints a line after each image: the count, the time so far and the time left."""
    start = time.perf_counter()

    def told(done: int) -> None:
        spent = time.perf_counter() - start
        left = spent / done * (len(samples) - done)
        say(
            f"[{done}/{len(samples)}] {samples.ids[done - 1]}: {passes:,} forward passes; {spent:.0f} s so far, "
            f"about {left:.0f} s left"
        )

    return told


def _print(tuning: Tuning) -> None:
    """Print P(K), then the choice by each rule."""
    print("\nK     " + " ".join(f"{k:>7}" for k in tuning.grid))
    print("P(K)  " + " ".join(f"{p:>+7.2f}" for p in tuning.proxies) + "  logits\n")
    print("rule     K      r     tau")
    for rule, choice in tuning.choices.items():
        numbers = f"{choice.n_clusters:>3} {choice.drop_ratio:>6.3f} {choice.temperature:>7.3f}"
        print(f"{rule}  {numbers}  {RULE_WORDS[rule]}")
    if len(tuning.grid) == LEAST_SIZES:
        say("of three sizes only the largest has a curvature, so K is that whatever P(K) is; give four or more")
