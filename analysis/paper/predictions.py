"""What four networks lead one to expect of a fifth (`predictions.yaml`), checked when it is read."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis.paper.claims import LOADER, TIERS, all_claims
from analysis.paper.schema import check
from analysis.paths import PAPER
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError, unknown

FILE = PAPER / "predictions.yaml"
PREDICTION = {
    "claim": str,
    "n": int,
    "ids": str,
    "words": [str],
    "direction": ("ahead", "behind", "none"),
    "because": str,
}
PREDICTIONS = {"network": str, "layer": str, "tier": TIERS, "seen_before": str, "predictions": [PREDICTION]}


def all_predictions(words: Collection[str], path: Path = FILE) -> dict[str, Any]:
    """The file's fields, the predictions in its order.

    `words` are those that the rules can give. Raises CluscamError for a file that is not as `PREDICTIONS` says, and for
    a prediction of an unknown claim, network, layer or word, or of a claim that was predicted before.
    """
    found, where = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER), "analysis/paper/predictions.yaml"
    check(found, PREDICTIONS, where)
    if found["layer"] not in get_spec(found["network"]).layers:
        raise CluscamError(f"{where}: {unknown('layer', found['layer'], get_spec(found['network']).layers)}")
    known, seen = [claim["id"] for claim in all_claims()], set()
    for prediction in found["predictions"]:
        claim = prediction["claim"]
        here = f"{where}, prediction of {claim}"
        if claim not in known:
            raise CluscamError(f"{here}: {unknown('claim', claim, known)}")
        if claim in seen:
            raise CluscamError(f"{here}: it is there twice")
        for word in prediction["words"]:
            if word not in words:
                raise CluscamError(f"{here}: {unknown('word', word, words)}")
        seen.add(claim)
    return found


def claim_about(network: Mapping[str, Any], prediction: Mapping[str, Any], claim: Mapping[str, Any]) -> dict[str, Any]:
    """The claim with the predicted network and images alone in its population: one block, so that Holm has one p.

    `network` has the fields `network`, `layer` and `tier` of the file. A claim's sentence that it could not be tested
    on its own networks says nothing of this one.
    """
    block = {"model": network["network"], "layer": network["layer"], "n": prediction["n"], "ids": prediction["ids"]}
    about = {key: value for key, value in claim.items() if key not in ("untested", "readings")}
    population = {**claim["population"], "blocks": [block]}
    return about | {"population": population, "tier": {network["network"]: network["tier"]}}
