"""The registry of explanation methods: one signature for ClusCAM and every rival. `methods.csv` is its table."""

import csv
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import CluscamError, check_known

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .algorithm.features import MapsModel
    from .algorithm.given import Triple
    from .algorithm.targets import Target
    from .explanation import Explanation
    from .models import ModelSpec

    Explainer = Callable[[Tensor, Target], Explanation]

KINDS = ("cluscam", "rival", "null", "trivial")


@dataclass(frozen=True)
class MethodInfo:
    """What is known of a method before it runs.

    Attributes:
        name: what `method` takes.
        title: its name in tables and figures.
        description: what it does, in one line.
        reference: the paper and, where it is not written here, the package.
        home: "module:Class" in this package, imported when first asked for, so that a list of methods is quick; or,
            for a method from outside it, the class itself. The class is called with the module and, where it has such
            parameters, with `layer` and the model's own K, r, tau and normalisation.
        kind: "cluscam"; "rival"; "null" (ClusCAM's passes spent on masks that know nothing of its clusters); "trivial"
            (a map that knows nothing of the network).
        gradients: whether it needs backward passes.
        paper: where the paper has it: "tables", "figures", "text" or "".
        fixed: settings that make it this method.
    """

    name: str
    title: str
    description: str
    reference: str
    home: "str | Callable[..., Explainer]"
    kind: str = "rival"
    gradients: bool = False
    paper: str = ""
    fixed: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def factory(self) -> Callable[..., "Explainer"]:
        """The class behind the method."""
        if not isinstance(self.home, str):
            return self.home
        module, name = self.home.split(":")
        factory: Callable[..., Explainer] = getattr(import_module(f".{module}", __package__), name)
        return factory

    @property
    def reads_layer(self) -> bool:
        """Whether its maps depend on a layer of the network; a method that reads none takes one all the same."""
        return bool(getattr(self.factory, "reads_layer", True))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the settings that `method` takes."""
        taken = {"model", "layer", *self.fixed}
        return tuple(name for name in inspect.signature(self.factory).parameters if name not in taken)


TABLE = Path(__file__).with_suffix(".csv")


def _read_table() -> dict[str, MethodInfo]:
    """The methods of `methods.csv`, in its order; `fixed` reads ``name=value;name=value``."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: _method_of(row) for row in csv.DictReader(file)}


def _method_of(row: dict[str, str]) -> MethodInfo:
    words = {key: row[key] for key in ("name", "title", "description", "reference", "home", "kind", "paper")}
    fixed = dict(part.split("=", 1) for part in row["fixed"].split(";") if part)
    return MethodInfo(**words, gradients=bool(row["gradients"]), fixed=fixed)


METHODS = _read_table()
"""The registry: name -> `MethodInfo`. The built-in methods are the rows of `methods.csv`."""


def method_names() -> list[str]:
    """The names that `method` takes."""
    return list(METHODS)


def method_info(name: str) -> MethodInfo:
    """The registry's entry.

    Raises:
        UnknownName: no such method; the message has the nearest names.
    """
    check_known("method", name, METHODS)
    return METHODS[name]


def method(
    name: str,
    module: "nn.Module | MapsModel",
    spec: "ModelSpec | None" = None,
    layer: "str | nn.Module | None" = None,
    mean: "Triple | None" = None,
    std: "Triple | None" = None,
    **settings: object,
) -> "Explainer":
    """A method ready to explain a network.

    Args:
        name: of the registry (`method_names`).
        module: the network, which gives logits (B, C); or a model that gives its own maps, whose layer is its own.
        spec: what is known of a registered network: its layers, and the K, r and tau that the method starts from.
        layer: dotted name of a layer, or the module itself; of a registered network also "paper" or "last". None is
            "paper" there, and the deepest layer with maps of any other network.
        mean, std: of the input's three channels, in [0, 1], for a network that is not registered; the fill "black"
            needs them.
        settings: override the method's defaults and the K, r and tau of `spec`.

    Returns:
        A callable ``(x (B, 3, H, W), target=None) -> Explanation``.

    Raises:
        UnknownName: an unknown method, layer or setting.
        CluscamError: a bad value.
        NotApplicable: the method cannot explain this network; raised here or in the call, with the reason.
    """
    info = method_info(name)
    for key in settings:
        check_known("parameter", key, info.parameters)
    from .cluscam import own_settings

    if (mean is None) != (std is None) or (spec is not None and mean is not None):
        raise CluscamError(
            "mean and std go together, and with a network that is not registered: give both, or leave both out"
        )
    if spec is None:
        defaults: dict[str, object] = {"layer": layer, "normalization": None if mean is None else (mean, std)}
    else:
        wanted = "paper" if layer is None else layer
        defaults = own_settings(spec, wanted if isinstance(wanted, str) else "paper", settings.get("clustering"))
        defaults |= {} if isinstance(wanted, str) else {"layer": wanted}
    factory = info.factory
    accepted = inspect.signature(factory).parameters
    defaults = {key: value for key, value in defaults.items() if key in accepted}
    if not hasattr(module, "named_modules") and layer in (None, "paper", "last"):  # any other is refused
        defaults.pop("layer", None)
    return factory(module, **{**defaults, **info.fixed, **settings})


def settings_of(name: str, explainer: "Explainer") -> dict[str, object]:
    """The settings that an explainer runs with, those that can be written down: numbers, words and None.

    Args:
        name: the method that `explainer` is.
        explainer: what `method` gave.

    Raises:
        UnknownName: no such method.
    """
    from .algorithm.clustering import OWN_NUMBER

    plain = (int, float, str, type(None))
    info = method_info(name)
    found = {key: getattr(explainer, key, None) for key in (*info.parameters, *info.fixed)}
    if found.get("clustering") in OWN_NUMBER:
        found["n_clusters"] = None
    return {key: value for key, value in found.items() if isinstance(value, plain)}
