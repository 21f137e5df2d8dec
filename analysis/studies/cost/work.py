"""The work of a profile: every cell of every study with what it costs, in the order in which it decides most.

Cells come in rounds: the first `ROUNDS[0]` images of every block of every study, then the images up to `ROUNDS[1]`, and
so on. Within a round the studies come in the order of the registry, and their blocks in that of the plans. So whatever
fits a budget is a prefix of what fits a larger one, and the sizes at which claims are judged are reached early.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from analysis.run.parameters import PROFILES
from analysis.studies.cost.passes import Passes, Shape
from analysis.studies.cost.rates import Seconds
from analysis.studies.plan import Plan, PlannedStudy
from analysis.studies.plans.profile import profile_name
from analysis.studies.registry import REGISTRY, find_study
from cluscam_lite import get_spec

ROUNDS = (100, 500)  # images; all further ones make the last round


class Panel(NamedTuple):
    """A network, the layer at which it is asked, and the pixels along the side of its input."""

    model: str
    layer: str
    size: int


@dataclass(frozen=True)
class Piece:
    """One cell of a study, or (`cell` None) the training of a network that its cells wait for.

    `passes` are of all its images; `panel`: whose rates count.
    """

    study: str
    cell: int | None
    panel: Panel
    passes: Passes
    images: int = 0
    round: int = 0
    network: str = ""


@dataclass(frozen=True)
class Planned:
    """A study with its plan for a profile."""

    study: PlannedStudy
    plan: Plan

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.name


def planned(profile: Mapping[str, Any], names: Sequence[str] = ()) -> list[Planned]:
    """The studies of a profile (those named, or all that run with it) in the order of the registry.

    A profile of the project's is run by the studies whose plans have a section of its name; one of the user's own, by
    those that know its data set.
    """
    found, name = [], profile_name(profile)
    for one in names or REGISTRY:
        study = find_study(one)
        if not names:
            file, shipped = study.plan_file(), (PROFILES / f"{name}.yaml").is_file()
            if name not in file.plans and (shipped or profile.get("dataset") not in file.own):
                continue
        found.append(Planned(study, study.plan(profile)))
    return found


def panels(studies: Iterable[Planned]) -> list[Panel]:
    """Every network with each layer and size at which it is asked, once, in the order of the plans."""
    return list(dict.fromkeys(panel_of(block) for one in studies for block in one.plan.blocks))


def panel_of(block: Any) -> Panel:
    """The network of a block, and the layer and the size at which it is asked."""
    preprocess = get_spec(block.model).preprocess(getattr(block, "preprocess", "standard"))
    size = getattr(block, "settings", {}).get("size", preprocess.size)  # of a timing
    return Panel(block.model, block.layer, size)


def pieces(studies: Iterable[Planned], shapes: Mapping[Panel, Shape]) -> list[Piece]:
    """All pieces of work, what decides most first; trainings stand before the first cells of their study."""
    found: list[Piece] = []
    for one in studies:
        training = dict(one.study.preparation(one.plan))
        first_panel = {block.model: panel_of(block) for block in reversed(one.plan.blocks)} if training else {}
        trained = [Piece(one.name, None, first_panel[name], passes, network=name) for name, passes in training.items()]
        number, cells = 0, []
        for block in one.plan.blocks:
            panel = panel_of(block)
            each = one.study.passes(block, shapes[panel])
            for first, images in one.study.spans(block):
                cells.append(Piece(one.name, number, panel, each * images, images, round_of(first + images)))
                number += 1
        found += trained + cells
    return sorted(found, key=lambda piece: piece.round)  # stable: studies and blocks keep their order


def round_of(last: int) -> int:
    """The round of a cell whose images end with the `last` of its block, counted from 1."""
    return sum(last > size for size in ROUNDS)


def fitting(work: Sequence[Piece], seconds: Mapping[Panel, Seconds], budget: float) -> list[Piece]:
    """The longest prefix of the work that takes no more than `budget` seconds; `seconds` are a panel's rates."""
    taken, left = [], budget
    for piece in work:
        left -= seconds[piece.panel].of(piece.passes)
        if left < 0:
            break
        taken.append(piece)
    return taken
