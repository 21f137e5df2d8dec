"""A folder that a training left, as a network to be explained: `model.safetensors` and `card.json`.

The card holds the spec of the network under "spec". Older cards lack it; their recipe says as much.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

from ..errors import CluscamError, unknown
from ..files import PathLike, as_path
from ..records import fits, parsed_json
from .loaded import LoadedModel, from_file
from .runs import RunName, build_for, spec_of_run, trainable
from .spec import ModelSpec

CARD, WEIGHTS = "card.json", "model.safetensors"
BUILT = ("build", "unfused")  # fields of a spec that JSON cannot hold


def load_trained(folder: PathLike, model: str | None = None) -> LoadedModel:
    """The trained network in a folder, in eval mode, float32, on the CPU.

    Args:
        folder: where the training left `card.json` and `model.safetensors`.
        model: the backbone that is expected; None: any.

    Raises:
        CluscamError: the folder holds no trained network, one of another backbone, or other weights than its card says.
    """
    folder = as_path(folder)
    card = read_card(folder)
    if model is not None and card["model"] != model:
        raise CluscamError(f"{folder} holds a {card['model']}, not a {model}; give the folder of that network")
    loaded = from_file(_spec(card), folder / WEIGHTS, "trained")  # refuses tensors of another architecture
    if loaded.sha256 != card["sha256"]:
        raise CluscamError(f"the weights in {folder} are not those of its card; train the network again")
    return LoadedModel(loaded.spec, loaded.module, f"trained ({card['name']})", loaded.sha256)


def trained_spec(folder: PathLike) -> ModelSpec:
    """The spec of the trained network in `folder`, without its weights. Raises CluscamError if it holds none."""
    return _spec(read_card(as_path(folder)))


def read_card(folder: Path) -> dict[str, Any]:
    """The model card in a folder. Raises CluscamError if there is none or it cannot be read."""
    path = folder / CARD
    if not path.is_file():
        raise CluscamError(
            f"{folder} holds no trained network ({CARD} is missing); train one with `cluscam train alzheimer`, or, if "
            "its training was stopped, start the same command again"
        )
    try:
        card = parsed_json(path.read_bytes())
        if not isinstance(card, dict):
            raise TypeError
        _spec(card)
    except OSError as error:
        raise CluscamError(f"{path} cannot be read: {error.strerror}; make it readable") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CluscamError(
            f"{path} is not a model card that training left, or was changed since; copy it again, or train the network "
            "again"
        ) from error
    return card


def spec_record(spec: ModelSpec, architecture: str) -> dict[str, Any]:
    """A spec as JSON can hold it; `architecture` names the backbone that builds the network."""
    kept = (field.name for field in fields(spec) if field.name not in BUILT)
    return {"architecture": architecture} | {name: getattr(spec, name) for name in kept}


def _spec(card: Mapping[str, Any]) -> ModelSpec:
    if "spec" not in card:
        recipe = card["recipe"]
        run = RunName(*(recipe[field.name] for field in fields(RunName)))
        return spec_of_run(run, tuple(card.get("classes", ())))
    return _from_record(card["spec"])


def _from_record(stored: Mapping[str, Any]) -> ModelSpec:
    """The spec of a record. Raises KeyError or TypeError if a field is missing, not known, or not of its type."""
    record: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()}
    architecture: str = record.pop("architecture")
    if architecture not in trainable():
        raise unknown("network", architecture, trainable())
    hints = get_type_hints(ModelSpec)
    if not all(fits(value, hints[key]) for key, value in record.items()):
        raise TypeError("a field is of another type")
    counts = (record["input_size"], record["num_classes"], record["n_clusters"], record["resize"] or 1)
    scales = (*record["std"], record["temperature"] or 1)
    if min(counts) < 1 or min(scales) <= 0 or not 0 <= record["drop_ratio"] < 1:
        raise ValueError("a field is out of range")
    build = partial(build_for, architecture, record["library"], record["num_classes"], record["input_size"])
    return ModelSpec(**record, build=build)
