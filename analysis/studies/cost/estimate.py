"""What a profile will take on this machine: passes, hours and gigabytes of each study, before anything runs."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from analysis.engine.manifest import now, origin
from analysis.engine.store import Store
from analysis.paths import REFERENCE
from analysis.studies.cost.passes import Passes
from analysis.studies.cost.rates import Measured, architecture, measure
from analysis.studies.cost.work import Panel, Piece, Planned, panels, pieces
from cluscam_lite import get_spec
from cluscam_lite.files import atomic_path, output_folder
from cluscam_lite.models.weights import has_weights

TRAINING = "training"
Rates = Mapping[Panel, Measured]


def measured_rates(studies: Sequence[Planned], seconds: float, say: Callable[[str], None] = lambda _: None) -> Rates:
    """Each panel's shape and speed, in about `seconds` in all, beside the building of the networks.

    What one backbone takes at one layer and size is measured once, whoever trained it.
    """
    wanted = {panel: (architecture(panel.model), *_place(panel)) for panel in panels(studies)}
    first = {kind: panel for panel, kind in reversed(wanted.items())}
    found = {}
    for i, (kind, panel) in enumerate(sorted(first.items()), 1):  # a backbone's layers one after the other
        say(f"[{i}/{len(first)}] measuring {get_spec(panel.model).title} at {kind[1]}, {panel.size} pixels")
        found[kind] = measure(panel.model, panel.layer, panel.size, seconds / len(first))
    return {panel: found[kind] for panel, kind in wanted.items()}


def _place(panel: Panel) -> tuple[str, int]:
    return get_spec(panel.model).layer(panel.layer), panel.size


def record_of(profile: str, studies: Sequence[Planned], rates: Rates, seconds: float) -> dict[str, Any]:
    """The estimate as JSON can hold it: what measured it, each network's speed, each study's cost, the downloads."""
    work = pieces(studies, {panel: one.shape for panel, one in rates.items()})
    return {
        "profile": profile,
        "made": now(),
        "seconds of measuring": seconds,
        "origin": origin(),
        "threads": torch.get_num_threads(),
        "networks": [_network(panel, rates[panel]) for panel in _once(rates)],
        "studies": [cost for one in studies for cost in _costs(one, work, rates)],
        "to download": _downloads(rates),
    }


def _once(rates: Rates) -> list[Panel]:
    """One panel for each backbone, layer and size."""
    kinds = {(architecture(panel.model), *_place(panel)): panel for panel in reversed(list(rates))}
    return [panel for panel in rates if panel in kinds.values()]


def _network(panel: Panel, found: Measured) -> dict[str, Any]:
    layer, size = _place(panel)
    about = {"network": architecture(panel.model), "layer": layer, "pixels": size}
    about |= {"maps": found.shape.maps, "places": found.shape.places}
    return about | {f"seconds {name}": value for name, value in found.seconds.to_dict().items()}


def _costs(one: Planned, work: Sequence[Piece], rates: Rates) -> list[dict[str, Any]]:
    """A study's cost, after that of the trainings that it waits for."""
    found = []
    for kind, mine in (
        (TRAINING, [piece for piece in work if piece.study == one.name and piece.cell is None]),
        ("", [piece for piece in work if piece.study == one.name and piece.cell is not None]),
    ):
        if not mine:
            continue
        passes = sum((piece.passes for piece in mine), Passes())
        seconds = sum(rates[piece.panel].seconds.of(piece.passes) for piece in mine)
        images = sum(piece.images for piece in mine)
        size = bytes_per_image(one.name) if not kind else None
        about = {"study": one.name + f": {kind}" * bool(kind), "images": images, **passes.to_dict(), "seconds": seconds}
        about["images"] = images  # explained, not read
        found.append(about | {"bytes": None if size is None else round(size * images)})
    return found


@lru_cache(maxsize=32)
def bytes_per_image(study: str, folder: Path = REFERENCE) -> float | None:
    """Bytes on disk for one explained image of a study, from the committed rows; None where there are none."""
    store = Store(folder / study)
    made = [cell for cell in store.configuration() or () if store.path(cell).exists()]
    images = sum(len(cell.images) for cell in made)
    return sum(store.path(cell).stat().st_size for cell in made) / images if images else None


def _downloads(rates: Rates) -> list[dict[str, Any]]:
    """The backbones whose published weights are not on this machine, and their bytes in float32."""
    found = {}
    for panel, one in rates.items():
        backbone = architecture(panel.model)
        if get_spec(panel.model).tier != "random" and get_spec(backbone).weights_id and not has_weights(backbone):
            found[backbone] = one.weights
    return [{"network": name, "bytes": size} for name, size in found.items()]


def save(record: Mapping[str, Any], path: str | Path) -> None:
    """Write a record, whole or not at all."""
    place = Path(path)
    output_folder(place.parent)
    with atomic_path(place) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
