"""The command `cluscam study`, an entry point of the group "cluscam.commands"."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.run.parameters import COMMON, OF_STUDIES, check_study, profile_parameters, typed
from analysis.studies.plans.profile import OWN, renamed
from analysis.studies.registry import REGISTRY, find_study
from cluscam_lite.cli.ending import SomeSkipped
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import as_path

if TYPE_CHECKING:
    from analysis.engine import Cluster, Status
    from analysis.studies.everything import Studies

ALL = "all"
MEASURED = "60s"  # how long an estimate or a budget measures
EXAMPLES = """examples:
  cluscam study {name} --profile embedded
  cluscam study {name} --profile reference -p models "[mobileone_s0]" -p part tune -p n_images 20
  cluscam study {name} --profile reference --out results/ --status
  cluscam study all --profile paper --estimate
  cluscam study all --profile paper --budget 2h
  cluscam study {name} --profile reference --workers 2
"""


def study(add: Callable[..., argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of the command with `add`, argparse's `add_parser`, and return it."""
    known = ", ".join(REGISTRY) or "none yet"
    parser = add(
        "study",
        help="run a study: rows of numbers, one per image and setting",
        description="Run a study: rows of numbers, one per image and setting.\nIt may be stopped at any moment and "
        f"started again, and several processes may share one folder.\nStudies: {known}.",
        epilog=EXAMPLES.format(name=next(iter(REGISTRY), "NAME")),
    )
    option = parser.add_argument
    option("name", metavar="NAME", help="the study, or all: every study of the profile, in order")
    option(
        "--profile", required=True, metavar="P", help="smoke, embedded, reference, paper, or a .yaml file of your own"
    )
    option(
        "--out",
        metavar="DIR",
        help="the results folder (default: out/studies/PROFILE/NAME in the repository); of "
        "all, the folder of their folders",
    )
    option(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter of your own, as YAML"
    )
    option("--status", action="store_true", help="say how far the folder is, and make nothing")
    option("--discard", action="store_true", help="remove results of another configuration; cells that fit are kept")
    option("--estimate", action="store_true", help="say what it takes on this machine, and run nothing")
    option("--budget", metavar="TIME", help="only what fits, what decides most first: 2h, 90min; again, to go on")
    option("--measure", metavar="TIME", help="how long an estimate or a budget measures (default: 60s)")
    option("--save", metavar="FILE", help="write the estimate as JSON, too")
    option("--workers", type=int, metavar="N", help="N processes make the cells: a GPU or a share of the cores each")
    option("--scheduler", metavar="ADDRESS", help="workers of this Dask scheduler, tcp://HOST:PORT, make them")
    option("--batch", type=int, metavar="N", help="images explained at once (default: 32 on a GPU, 1 on a CPU)")
    option("--loaders", type=int, metavar="N", help="processes that decode images ahead (default: some on a GPU)")
    option("--channels-last", action="store_true", help="keep the network's weights with the channels last")
    option("--quiet", action="store_true", help="no line for each cell")
    parser.set_defaults(run=_run)
    return parser


