"""The paper's claims as they will be judged (`analysis/paper/claims.yaml`)."""

from typing import Any

import yaml

from analysis.paths import PAPER

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, ten times as fast, where PyYAML has it


def all_claims() -> list[dict[str, Any]]:
    """Every claim, in the order of the file."""
    return yaml.load((PAPER / "claims.yaml").read_text(encoding="utf-8"), Loader=LOADER)


def claims_of(study: str, prefix: str | tuple[str, ...] = "") -> list[dict[str, Any]]:
    """The claims of a study whose id starts with `prefix`, or one of several."""
    return [claim for claim in all_claims() if claim["study"] == study and claim["id"].startswith(prefix)]
