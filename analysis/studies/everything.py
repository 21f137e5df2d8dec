"""`cluscam study all`: every study of a profile in order, what it takes, and the part of it that fits a budget."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from analysis.engine import Status, run, status
from analysis.engine.contract import checked_cells, named_data_root
from analysis.engine.progress import duration
from analysis.engine.store import Store
from analysis.studies.cost.estimate import measured_rates, record_of
from analysis.studies.cost.work import Piece, Planned, fitting, pieces, planned
from cluscam_lite import get_spec, load_dataset
from cluscam_lite.errors import CluscamError
from cluscam_lite.models.hubs import hub_reachable, hub_url
from cluscam_lite.models.registry import is_folder
from cluscam_lite.models.weights import has_weights

UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Studies:
    """Several studies of one profile, each with its folder of rows; `options` go to each run."""

    profile: Mapping[str, Any]
    planned: Sequence[Planned]
    folder: Callable[[str], Path]
    options: Mapping[str, Any] = field(default_factory=dict)

    def estimate(self, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
        """The record of what they take (`cost.estimate.record_of`). Nothing is run, and nothing downloaded."""
        with named_data_root(self.profile):
            rates = measured_rates(self.planned, seconds, say)
            return record_of(str(self.profile.get("profile", "")), self.planned, rates, seconds)

    def status(self, say: Callable[[str], None] = print) -> None:
        """Say how far each study is; nothing is written."""
        for one in self.planned:
            with named_data_root(self.profile):
                waiting = one.study.preparation(one.plan)
            if waiting:
                say(f"{one.name}: waits for the training of {', '.join(waiting)}")
            else:
                say_status(status(one.study, self.profile, self.folder(one.name)), say)

    def run(self, say: Callable[[str], None] = print) -> list[Status]:
        """Every study, one after the other; how far each came.

        Raises CluscamError before anything runs if weights or images lack.
        """
        with named_data_root(self.profile):
            check_ready(self.planned)
            reached = []
            for one in self.planned:
                for name in one.study.preparation(one.plan):
                    one.study.prepare(one.plan, name, say)
                reached.append(run(one.study, self.profile, self.folder(one.name), **self.options))
        return reached

    def run_within(self, budget: float, seconds: float, say: Callable[[str], None] = print) -> list[Status]:
        """What fits `budget` seconds of what is not done yet, what decides most first (`cost.work`).

        How far each study came that something was made of.

        Raises CluscamError if nothing fits, or nothing is left to do, or as `run` does.
        """
        with named_data_root(self.profile):
            check_ready(self.planned)
            rates = measured_rates(self.planned, seconds, say)
            work = pieces(self.planned, {panel: one.shape for panel, one in rates.items()})
            left = self._left(work)
            if not left:
                say("nothing is left to do: every cell of every study is done")
                return []
            speeds = {panel: one.seconds for panel, one in rates.items()}
            chosen = fitting(left, speeds, budget)
            if not chosen:
                needed = speeds[left[0].panel].of(left[0].passes)
                raise CluscamError(
                    f"the budget of {duration(budget)} fits nothing: the first piece of work, {_title(left[0])}, takes "
                    f"about {duration(needed)} here; give at least that"
                )
            total = sum(speeds[piece.panel].of(piece.passes) for piece in left)
            taken = sum(speeds[piece.panel].of(piece.passes) for piece in chosen)
            say(
                f"{len(chosen):,} of {len(left):,} pieces of work fit {duration(budget)} (about {duration(taken)} of "
                f"{duration(total)}); the same command goes on from there"
            )
            return self._make(chosen, say)

    def _make(self, chosen: Sequence[Piece], say: Callable[[str], None]) -> list[Status]:
        of, reached = {one.name: one for one in self.planned}, []
        for (name, trains), part in groupby(chosen, lambda piece: (piece.study, piece.cell is None)):
            one, mine = of[name], list(part)
            if trains:
                for piece in mine:
                    one.study.prepare(one.plan, piece.network, say)
            else:
                numbers = [piece.cell for piece in mine if piece.cell is not None]
                reached.append(run(one.study, self.profile, self.folder(name), **self.options, only=numbers))
        return reached

    def _left(self, work: Sequence[Piece]) -> list[Piece]:
        """The work without the cells that are done."""
        done: set[tuple[str, int]] = set()
        for one in self.planned:
            store = Store(self.folder(one.name))
            if store.cells.is_dir() and not one.study.preparation(one.plan):
                cells = checked_cells(one.study, self.profile)
                done |= {(one.name, i) for i, cell in enumerate(cells) if store.path(cell).exists()}
        return [piece for piece in work if piece.cell is None or (piece.study, piece.cell) not in done]


def say_status(reached: Status, say: Callable[[str], None]) -> None:
    """Say how far a study is, and which images could not be used."""
    say(str(reached))
    for image, reason in reached.skipped.items():
        say(f"skipped {image}: {reason}")


def studies_of(
    profile: Mapping[str, Any], names: Sequence[str], folder: Callable[[str], Path], **options: Any
) -> Studies:
    """The studies named, or all of the profile. Raises CluscamError for a profile that none of them runs with."""
    found = planned(profile, names)
    if not found:
        raise CluscamError("no study has a plan for this profile; name a data set that one runs on")
    return Studies(profile, found, folder, options)


def check_ready(studies: Sequence[Planned]) -> None:
    """Raise CluscamError, one sentence for all that lacks, unless the weights can be had and the images are here."""
    check_weights(dict.fromkeys(name for one in studies for name in networks_of(one)))
    wanted: dict[tuple[str, str], int] = {}
    for one in studies:
        for block in one.plan.blocks:
            where = (getattr(block, "dataset", one.plan.dataset), one.plan.part)
            wanted[where] = max(wanted.get(where, 0), block.n_images)
        if one.plan.donor_part:
            wanted.setdefault((one.plan.dataset, one.plan.donor_part), 1)
    for (dataset, part), n in wanted.items():
        load_dataset(dataset, part=part or None, n=n)


def networks_of(one: Planned) -> list[str]:
    """The networks whose weights a study loads: of one that is to be trained here, what its training starts from."""
    missing = one.study.preparation(one.plan)
    names = dict.fromkeys(block.model for block in one.plan.blocks)
    return [one.study.starts_from(name) if name in missing else name for name in names]


def check_weights(names: Sequence[str] | Mapping[str, None]) -> None:
    """Raise CluscamError, naming all of them, for networks without weights here whose hubs cannot be reached."""
    lacking = [get_spec(name) for name in names if not is_folder(name) and not has_weights(name)]
    published = [spec for spec in lacking if spec.weights_id]
    hubs = {spec.library: spec for spec in published}
    unreachable = {library for library, spec in hubs.items() if not hub_reachable(spec)}
    missing = [spec for spec in published if spec.library in unreachable]
    if missing:
        where = "; ".join(f"{spec.name} from {hub_url(spec)}" for spec in missing)
        raise CluscamError(
            f"there are no weights for {', '.join(spec.name for spec in missing)}, and no network to "
            f"{' and '.join(sorted(unreachable))}; where there is one, fetch {where}, and put each under the network's "
            "name (NAME.pth or NAME.safetensors) into weights/ of a data root"
        )


def seconds_of(text: str) -> float:
    """A time such as "2h", "90 min" or "1.5d" in seconds. Raises CluscamError for any other text."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)", text.strip())
    if not found or not float(found[1]):
        raise CluscamError(f"the time {text!r} cannot be read; write a number and s, min, h or d, such as 2h or 90min")
    return float(found[1]) * UNITS[found[2]]


def _title(piece: Piece) -> str:
    if piece.cell is None:
        return f"the training of {piece.network}"
    count = f"{piece.images} image{'s' * (piece.images > 1)}"
    return f"{count} of {get_spec(piece.panel.model).title} for the study {piece.study}"
