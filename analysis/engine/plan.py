"""What a profile of the user's own has to say before a study can plan its cells."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.engine import Cell
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError, unknown
from cluscam_lite.methods import METHODS

# data set -> the part that is explained, and the part that lends masks, unless the profile says otherwise
PARTS = {"scenes": ("test", "train"), "ilsvrc": ("tune", "pilot")}


@dataclass(frozen=True)
class Plan:
    """What a profile measures: on which part of which data set, with masks lent by which other part.

    `blocks` are the study's own lines: a network, a layer, how many images, and what is measured on each.
    """

    dataset: str
    part: str
    donor_part: str
    blocks: tuple[Any, ...]


class PlannedStudy(ABC):
    """What the studies share that cut the blocks of a plan into cells."""

    name: str
    version: int

    def cells(self, profile: Mapping[str, Any]) -> list[Cell]:
        """The cells of all blocks of the profile's plan, in its order."""
        plan, seed = self.plan(profile), int(profile.get("seed", 0))
        return [cell for block in plan.blocks for cell in self.block_cells(plan, block, seed)]

    @abstractmethod
    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """What a profile measures."""

    @abstractmethod
    def block_cells(self, plan: Plan, block: Any, seed: int) -> Iterable[Cell]:
        """The cells of one block; `seed` is the profile's."""

    def cell(self, plan: Plan, block: Any, method: str, images: Sequence[str], seed: int, **about: Any) -> Cell:
        """One cell of a block with a `model` and a `layer`; `about` are the cell's `settings` and `variant`."""
        where = (plan.dataset, plan.part, block.model, block.layer)
        return Cell(self.name, self.version, *where, method, images, seed=seed, **about)


def check_profile(profile: Mapping[str, Any], study: str, datasets: Sequence[str] = tuple(PARTS)) -> None:
    """Raise CluscamError unless the profile names a data set that the study runs on, networks, and how many images."""
    for needed in ("dataset", "models", "n_images"):
        if not profile.get(needed):
            raise CluscamError(f"the profile has no {needed!r}; the study of {study} needs dataset, models, n_images")
    if profile["dataset"] not in datasets:
        raise CluscamError(f"the study of {study} runs on {' and '.join(datasets)}, not on {profile['dataset']}")


def own_plan(profile: Mapping[str, Any], blocks: tuple[Any, ...]) -> Plan:
    """The plan of a checked profile: its own part of the data set, or the usual one."""
    part, donor_part = PARTS[profile["dataset"]]
    return Plan(profile["dataset"], profile.get("part") or part, donor_part, blocks)


def own_methods(profile: Mapping[str, Any], usual: Sequence[str]) -> tuple[str, ...]:
    """The methods that a profile names, or the usual ones. Raises UnknownName for one that is not registered."""
    names = tuple(profile.get("methods") or usual)
    for name in names:
        if name not in METHODS:
            raise unknown("method", name, METHODS)
    return names


# passes of more than about two hundred: fewer images, and fewer to a cell
DEAR = ("scorecam", "opticam", "opticam_norm", "polycam", "polycam_plus", "polycam_minus")


CHEAP = tuple(name for name in METHODS if name not in (*DEAR, "reciprocam"))


# what the maps do to the output is asked at "last_input" where a class token is read out (`ModelSpec.layers`)
DOWNSTREAM = tuple(name for name, info in METHODS.items() if info.gradients) + ("ablationcam", "reciprocam")


@dataclass(frozen=True)
class Block:
    """One line of the plan: a method on the first `n_images` of the part, under a network at a layer.

    `settings` go to the method; `variant` names what differs from the method's defaults, "" for none; `seed` is
    added to the profile's.
    """

    model: str
    layer: str
    method: str
    n_images: int
    variant: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    preprocess: str = "standard"
    seed: int = 0
    images_per_cell: int = 100


def layer_of(name: str, model: str, layer: str) -> str:
    """`layer`, or "last_input" for "last" where the patch tokens that leave the last block reach no logit."""
    if layer == "last" and name in DOWNSTREAM and "last_input" in get_spec(model).layers:
        return "last_input"
    return layer


def own_map_plan(profile: Mapping[str, Any], study: str, usual: Sequence[str]) -> Plan:
    """The plan of a profile of the user's own for a study of maps: its methods, or the `usual`, on its networks."""
    check_profile(profile, study)
    n, layer = int(profile["n_images"]), profile.get("layer") or "paper"
    blocks = tuple(
        Block(model, layer_of(name, model, layer), name, n, images_per_cell=10 if name in DEAR else 100)
        for model in profile["models"]
        for name in own_methods(profile, usual)
    )
    return own_plan(profile, blocks)
