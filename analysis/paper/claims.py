"""The paper's claims as they will be judged (`analysis/paper/claims.yaml`), checked when they are read."""

from typing import Any

import yaml

from analysis.paper.schema import check
from analysis.paths import PAPER
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, ten times as fast, where PyYAML has it
TIERS = ("reproduction", "variant", "conceptual")
LIMITS = ("at_least", "at_most", "below", "more_than")


def _network(value: Any, where: str) -> None:
    check(value, str, where)
    try:
        get_spec(value)
    except CluscamError as error:
        raise CluscamError(f"{where}: {error}") from error


def _probability(value: Any, where: str) -> None:
    check(value, float, where)
    if not 0 < value < 1:
        raise CluscamError(f"{where}: {value} is not between 0 and 1")


def _positive(value: Any, where: str) -> None:
    check(value, float, where)
    if not value > 0:
        raise CluscamError(f"{where}: {value} is not above 0")


def _limit(value: Any, where: str) -> None:
    check(value, {f"{kind}?": float for kind in LIMITS}, where)
    if len(value) != 1:
        raise CluscamError(f"{where}: {', '.join(value)} are {len(value)} limits; give one")


def _by_network(value: Any, where: str) -> None:
    check(value, dict, where)
    for model, tier in value.items():
        _network(model, where)
        check(tier, TIERS, f"{where}, {model}")


def _thresholds(value: Any, where: str) -> None:
    check(value, dict, where)
    check(value.get("rule"), tuple(THRESHOLDS), f"{where}, rule")
    check(value, {"rule": str, **THRESHOLDS[value["rule"]]}, where)


# the numbers of each rule of `analysis.judging.rules`
THRESHOLDS = {
    "effect": {"sesoi": _positive, "unit": ("d_z", "points"), "alpha": _probability, "of?": [str]},
    "limits": {
        "supported": _limit,
        "reversed": _limit,
        "unit": ("times", "share of draws", "r", "correlation"),
        "needs?": str,
    },
}
METHODS = {"measure": str, "method": str, "against": str, "better": ("higher", "lower"), "box?": ("largest", "all")}
# what is compared, in the words of each study
CONTRASTS = {
    "logits": {"masks": str, "against": str},
    "faithfulness": METHODS,
    "boxes": METHODS | {"box?": ("largest", "all")},
    "alzheimer": METHODS,
    "ablation": {"measure": str, "first": [str], "second": [str], "seeds": [int], "better": ("higher", "lower")},
    "runtime": {"of": str, "to": str},
    "stability": {"measure": ("correlation", "loss"), "explainer": str, "against?": str, "perturbations": [str]},
}
BLOCK = {"model": _network, "layer": str, "n": int, "ids": str}
WHOSE = ("paper", "ours")
READING = {"name": str, "contrast": dict, "study?": str}
# on what the paper's own networks are judged (`reproduction.yaml`)
REPRODUCTION = {"networks": [str], "images": str, "n": [int], "layer?": str, "magnitude?": bool}
CLAIM = {
    "whose": WHOSE,
    **dict.fromkeys(("id", "quote", "place", "paper?", "study", "unit", "estimand", "test", "interval", "sesoi"), str),
    **dict.fromkeys(("family", "correction", "amended?", "seen_before"), str),
    "tier": _by_network,
    "population": {"dataset": str, "part": str, "skip?": int, "grid?": [int], "seeds?": [int], "blocks": [BLOCK]},
    "contrast?": dict,
    "criterion?": {"of": str, "rule?": str},
    "controls": [str],
    "thresholds": _thresholds,
    "readings?": [READING],
    "reproduction?": REPRODUCTION,
    "paper_effect?": _positive,
    "untested?": str,
    "decide?": {"supported": str, "reversed": str},
}


def all_claims() -> list[dict[str, Any]]:
    """Every claim, in the order of the file. Raises CluscamError for a claim that is not as `CLAIM` says."""
    found = yaml.load((PAPER / "claims.yaml").read_text(encoding="utf-8"), Loader=LOADER)
    for claim in found:
        check_claim(claim)
    return found


def check_claim(claim: Any) -> None:
    """Raise CluscamError, a sentence that names the claim and the field, unless a claim is as `CLAIM` says."""
    name = claim.get("id", "without an id") if isinstance(claim, dict) else "that is no table of fields"
    where = f"analysis/paper/claims.yaml, claim {name}"
    check(claim, CLAIM, where)
    if claim["study"] in CONTRASTS:
        check(claim.get("contrast"), CONTRASTS[claim["study"]], f"{where}, contrast")
    for i, reading in enumerate(claim.get("readings", []), 1):
        whole = claim.get("contrast", {}) | reading["contrast"]
        study = reading.get("study", claim["study"])
        check(whole, CONTRASTS.get(study, dict), f"{where}, readings, entry {i}, contrast")


def claims_of(study: str, prefix: str | tuple[str, ...] = "") -> list[dict[str, Any]]:
    """The claims of a study whose id starts with `prefix`, or one of several."""
    return [claim for claim in all_claims() if claim["study"] == study and claim["id"].startswith(prefix)]
