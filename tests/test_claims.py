"""The claims are complete, quote the paper's words, and name populations that exist."""

import hashlib
from pathlib import Path

import pytest
import yaml

from analysis.studies.faithfulness_plan import PLANS as FAITHFULNESS
from analysis.studies.faithfulness_plan import layer_of
from analysis.studies.logits import PLANS
from analysis.studies.runtime_plan import plan_of as runtime_plan
from cluscam_lite import get_spec, load_dataset

CLAIMS = yaml.safe_load((Path(__file__).parents[1] / "analysis" / "paper" / "claims.yaml").read_text(encoding="utf-8"))
FIELDS = "id quote place study tier population unit estimand controls test interval sesoi family correction decide"
BLOCKS = [(claim, block) for claim in CLAIMS for block in claim["population"]["blocks"]]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_every_field_is_there(claim):
    assert set(claim) - {"contrast"} == {*FIELDS.split(), "seen_before"} and all(claim.values())
    assert set(claim["decide"]) == {"supported", "contradicted", "else"} and claim["decide"]["else"] == "inconclusive"
    models = {block["model"] for block in claim["population"]["blocks"]}
    assert claim["tier"] == {model: get_spec(model).tier for model in models}


def test_ids_are_unique():
    assert len({claim["id"] for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize(("claim", "block"), BLOCKS, ids=lambda value: value.get("id", value.get("model")))
def test_populations_are_prefixes_of_the_split(claim, block, data_root):
    # evidence is of `confirm`; a time does not depend on what an image shows
    part = "tune" if claim["study"] == "runtime" else "confirm"
    assert claim["population"]["part"] == part
    ids = load_dataset("ilsvrc", data_root=data_root, part=part, n=block["n"]).ids
    assert hashlib.sha256("\n".join(ids).encode()).hexdigest() == block["ids"]


def test_the_plan_of_the_study_is_the_population():
    plan = PLANS["reference"]
    planned = [(block.model, block.layer, block.n_images) for block in plan.blocks]
    for claim in CLAIMS:
        if claim["study"] == "logits":
            population = claim["population"]
            assert (population["dataset"], population["part"]) == (plan.dataset, plan.part)
            assert [(b["model"], b["layer"], b["n"]) for b in population["blocks"]] == planned


def test_the_faithfulness_study_covers_its_claims():
    planned = {(b.model, b.layer, b.method): b for b in FAITHFULNESS["reference"].blocks if not b.variant}
    for claim in CLAIMS:
        if claim["study"] == "faithfulness":
            assert claim["contrast"]["better"] in ("higher", "lower") and {"points", "d_z"} & set(claim["contrast"])
            for block in claim["population"]["blocks"]:
                for name in (claim["contrast"]["method"], claim["contrast"]["against"]):
                    layer = layer_of(name, block["model"], block["layer"])
                    assert planned[block["model"], layer, name].n_images >= block["n"]


def test_the_runtime_study_covers_its_claims():
    plan = runtime_plan({"profile": "reference"})
    planned = {(b.model, b.layer, b.method): b.n_images for b in plan.blocks if not b.variant}
    claims = [claim for claim in CLAIMS if claim["study"] == "runtime"]
    assert {claim["id"] for claim in claims} == {"C11a", "C11b", "C11c", "C11d"}
    for claim in claims:
        contrast, population = claim["contrast"], claim["population"]
        assert (population["dataset"], population["part"]) == (plan.dataset, plan.part)
        for block in population["blocks"]:
            for name in {contrast["of"], contrast["to"]} - {"passes"}:
                assert planned[block["model"], block["layer"], name] >= block["n"]
        for side in ("supported", "contradicted"):  # the words say what the numbers do
            ((kind, bound),) = contrast[side].items()
            assert f"{kind.replace('_', ' ')} {bound:g}" in claim["decide"][side]
