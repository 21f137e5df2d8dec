"""What the paper's own networks will be judged on (`reproduction.yaml`, and the field of that name of each claim)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from analysis.paper.claims import LOADER
from analysis.paper.schema import check
from analysis.paths import PAPER
from cluscam_lite.errors import CluscamError, check_known

TIER = "reproduction"
FILE = "analysis/paper/reproduction.yaml"
IMAGES = {"dataset": str, "part": str, "ids": dict}


def _number_or_none(value: Any, where: str) -> None:
    if value is not None:
        check(value, float, where)


MEASURE = {"unit": str, "tolerance": float, "sd": float, "settings": _number_or_none}
FIELDS = {"date": str, "networks": dict, "images": dict, "measures": dict}


@lru_cache(maxsize=1)
def reproduction() -> dict[str, Any]:
    """The file's fields. Raises CluscamError for a file that is not as `FIELDS` says."""
    found = yaml.load((PAPER / "reproduction.yaml").read_text(encoding="utf-8"), Loader=LOADER)
    found["date"] = str(found.get("date", ""))  # YAML reads a date as one
    check(found, FIELDS, FILE)
    for name, images in found["images"].items():
        check(images, IMAGES, f"{FILE}, images, {name}")
    for name, measure in found["measures"].items():
        check(measure, MEASURE, f"{FILE}, measures, {name}")
    return found


def networks_of(claim: Mapping[str, Any]) -> list[str]:
    """The paper's own networks that a claim is judged on; none for a claim that says nothing of them."""
    about = claim.get("reproduction")
    if about is None:
        return []
    known = reproduction()["networks"]
    for name in about["networks"]:
        check_known("group of networks", name, known)
    return [network for name in about["networks"] for network in known[name]]


def reproduction_claims(claim: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The claim with the paper's own networks for its population, once for each size, the largest first.

    What other readings or missing tests it has on other networks says nothing of these. Raises CluscamError for a size
    whose images the file does not name.
    """
    networks = networks_of(claim)
    if not networks:
        return []
    about, found = claim["reproduction"], []
    check_known("set of images", about["images"], reproduction()["images"])
    images = reproduction()["images"][about["images"]]
    rest = {key: value for key, value in claim.items() if key not in ("untested", "readings", "reproduction")}
    for n in sorted(about["n"], reverse=True):
        if n not in images["ids"]:
            raise CluscamError(f"{FILE} does not name the first {n} images of {about['images']!r}; add their hash")
        where = {"layer": about.get("layer", "paper"), "n": n, "ids": images["ids"][n]}
        blocks = [{"model": network, **where} for network in networks]
        population = {**claim["population"], "dataset": images["dataset"], "part": images["part"], "blocks": blocks}
        found.append({**rest, "population": population, "tier": dict.fromkeys(networks, TIER)})
    return found
