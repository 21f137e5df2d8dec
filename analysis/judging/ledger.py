"""The ledger: every claim of the paper, network by network, with its evidence, its verdict, and where to follow it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.engine.store import Store
from analysis.judging.because import because, rule_text
from analysis.judging.counts import former_verdicts
from analysis.judging.power import block_power
from analysis.judging.printed import printed
from analysis.judging.reproduction.judged import reproduced
from analysis.judging.rules import NOT_TESTED, judge
from analysis.judging.sources import SOURCES, Claim
from analysis.judging.ways.specifications import holds, specification_table, verdict_counts
from analysis.page.tables import with_interval
from analysis.paper import claims
from analysis.paths import REFERENCE, ROOT
from analysis.studies.registry import REGISTRY, find_study
from analysis.studies.rows import NOT_RUN, reference_rows
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import model_names

WAITS = "complete, but the claim's other networks are not (Holm)"
BEGUN = "not all methods or settings have run on all images"
NO_ROWS = "no rows yet"
EVIDENCE = ("n", "mean", "low", "high", "d_z", "d_z low", "d_z high", "p (Holm)", "p equivalence (Holm)", "differing",
            "text")  # fmt: skip
COLUMNS = ("claim", "whose", "quote", "place", "study", "paper", "tier", "model", "panel", "planned", *EVIDENCE, "unit",
           "counted", "verdict", "because", "power", "power at",
           "images needed", "holds", "of", "ways", "readings", "former", "reason", "estimand", "rule", "amended",
           "notebook", "rows", "parameters", "commits")  # fmt: skip
SETTINGS = ("grid", "seeds")  # of a claim's population


def all_claims() -> list[dict[str, Any]]:
    """The claims of `analysis/paper/claims.yaml`, in order of their ids."""
    return sorted(claims.all_claims(), key=lambda claim: _order(claim["id"]))


def ledger(folder: Path = REFERENCE) -> pd.DataFrame:
    """One row for each claim and block, from the rows under `folder`/STUDY: columns `COLUMNS`.

    `mean`, `low`, `high` are in `unit`, turned so that above 0 the claim is favoured, unless the claim says otherwise.
    Beside the claim's own networks stands one row for the paper's, of the tier "reproduction", if none of those ran.
    """
    rows: dict[str, pd.DataFrame] = {}

    def rows_of(study: str) -> pd.DataFrame:
        if study not in rows:
            known = study in REGISTRY and study in SOURCES
            rows[study] = reference_rows(find_study(study), folder / study) if known else pd.DataFrame()
        return rows[study]

    found = []
    for claim in all_claims():
        study, former = claim["study"], former_verdicts()
        table = claim_table(rows_of, claim)
        table["former"] = [former.get((claim["id"], row.model, row.panel), "") for row in table.itertuples()]
        found.append(table.assign(**_about(claim), **_origin(folder / study, study)))
    whole = {"n": "Int64", "planned": "Int64", "differing": "Int64", "holds": "Int64", "of": "Int64"}
    return pd.concat(found, ignore_index=True).reindex(columns=COLUMNS).astype(whole)


def claim_table(rows_of: Callable[[str], pd.DataFrame], claim: Claim) -> pd.DataFrame:
    """A claim's rows of the ledger, from the rows of its study: `rows_of(study)`.

    If networks of the paper's have run and none of the claim's own, the rows are a run of the paper's grid, and the
    table has the paper's networks alone.
    """
    rows, again = rows_of(claim["study"]), reproduced(rows_of(claim["study"]), claim, judged)
    paper = None
    if again is not None:
        claim_there, judged_there = again
        found = with_power(judged_there, claim_there)
        paper = found.assign(readings="", holds=pd.NA, of=pd.NA, ways="{}")
        if not rows["model"].isin([block["model"] for block in claim["population"]["blocks"]]).any():
            return paper
    table = evidence(rows, claim) if paper is None else judged(rows, claim)
    table["readings"] = readings(rows_of, claim, table)
    table = with_power(with_ways(table, rows, claim), claim)
    return table if paper is None else pd.concat([table, paper], ignore_index=True)


def with_power(table: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The judged blocks with what they could have told (`power.block_power`)."""
    told = pd.DataFrame([block_power(row, claim) if row["model"] else {} for _, row in table.iterrows()], table.index)
    told = told.reindex(columns=["power", "power at", "images needed"])
    words = {name: [text if isinstance(text, str) else "" for text in told[name]] for name in told.columns[1:]}
    return table.assign(power=told["power"].astype(float), **words)


