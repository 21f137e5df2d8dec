"""The command `cluscam study`, an entry point of the group "cluscam.commands"."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from analysis.run.parameters import COMMON, OF_STUDIES, check_study, profile_parameters, typed
from analysis.studies.plans.profile import OWN, renamed
from analysis.studies.registry import REGISTRY, find_study
from cluscam_lite.errors import CluscamError

EXAMPLES = """examples:
  cluscam study {name} --profile embedded
  cluscam study {name} --profile reference -p models "[mobileone_s0]" -p part tune -p n_images 20
  cluscam study {name} --profile reference --out results/ --status
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
    option("name", metavar="NAME", help="the study")
    option("--profile", required=True, metavar="P", help="smoke, embedded, reference, or a .yaml file of your own")
    option("--out", metavar="DIR", help="the results folder (default: out/studies/PROFILE/NAME in the repository)")
    option(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter of your own, as YAML"
    )
    option("--status", action="store_true", help="say how far the folder is, and make nothing")
    option("--discard", action="store_true", help="remove results of another configuration; cells that fit are kept")
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
    if given:
        parameters |= {name: typed(text, (COMMON | OF_STUDIES).get(name)) for name, text in given}
        parameters["profile"] = OWN
    check_study(parameters, [name for name, _ in given])
    return parameters


def _run(arguments: argparse.Namespace) -> None:
    try:
        from analysis.engine import Cluster, run, status
        from analysis.studies.batching.machine import named_machine
        from analysis.studies.rows import results_folder

        cluster = None
        if (arguments.workers, arguments.scheduler) != (None, None):
            if arguments.status:
                raise CluscamError("--status makes nothing; leave --workers and --scheduler out")
            if arguments.scheduler and (arguments.batch or arguments.loaders or arguments.channels_last):
                raise CluscamError(
                    "--batch, --loaders and --channels-last are of this machine, not of the scheduler's workers; start "
                    "these with CLUSCAM_BATCH, CLUSCAM_LOADERS and CLUSCAM_CHANNELS_LAST in their environment"
                )
            cluster = Cluster(arguments.workers, arguments.scheduler)
        chosen = find_study(arguments.name)
        source = OWN if arguments.p else arguments.profile
        profile, place = renamed(own_parameters(arguments.profile, arguments.p), source)
    except ModuleNotFoundError as error:
        raise CluscamError(
            f"studies need the package {error.name}, which is not installed; pip install 'cluscam-lite[book]'"
        ) from error
    folder = Path(arguments.out) if arguments.out else results_folder(arguments.name, place)
    if arguments.status:
        print(status(chosen, profile, folder))
    else:
        machine = {"batch": arguments.batch, "loaders": arguments.loaders}
        with named_machine(machine | {"channels_last": int(arguments.channels_last) or None}):
            run(chosen, profile, folder, discard=arguments.discard, quiet=arguments.quiet, cluster=cluster)
