"""A tuning run as a JSON file: what was chosen, and for which network, weights and layer it was."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import CluscamError, unknown
from ..files import PathLike, as_path
from ..records import fits, parsed_json
from .elbow import RULES
from .tune import Tuning

if TYPE_CHECKING:
    from ..models import LoadedModel
    from ..models.loaded import Origin

KIND = "cluscam tuning"
SCHEMA = 1
AGAIN = "run `cluscam tune` for what is to be explained"


@dataclass(frozen=True)
class TunedSettings:
    """K and r of a tuning run, and what they are for.

    `weights` is the hash of their file, or says that they are random; `layer` is the dotted name of the module.
    """

    file: str
    model: str
    weights: str
    layer: str
    n_clusters: int
    drop_ratio: float

    def check_model(self, name: str, layer: str) -> None:
        """Raise CluscamError unless it was made for that network and that layer (a dotted name)."""
        if name != self.model:
            raise CluscamError(f"{self.file} has K and r of the model {self.model}, not of {name}; {AGAIN}")
        if layer != self.layer:
            raise CluscamError(
                f"{self.file} has K and r of the layer {self.layer} of {self.model}, not of {layer}; {AGAIN}"
            )

    def check_weights(self, key: str) -> None:
        """Raise CluscamError unless it was made with the weights of that `weights_key`."""
        if key != self.weights:
            raise CluscamError(f"{self.file} has K and r of {self.model} with other weights than these; {AGAIN}")


def weights_key(loaded: "Origin") -> str:
    """What tells weights apart: the hash of their file, or, of random ones, what says that they are random."""
    return loaded.sha256 or loaded.source


def tuning_record(
    tuning: Tuning,
    loaded: "LoadedModel",
    layer: str,
    *,
    dataset: str,
    part: str | None,
    images: Sequence[str],
    seeds: Sequence[int],
    rule: str,
) -> dict[str, Any]:
    """The record of a run: network, layer (a dotted name), images, grid, P(K), each rule's choice, and that of `rule`.

    `images` are the ids; their hash tells whether two runs saw the same ones.
    """
    from ..show.report import versions

    return {
        "kind": KIND,
        "schema": SCHEMA,
        "model": {"name": loaded.spec.name, "source": loaded.source, "weights": weights_key(loaded)},
        "layer": layer,
        "dataset": dataset,
        "part": part,
        "images": {"n": len(images), "sha256": hashlib.sha256("\n".join(images).encode()).hexdigest()},
        "seeds": list(seeds),
        "grid": list(tuning.grid),
        "proxy": list(tuning.proxies),
        "choices": {name: asdict(choice) for name, choice in tuning.choices.items()},
        "rule": rule,
        **asdict(tuning.choices[rule]),
        "versions": versions(),
    }


def read_tuned(path: PathLike, rule: str | None = None) -> TunedSettings:
    """K and r of a file that `cluscam tune` wrote: those of a `rule` of Algorithm 2, or of the one it was written for.

    Raises CluscamError for a file that is missing or not one, UnknownName for a rule that does not exist.
    """
    if rule is not None and rule not in RULES:
        raise unknown("rule", rule, RULES)
    path = as_path(path)
    try:
        found = parsed_json(path.read_bytes())
    except OSError as error:
        raise CluscamError(f"cannot read {path}: {error.strerror}; give a file that `cluscam tune` wrote") from error
    except ValueError as error:
        raise CluscamError(f"{path} is not JSON; give a file that `cluscam tune` wrote") from error
    try:
        if (found["kind"], found["schema"]) != (KIND, SCHEMA):
            raise ValueError
        model, weights, layer = found["model"]["name"], found["model"]["weights"], found["layer"]
        choice = found if rule is None else found["choices"][rule]
        k, r = choice["n_clusters"], float(choice["drop_ratio"])
        if not (
            fits(k, int) and k >= 1 and 0 <= r < 1 and all(isinstance(text, str) for text in (model, weights, layer))
        ):
            raise ValueError
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise CluscamError(f"{path} is not the file of a tuning run; give one that `cluscam tune` wrote") from error
    return TunedSettings(path.name, model, weights, layer, k, r)
