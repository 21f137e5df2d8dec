"""The plan of a study: its blocks, of which each is cut into cells."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from analysis.engine import Cell
from analysis.studies.cost.passes import Passes, Shape
from analysis.studies.plans.file import Line, PlanFile, Section, read_plans
from analysis.studies.plans.lines import Choice, blocks_of
from analysis.studies.plans.profile import check_profile, profile_name
from cluscam_lite import get_spec, load_dataset
from cluscam_lite.errors import CluscamError, unknown
from cluscam_lite.methods import METHODS
from cluscam_lite.metrics.boxes import checked_boxes

# These ask what the maps do to the output; where a class token is read out, they do so at "last_input". OptiCAM could
# do without, since it masks pixels: it reads the layer of the other methods with gradients.
DOWNSTREAM = tuple(name for name, info in METHODS.items() if info.gradients) + ("ablationcam", "reciprocam")


@dataclass(frozen=True)
class Plan:
    """What a profile measures: on which part of which data set, with masks lent by images of which other part.

    `blocks` are the study's own: a network, a layer, how many images, and what is measured on each.
    """

    dataset: str
    part: str
    donor_part: str
    blocks: tuple[Any, ...]


@dataclass(frozen=True)
class Block:
    """A method on the first `n_images` of the part, under a network at a layer.

    `settings` go to the method; `variant` names what differs from the method's defaults, "" for none; `seed` is
    added to the profile's. `precision` is that of every pass of the network (`cluscam_lite.device.in_precision`).
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
    precision: str = "float32"


class PlannedStudy(ABC):
    """A study whose plans are in `notebooks/plans/NAME.yaml`, each block of which is cut into cells."""

    name: str
    version: int
    columns: Mapping[str, str]
    takes: Collection[str] = ("methods",)
    """Parameters of a profile, of those that not every study reads, that this one reads."""
    block: type = Block
    choices: str = "methods"
    """What a line of the plan chooses among `known`: "methods", "sources", or "" for nothing."""
    known: Collection[str] = METHODS

    def cells(self, profile: Mapping[str, Any]) -> list[Cell]:
        """The cells of all blocks of the profile's plan, in its order."""
        plan, seed = self.plan(profile), int(profile.get("seed", 0))
        return [cell for block in plan.blocks for cell in self.block_cells(plan, block, seed)]

    @abstractmethod
    def block_cells(self, plan: Plan, block: Any, seed: int) -> Iterable[Cell]:
        """The cells of one block; `seed` is the profile's."""

    def usable(self, cell: Cell, image_id: str) -> bool:
        """Whether an image that was skipped can be used by now, its donor and its boxes included."""
        part, donors = cell.part or None, cell.settings.get("donors")
        wanted = [(part, image_id)]
        if donors:
            wanted.append((cell.settings.get("donor_part") or None, donors[cell.images.index(image_id)]))
        try:
            for of_part, name in wanted:
                sample = load_dataset(cell.dataset, part=of_part).of_id(name)
                get_spec(cell.model).preprocess(cell.settings.get("preprocess", "standard"))(sample.image)
                if sample.boxes:
                    checked_boxes(sample.boxes, sample.width, sample.height)
        except CluscamError:
            return False
        return True

    def spans(self, block: Any) -> list[tuple[int, int]]:
        """(first, number) of the images of each cell of a block, counted within the part, in the order of the cells."""
        n, size = block.n_images, block.images_per_cell
        return [(first, min(size, n - first)) for first in range(0, n, size)]

    def passes(self, block: Any, shape: Shape) -> Passes:
        """What one image of a block's cells costs; `shape` is the network's at the layer where the block asks it."""
        raise CluscamError(f"what the study {self.name} costs is not known; leave it out of an estimate")

    def preparation(self, plan: Plan) -> Mapping[str, Passes]:
        """What has to be done before the plan's cells are known: the training of each network that is not here."""
        return {}

    def starts_from(self, name: str) -> str:
        """The network with which the training of a network begins."""
        return name

    def prepare(self, plan: Plan, name: str, say: Callable[[str], None]) -> None:
        """Do one entry of `preparation`. Raises CluscamError for a name that is none."""
        raise CluscamError(f"the study {self.name} has nothing to prepare, got {name!r}")

    def cell(self, plan: Plan, block: Any, method: str, images: Sequence[str], seed: int, **about: Any) -> Cell:
        """One cell of a block with a `model` and a `layer`; `about` are the cell's `settings` and `variant`."""
        where = (plan.dataset, plan.part, block.model, block.layer)
        return Cell(self.name, self.version, *where, method, images, seed=seed, **about)

    def plan(self, profile: Mapping[str, Any]) -> Plan:
        """The plan of a profile: the file's if it is one of the project's, else one made of its parameters.

        Raises CluscamError for a profile that does not say enough, UnknownName for a name that does not exist.
        """
        name, file = profile_name(profile), self.plan_file()
        return self.planned(name) if name in file.plans else self._own(profile, file)

    def planned(self, name: str) -> Plan:
        """The plan in the study's file for the profile of that name."""
        file = self.plan_file()
        if name not in file.plans:
            raise unknown("plan", name, file.plans)
        return self._plan(file.plans[name], file)

    def plan_file(self) -> PlanFile:
        """The study's file of plans."""
        return read_plans(self.name, self.choices)

    def _own(self, profile: Mapping[str, Any], file: PlanFile) -> Plan:
        check_profile(profile, self.name, tuple(file.own))
        section = file.own[profile["dataset"]]
        lines = tuple(Line(line, "") for line in self.own_lines(profile, section.lines[0].values))
        return self._plan(replace(section, part=profile.get("part") or section.part, lines=lines), file)

    def own_lines(self, profile: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a profile of the user's own, one for each network: `usual`, and what the profile says."""
        models, n = profile["models"], int(profile["n_images"])
        line = {**usual, "layer": profile.get("layer") or "paper", "n_images": n}
        if self.choices and profile.get("methods"):
            line[self.choices] = profile["methods"]
        for model in [models] if isinstance(models, str) else models:
            yield line | {"model": model}

    def _plan(self, section: Section, file: PlanFile) -> Plan:
        choice = Choice(self.choices, self.known, file.groups)
        usual = {"dataset": section.dataset}
        finished = partial(self.finished, dataset=section.dataset)
        blocks = blocks_of(self.block, section.lines, choice, usual, finished)
        return Plan(section.dataset, section.part, section.donor_part, tuple(blocks))

    def finished(self, block: Any, dataset: str) -> Any:
        """The block as it is to run: where a method is asked, at the layer where it can be.

        Raises CluscamError for a block that the study cannot run.
        """
        if not hasattr(block, "method"):
            return block
        return replace(block, layer=layer_of(block.method, block.model, block.layer))


def layer_of(name: str, model: str, layer: str) -> str:
    """`layer`, or "last_input" for "last" where the patch tokens that leave the last block reach no logit."""
    if layer == "last" and name in DOWNSTREAM and "last_input" in get_spec(model).layers:
        return "last_input"
    return layer
