"""`cluscam verdicts`: added to the command line by the entry point `verdicts` of the group "cluscam.commands"."""

import argparse
from collections.abc import Callable

from cluscam_lite.errors import CluscamError, unknown
from cluscam_lite.files import as_path

EXAMPLES = """examples:
  cluscam verdicts
  cluscam verdicts --claim C6b
  cluscam verdicts --json
  cluscam verdicts --results my/results      # rows of your own run of the reference profile: my/results/STUDY
  cluscam verdicts --results out/studies/paper   # rows of the paper's own networks
"""


def verdicts(add: Callable[..., argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of the command with `add`, argparse's `add_parser`, and return it."""
    parser = add(
        "verdicts",
        help="the paper's claims: what the rows of the reference run say of each",
        description="The ledger: every claim of the paper, network by network, with its evidence and verdict.\n"
        "Verdicts follow rules that were written down before the evidence (analysis/paper/claims.yaml); what was\n"
        "changed since is in analysis/paper/amendments.yaml.",
        epilog=EXAMPLES,
    )
    option = parser.add_argument
    option("--claim", metavar="ID", help="one claim in full, for instance C6b")
    option("--json", action="store_true", help="print JSON instead of text")
    option("--results", metavar="DIR", help="the folder with a results folder for each study (default: the reference)")
    parser.set_defaults(run=_run)
    return parser


def _run(arguments: argparse.Namespace) -> None:
    try:
        from analysis.judging.kept import kept_ledger
        from analysis.judging.ledger import all_claims, judged
        from analysis.judging.reproduction.magnitudes import all_magnitudes
        from analysis.judging.terminal import as_json, for_terminal
        from analysis.paths import REFERENCE
        from analysis.studies.registry import REGISTRY
    except ModuleNotFoundError as error:
        raise CluscamError(
            f"verdicts need the package {error.name}, which is not installed; pip install 'cluscam-lite[book]'"
        ) from error
    for option in ("claim", "results"):
        if getattr(arguments, option) == "":
            raise CluscamError(f"--{option} is empty; give it a value, or leave it out")
    folder = as_path(arguments.results) if arguments.results else REFERENCE
    if not folder.is_dir():
        raise CluscamError(
            f"the results folder {folder} does not exist; name the folder that holds logits/, faithfulness/ and so on"
        )
    if any(folder.iterdir()) and not any((folder / study).is_dir() for study in REGISTRY):
        raise CluscamError(
            f"{folder} has files, but no folder of a study; name the one that holds logits/, faithfulness/, ..."
        )
    table = kept_ledger(folder)
    numbers = all_magnitudes(folder, all_claims(), judged)
    if arguments.claim:
        numbers = numbers[numbers["claim"].str.lower() == arguments.claim.lower()]
        mine = table[table["claim"].str.lower() == arguments.claim.lower()]
        if not len(mine):
            raise unknown("claim", arguments.claim, table["claim"].unique())
        table = mine
    print(as_json(table, numbers) if arguments.json else for_terminal(table, bool(arguments.claim), numbers))
