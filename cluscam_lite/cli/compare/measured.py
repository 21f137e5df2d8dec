"""One method on one image: its map, what the map does to the class, what it costs, and how far its seeds agree."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...algorithm.inputs import maps_model
from ...errors import NotApplicable
from ...explanation import Explanation
from ...methods import MethodInfo, settings_of
from ...metrics import evaluate
from ...stability import Stability, over_seeds

if TYPE_CHECKING:
    from ...algorithm.given import Normalization
    from ...methods import Explainer
    from ..job import Network

AGAIN = 10.0  # seconds below which a method is timed at a second call: the first imports packages
NO_SEED = "no seed: the same map every time"


@dataclass(frozen=True)
class Measured:
    """A method on one image.

    Attributes:
        info: the method.
        reason: why it cannot explain this network, layer or image; "" if it can, and all else is there.
        explanation: of the image.
        settings: that the method ran with.
        numbers: `drop`, `gain`, `probability`, `probability_masked` and `coverage`, as `cluscam_lite.metrics.evaluate`
            gives them for the map as it is over the mean colour.
        seconds: of one explanation.
        stability: over the seeds; None if they were not asked for, or the method has no seed.
    """

    info: MethodInfo
    reason: str = ""
    explanation: Explanation | None = None
    settings: dict[str, Any] | None = None
    numbers: dict[str, float] | None = None
    seconds: float = 0.0
    stability: Stability | None = None


def measured(
    info: MethodInfo,
    make: "Callable[[], Explainer]",
    network: "Network",
    x: Tensor,
    target: int | None,
    seeds: int | None,
    normalization: "Normalization",
) -> Measured:
    """The method that `make()` gives, on x (1, 3, H, W) of `network`. Raises as methods do, but for NotApplicable."""
    try:
        explainer = make()
        e, seconds = _timed(explainer, x, target)
        if seconds < AGAIN:
            e, seconds = _timed(explainer, x, target)
    except NotApplicable as error:
        return Measured(info, reason=str(error))
    output = maps_model(network.module, None).output
    (row,) = evaluate(output, x, e.saliency, int(e.target[0]), ("mean",), normalization, ("raw",))
    numbers = {key: float(row[key]) for key in ("drop", "gain", "probability", "probability_masked", "coverage")}
    seeded = seeds is not None and "seed" in info.parameters
    stability = over_seeds(explainer, x, seeds, target) if seeded and seeds is not None else None
    return Measured(info, "", e, settings_of(info.name, explainer), numbers, seconds, stability)


def _timed(explainer: "Explainer", x: Tensor, target: int | None) -> tuple[Explanation, float]:
    """The explanation, and the seconds that it took."""
    start = _now(x)
    return explainer(x, target), _now(x) - start


def _now(x: Tensor) -> float:
    if x.device.type == "cuda":
        torch.cuda.synchronize(x.device)  # kernels are only queued when a call returns
    return time.perf_counter()
