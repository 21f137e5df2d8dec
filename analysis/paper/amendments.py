"""What was changed of the rules after the evidence was in (`amendments.yaml`), checked when it is read."""

from typing import Any

import yaml

from analysis.paper.claims import LOADER, all_claims
from analysis.paper.schema import check
from analysis.paths import PAPER
from cluscam_lite.errors import CluscamError, unknown

AMENDMENT = {"id": str, "date": str, "claims": [str], "what": str, "why": str}


def all_amendments() -> list[dict[str, Any]]:
    """Every amendment, in the order of the file, texts on one line and dates as YYYY-MM-DD.

    Raises CluscamError for one that is not as `AMENDMENT` says, or that names an unknown claim.
    """
    found = yaml.load((PAPER / "amendments.yaml").read_text(encoding="utf-8"), Loader=LOADER)
    known = [claim["id"] for claim in all_claims()]
    for amendment in found:
        where = f"analysis/paper/amendments.yaml, amendment {amendment.get('id', 'without an id')}"
        amendment["date"] = str(amendment.get("date", ""))  # YAML reads a date as one
        check(amendment, AMENDMENT, where)
        for claim in amendment["claims"]:
            if claim not in known:
                raise CluscamError(f"{where}: {unknown('claim', claim, known)}")
        for field in ("what", "why"):
            amendment[field] = " ".join(amendment[field].split())
    return found