def own_parameters(profile: str, given: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A profile's parameters. Those of the user, (name, YAML text) each, replace some and make it the profile "own".

    The plans of the shipped profiles are fixed, so any change makes another profile. Raises UnknownName or
    CluscamError for a parameter that studies do not have, or of a bad value.
    """
    parameters = profile_parameters(profile)
    names = [name for name, _ in given]
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise CluscamError(f"the parameter {twice[0]} is given twice; give it once")
    changed = {name: typed(text, (COMMON | OF_STUDIES).get(name)) for name, text in given}
    if any(name not in parameters or parameters[name] != value for name, value in changed.items()):
        parameters |= changed | {"profile": OWN}
    check_study(parameters, [name for name, _ in given])
    return parameters


def check_taken(study: Any, names: Sequence[str]) -> None:
    """Raise CluscamError for a parameter that other studies read and this one would ignore."""
    from analysis.studies.plan import PlannedStudy

    for name in names if isinstance(study, PlannedStudy) else ():
        if name in OF_STUDIES and name not in {"layer", *study.takes}:
            raise CluscamError(f"the study {study.name} has no use for the parameter {name}; leave it out")


def plan_text(study: Any, profile: Mapping[str, Any]) -> str:
    """What -p has made of the plan of a study (None: of all): it is the parameters' alone, and no shipped profile's."""
    from analysis.studies.plan import PlannedStudy

    part = study.plan(profile).part if isinstance(study, PlannedStudy) else profile.get("part")
    models = ", ".join(profile.get("models", ["no network"]))
    return (
        f"-p makes a plan of its own: {profile.get('dataset', 'no data set')}, part {part or 'as each study has it'}; "
        f"{models}; at most {profile.get('n_images', 'no')} images of each"
    )


def _run(arguments: argparse.Namespace) -> None:
    if arguments.save and not arguments.estimate:
        raise CluscamError("--save is for the estimate; add --estimate, or leave it out")
    if arguments.measure is not None and not (arguments.estimate or arguments.budget):
        raise CluscamError("--measure is for an estimate or a budget; add --estimate or --budget TIME, or leave it out")
    for option in ("out", "budget", "measure", "save", "scheduler"):
        if getattr(arguments, option) == "":
            raise CluscamError(f"--{option} is empty; give it a value, or leave it out")
    if arguments.estimate and (arguments.budget or arguments.status):
        raise CluscamError("--estimate runs nothing; give it alone, then --budget or --status without it")
    try:
        from analysis.engine import run, status
        from analysis.studies.batching.machine import named_machine
        from analysis.studies.everything import say_status, seconds_of, studies_of
        from analysis.studies.rows import results_folder

        cluster = _cluster(arguments)
        every = arguments.name == ALL
        chosen = None if every else find_study(arguments.name)
        parameters = own_parameters(arguments.profile, arguments.p)
        if chosen is not None:
            check_taken(chosen, [name for name, _ in arguments.p])
        own = bool(arguments.p) and parameters.get("profile") == OWN
        profile, place = renamed(parameters, OWN if own else arguments.profile)
    except ModuleNotFoundError as error:
        raise CluscamError(
            f"studies need the package {error.name}, which is not installed; pip install 'cluscam-lite[book]'"
        ) from error
    if own and not arguments.status:
        print(plan_text(chosen, profile), file=sys.stderr, flush=True)
    measure, budget = seconds_of(arguments.measure or MEASURED), arguments.budget and seconds_of(arguments.budget)

    def folder(name: str) -> Path:
        if not arguments.out:
            return results_folder(name, place)
        return as_path(arguments.out) / name if every else as_path(arguments.out)

    options = {"discard": arguments.discard, "quiet": arguments.quiet, "cluster": cluster}
    machine = {"batch": arguments.batch, "loaders": arguments.loaders}
    machine["channels_last"] = int(arguments.channels_last) or None
    if chosen is not None and not arguments.estimate and not budget:
        if arguments.status:
            say_status(status(chosen, profile, folder(arguments.name)), print)
        else:
            with named_machine(machine):
                end_of([run(chosen, profile, folder(arguments.name), **options)])
        return
    studies = studies_of(profile, [] if every else [arguments.name], folder, **options)
    if arguments.estimate:
        _estimate(studies, measure, arguments.save)
    elif arguments.status:
        studies.status()
    else:
        with named_machine(machine):
            end_of(studies.run_within(budget, measure) if budget else studies.run())


def end_of(reached: Sequence["Status"]) -> None:
    """Raise SomeSkipped, for the exit status 3, if images could not be used and have no rows."""
    skipped = {image: reason for one in reached for image, reason in one.skipped.items()}
    if skipped:
        n, (first, reason) = len(skipped), next(iter(skipped.items()))
        raise SomeSkipped(
            f"{n} image{'s' * (n > 1)} could not be used and {'were' if n > 1 else 'was'} skipped, the first of them "
            f"{first} ({reason}); all are named above: mend them and start the same command again, which makes the "
            "rows of those that can be used by then"
        )


def _cluster(arguments: argparse.Namespace) -> "Cluster | None":
    """The workers that make the cells; None: this process. Raises CluscamError for options that do not go together."""
    from analysis.engine import Cluster

    if (arguments.workers, arguments.scheduler) == (None, None):
        return None
    if arguments.status or arguments.estimate:
        option = "--status" if arguments.status else "--estimate"
        raise CluscamError(f"{option} makes nothing; leave --workers and --scheduler out")
    if arguments.scheduler and (arguments.batch or arguments.loaders or arguments.channels_last):
        raise CluscamError(
            "--batch, --loaders and --channels-last are of this machine, not of the scheduler's workers; start "
            "these with CLUSCAM_BATCH, CLUSCAM_LOADERS and CLUSCAM_CHANNELS_LAST in their environment"
        )
    return Cluster(arguments.workers, arguments.scheduler)


def _estimate(studies: "Studies", seconds: float, path: str | None) -> None:
    from analysis.studies.cost.estimate import save
    from analysis.studies.cost.report import for_terminal

    record = studies.estimate(seconds, lambda line: print(line, file=sys.stderr, flush=True))
    if path:
        save(record, path)
    print(for_terminal(record))