def with_ways(table: pd.DataFrame, rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """The judged blocks with the ways to analyse them in which their word `holds`, `of` those that were computed.

    `ways` says the same of the claim's verdict over its networks, in how many ways it is which, as JSON.
    """
    own = table[table["model"] != ""]
    if "untested" in claim or own["verdict"].isin([NOT_RUN]).any():
        return table.assign(holds=pd.NA, of=pd.NA, ways="{}")
    ways = specification_table(rows, claim)
    counts = holds(ways, [*own["verdict"]], claim["population"]["blocks"]) if len(ways) else []
    found = pd.DataFrame(counts, own.index[: len(counts)], columns=["holds", "of"])
    return table.join(found).assign(ways=json.dumps(verdict_counts(ways)))


def readings(rows_of: Callable[[str], pd.DataFrame], claim: Claim, table: pd.DataFrame) -> list[str]:
    """What the claim's other readings say of each block of `table`: name, estimate and word of each, "" if none.

    A reading changes the contrast, and maybe the study; it has the claim's images, and Holm's correction of its own.
    """
    found: dict[tuple[str, str], list[str]] = {}
    own = {(row.model, row.panel): row.n for row in table.itertuples()} if "n" in table else {}
    for reading in claim.get("readings", []):
        study = reading.get("study", claim["study"])
        other = {**claim, "study": study, "contrast": claim["contrast"] | reading["contrast"]}
        unit = SOURCES[study].unit
        for _, row in judged(rows_of(study), other).iterrows():
            estimate = "" if pd.isna(row.get("mean")) else f" {with_interval(row, 'mean', 'low', 'high')}"
            said = f"{reading['name']}:{estimate} {unit * bool(estimate)}".rstrip()
            if estimate and row["n"] != own.get((row["model"], row["panel"])):
                said += f" on {int(row['n'])} images"
            found.setdefault((row["model"], row["panel"]), []).append(f"{said}, {row['verdict']}")
    return ["; ".join(found.get((row.model, row.panel), [])) for row in table.itertuples()]


def evidence(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """`judged`, and a row for the paper's own networks if the claim names none of them."""
    return pd.concat([judged(rows, claim), _papers_own(claim)], ignore_index=True)


def judged(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """A claim on a study's rows, a row for each block: `tier`, images `planned`, evidence, `verdict` and `reason`.

    Every verdict of this project comes from here. Rows of other images than the claim names judge nothing. Evidence has
    the columns of `EVIDENCE`, as far as the study has them, and the study's own.
    """
    blocks = claim["population"]["blocks"]
    table = pd.DataFrame({"model": b["model"], "panel": b["layer"], "planned": b["n"]} for b in blocks)
    source, strange = SOURCES.get(claim["study"]), [other_images(rows, block) for block in blocks]
    if source is None:
        table = table.assign(verdict=NOT_RUN, reason=f"the study {claim['study']} is not in the ledger yet")
    elif any(strange):
        table = table.assign(verdict=NOT_RUN, reason=[text or WAITS for text in strange])
    else:
        found = judge(source.evidence(rows, claim), claim["thresholds"])
        table = table.merge(found, on=["model", "panel"], how="left").assign(counted=source.counted)
        table["reason"] = [_reason(rows, row) for _, row in table.iterrows()]
        table["because"] = [because(row, claim["thresholds"]) for _, row in table.iterrows()]
    if "untested" in claim:
        ran = table["verdict"] != NOT_RUN
        table.loc[ran, ["verdict", "reason"]] = NOT_TESTED, _line(claim["untested"])
    return table.assign(tier=[claim["tier"][model] for model in table["model"]])


def _reason(rows: pd.DataFrame, row: pd.Series) -> str:
    """Why a block has no word; "" if it has one."""
    if row["verdict"] != NOT_RUN:
        return ""
    if pd.notna(row.get("p")):
        return WAITS
    said = row.get("reason")
    return said if isinstance(said, str) and said else images_missing(rows, row)


def images_missing(rows: pd.DataFrame, block: Mapping[str, Any]) -> str:
    """Why a block has no verdict, as far as counting its images tells."""
    if not len(rows):
        return NO_ROWS
    done = _images_of(rows, block["model"], block["panel"]).nunique()
    return f"{done} of {block['planned']} images" if done < block["planned"] else BEGUN


def other_images(rows: pd.DataFrame, block: Mapping[str, Any]) -> str:
    """Why a block cannot be judged by rows that are not of its images; "" if they are, or are still too few to tell."""
    if not len(rows) or "ids" not in block:
        return ""
    ids = _images_of(rows, block["model"], block["layer"]).unique()[: block["n"]]
    same = hashlib.sha256("\n".join(ids).encode()).hexdigest() == block["ids"]
    return "" if same or len(ids) < block["n"] else "the rows are of other images than the claim names"


def _images_of(rows: pd.DataFrame, model: str, panel: str) -> pd.Series:
    """The ids in the rows of a network and panel."""
    layers = ("last", "last_input") if panel == "last" else (panel,)
    return rows.loc[(rows["model"] == model) & rows["layer"].isin(layers), "image_id"]


def _papers_own(claim: Claim) -> pd.DataFrame:
    """The row of the paper's own networks, which did not run; none if the claim names one of them."""
    specs = [get_spec(block["model"]) for block in claim["population"]["blocks"]]
    if any(spec.tier == "reproduction" for spec in specs):
        return pd.DataFrame()
    families = {spec.family for spec in specs}
    own = [name for name in model_names() if get_spec(name).in_paper and get_spec(name).family in families]
    reason = f"no weights of the paper's {len(own)} at hand"
    return pd.DataFrame([{"model": "", "panel": "", "tier": "reproduction", "verdict": NOT_RUN, "reason": reason}])


def _about(claim: Claim) -> dict[str, Any]:
    """What is the same for all of a claim's rows."""
    source = SOURCES.get(claim["study"])
    about = {key: claim[key] for key in ("whose", "place", "study")}
    about |= {"claim": claim["id"], "quote": _line(claim["quote"])}
    about |= {"paper": printed(claim), "unit": source.unit if source else ""}
    about |= {"counted": source.counted if source else "images", "amended": _line(claim.get("amended", ""))}
    about |= {"estimand": _line(claim["estimand"]), "rule": rule_text(claim)}
    return about | {"notebook": f"notebooks/{source.notebook(claim['id'])}.ipynb" if source else ""}


def _line(text: str) -> str:
    return " ".join(text.split())


def _origin(folder: Path, study: str) -> dict[str, str]:
    """Where the rows are, the parameters that made them, and the commits in their manifest."""
    manifest = Store(folder).manifest()
    commits = "no manifest yet: the run is not complete"
    if manifest:
        made = [(one["commit"][:10], " (modified)" * (one["modified"] is True)) for one in manifest["origins"]]
        commits = ", ".join(dict.fromkeys(commit + changed for commit, changed in made))
    inside = folder.resolve().is_relative_to(ROOT)
    place = folder.resolve().relative_to(ROOT).as_posix() if inside else f"{folder.parent.name}/{folder.name}"
    asked = "not known: the profile is written when the run is complete"
    if manifest or folder.parent.resolve() == REFERENCE:
        asked = f"cluscam study {study} --profile {manifest['profile']['profile'] if manifest else 'reference'}"
    return {"rows": place, "parameters": asked, "commits": commits}


def own_run(folder: Path) -> pd.DataFrame:
    """The same comparisons on the rows under `folder`/STUDY, whatever their networks: columns claim, model, panel and
    `EVIDENCE`. They have no verdict, since the claims name their images. Studies that are not there are left out, and
    claims that fix more than images (`SETTINGS`), which no other run can be held to.
    """
    found = []
    for claim in all_claims():
        source, place = SOURCES.get(claim["study"]), folder / claim["study"]
        fixed = not set(SETTINGS).isdisjoint(claim["population"])
        if fixed or source is None or not (place / "configuration.json").is_file():
            continue
        rows = reference_rows(find_study(claim["study"]), place)
        for block in _blocks_of(rows):
            mine = {**claim, "population": {"blocks": [block]}, "tier": {block["model"]: "own"}}
            if "contrast" in claim:  # a run of one's own has not all seeds
                mine["contrast"] = {key: value for key, value in claim["contrast"].items() if key != "seeds"}
            try:
                table = judged(rows, mine)
            except CluscamError:  # too few images for an interval
                continue
            ran = ~table["verdict"].isin([NOT_RUN, NOT_TESTED])
            found.append(table[ran].assign(claim=claim["id"], unit=source.unit))
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    return table.reindex(columns=["claim", "model", "panel", *EVIDENCE, "unit"])


def _blocks_of(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Each network and layer of the rows as a block of a population, with all images that any method has there."""
    if not len(rows):
        return []
    panels = rows["layer"].replace("last_input", "last")
    counts = rows.groupby([rows["model"], panels], sort=False)["image_id"].nunique()
    return [{"model": model, "layer": layer, "n": int(n)} for (model, layer), n in counts.items()]


def _order(claim_id: str) -> tuple[int, str]:
    """C2 before C10."""
    digits = "".join(c for c in claim_id if c.isdigit())
    return int(digits or 0), claim_id
