"""The registry of explanation methods: one signature for ClusCAM and every rival."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .explanation import Explanation
    from .models import ModelSpec
    from .targets import Target

    Explainer = Callable[[Tensor, Target], Explanation]


@dataclass(frozen=True)
class MethodInfo:
    """What is known of a method before it runs.

    `build(module, spec, layer, **settings)` makes the callable; `signature()` the callable whose keyword
    parameters are the method's settings (imported when asked for, so that a list of methods is quick).
    """

    name: str
    title: str
    description: str
    reference: str
    gradients: bool
    """True if the method needs backward passes."""
    build: Callable[..., "Explainer"]
    signature: Callable[[], Callable]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the settings that `method` takes."""
        return tuple(name for name in inspect.signature(self.signature()).parameters if name not in ("model", "layer"))


def _cluscam_class() -> Callable:
    from .cluscam import ClusCAM

    return ClusCAM


def _build_cluscam(module: "nn.Module", spec: "ModelSpec", layer: str, **settings) -> "Explainer":
    return _cluscam_class().from_spec(spec, module, layer, **settings)


METHODS = {
    info.name: info
    for info in [
        MethodInfo(
            name="cluscam",
            title="ClusCAM",
            description="groups the maps by K-Means++; weighs the groups' mean masks by their effect on the logit",
            reference="ClusCAM, Algorithm 1 and Eqs. 4 to 7",
            gradients=False,
            build=_build_cluscam,
            signature=_cluscam_class,
        )
    ]
}


def method_names() -> list[str]:
    """The names that `method` takes."""
    return list(METHODS)


def method_info(name: str) -> MethodInfo:
    """The registry's entry. Raises UnknownName with the nearest names."""
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def method(name: str, module: "nn.Module", spec: "ModelSpec", layer: str = "paper", **settings: object) -> "Explainer":
    """A method ready to explain `module`: a callable ``(x (B, 3, H, W), target=None) -> Explanation``.

    `layer` is "paper", "last" or a dotted module name; `settings` override the method's defaults and the K, r and
    tau of `spec`. Raises UnknownName for an unknown method, layer or setting, CluscamError for a bad value.
    """
    info = method_info(name)
    for key in settings:
        if key not in info.parameters:
            raise unknown("parameter", key, info.parameters)
    return info.build(module, spec, layer, **settings)


def settings_of(name: str, explainer: "Explainer") -> dict[str, object]:
    """The settings that `explainer` runs with, those that can be written down: numbers, words and None."""
    plain = (int, float, str, type(None))
    found = {key: getattr(explainer, key, None) for key in method_info(name).parameters}
    return {key: value for key, value in found.items() if isinstance(value, plain)}
