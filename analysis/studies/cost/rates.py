"""How fast this machine runs a network: seconds of each thing that `passes.Passes` counts, with random weights.

A pass takes as long whatever the weights are, so that nothing has to be downloaded to know what a study will take.
"""

import io
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from typing import Any

import torch
from PIL import Image

from analysis.studies.cost.passes import Passes, Shape, shape_of
from cluscam_lite import get_spec, load_model, read
from cluscam_lite.algorithm.borrowed import frozen
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.scoring import default_batch_size
from cluscam_lite.device import placed
from cluscam_lite.errors import ClusCAMWarning
from cluscam_lite.metrics import evaluate
from cluscam_lite.models import LoadedModel, ModelSpec
from cluscam_lite.models.registry import RANDOM, random_name
from cluscam_lite.models.runs import RunName
from cluscam_lite.rivals.head import Head
from cluscam_lite.rivals.opticam import optimise

HEAD_BATCH = 32  # maps that AblationCAM takes out side by side, at most
PHOTOGRAPH = (500, 375)  # pixels of a typical photograph of ILSVRC, width and height
WARM_UP = 5.0  # seconds: more than the imports and allocations of a first call take
SHARES = Passes(forward=4, head=2, backward=3, groupings=1, evaluations=1, images=1)  # of the time, for each thing


@dataclass(frozen=True)
class Seconds:
    """Seconds for one image of each field of `Passes`: what a network takes on this machine."""

    forward: float
    head: float
    backward: float
    groupings: float
    evaluations: float
    images: float

    def of(self, passes: Passes) -> float:
        """The seconds that `passes` take."""
        return sum(a * b for a, b in zip(astuple(self), astuple(passes), strict=True))

    def to_dict(self) -> dict[str, float]:
        """Field -> seconds."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Measured:
    """A network at a layer: its shape, its speed, and the bytes of its weights in float32."""

    shape: Shape
    seconds: Seconds
    weights: int


def architecture(name: str) -> str:
    """The backbone whose speed a network has: runs and untrained versions of one are alike."""
    plain = name.removeprefix(f"{RANDOM}:").partition("@")[0]
    run = RunName.parse(plain)
    return plain if run is None else run.model


def measure(name: str, layer: str, size: int, budget: float) -> Measured:
    """Measure a network's shape and speed at a layer (as `ModelSpec.layer` takes it), in about `budget` seconds.

    On inputs of `size` x `size` pixels. Each thing is done at least once, and, unless that takes very long, once before
    its time is taken, so that a slow machine takes longer.
    """
    model = _network(untrained(name))
    unit, dotted = budget / sum(astuple(SHARES)), model.spec.layer(layer)
    shape = shape_of(model.module, dotted, size)
    works = _works(model, dotted, size)
    device = next(model.module.parameters()).device
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusCAMWarning)  # of maps that are alike: the pictures are noise
        for field in fields(SHARES):
            found[field.name] = _seconds(*works[field.name], getattr(SHARES, field.name) * unit, device)
    # a step of OptiCAM is a forward pass and a gradient
    found["backward"] = max(found["backward"] - found["forward"], 0.0)
    numbers = sum(value.numel() for value in model.module.state_dict().values())
    return Measured(shape, Seconds(**found), 4 * numbers)


@lru_cache(maxsize=1)
def _network(name: str) -> LoadedModel:
    """A network on the device, kept for its next layer."""
    model = load_model(name)
    placed(model.module)
    return model


def untrained(name: str) -> str:
    """The name of a network's version with random weights; its own, if it is one or its weights are shipped."""
    spec = get_spec(name)
    return name if spec.tier == RANDOM or spec.library == "embedded" else random_name(name)


def _works(model: LoadedModel, layer: str, size: int) -> dict[str, tuple[Callable[[], Any], int]]:
    """For each field of `Passes` a piece of work, and how many images it is."""
    spec, module = model.spec, model.module
    device = next(module.parameters()).device
    x = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    hooked = HookedModel(module, layer)
    reading = read(hooked, x)
    k = min(spec.n_clusters, reading.maps.shape[1])
    batch = default_batch_size(x)
    masks = reading.normalized[:, : min(k, batch)]
    saliency = torch.linspace(0, 1, x.shape[-1], device=device).expand(x.shape[-2:]).contiguous()
    head = Head(module, layer, x)
    n = min(HEAD_BATCH, batch)
    several = torch.zeros(n, dtype=torch.long, device=device)
    constant = torch.zeros(1, spec.num_classes, device=device)
    encoded = io.BytesIO()
    noise = torch.randint(0, 255, (*PHOTOGRAPH[::-1], 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    Image.fromarray(noise.numpy()).save(encoded, format="JPEG", quality=90)

    def step() -> None:
        with frozen(module):
            optimise(module, x, reading.maps.float(), reading.target, reading.baseline, iterations=2)

    def evaluated() -> None:
        answer = lambda inputs: constant.expand(len(inputs), -1)  # noqa: E731
        evaluate(answer, x, saliency, 0, normalization=(spec.mean, spec.std))

    return {
        "forward": (lambda: reading.score(masks), masks.shape[1]),
        "head": (lambda: head.run(head.maps.expand(n, -1, -1, -1), several), n),
        "backward": (step, 2),
        "groupings": (lambda: reading.group(k), 1),
        "evaluations": (evaluated, 1),
        "images": (lambda: _prepared(encoded.getvalue(), spec), 1),
    }


def _prepared(picture: bytes, spec: ModelSpec) -> torch.Tensor:
    return spec.preprocess()(Image.open(io.BytesIO(picture)).convert("RGB"))


def _seconds(work: Callable[[], Any], images: int, budget: float, device: torch.device) -> float:
    """Seconds for one of the work's images: the median of the rounds after the first, which warms up.

    Where the first takes more than the budget and `WARM_UP`, which is more than what it warms up, it stands for all.
    On one thread of a CPU they are the process's own, so that other work on the machine does not count.
    """
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    taken, end = [], time.perf_counter() + budget
    while len(taken) < 2 or time.perf_counter() < end:
        start = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)  # kernels are only queued when a call returns
        taken.append(clock() - start)
        if len(taken) == 1 and taken[0] > max(budget, WARM_UP):
            break
    return statistics.median(taken[1:] or taken) / images
