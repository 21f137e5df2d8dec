"""The claims are complete, quote the paper's words, and name populations that exist."""

import hashlib
from pathlib import Path

import pytest
import yaml

from analysis.studies.alzheimer_plan import PLANS as ALZHEIMER
from analysis.studies.faithfulness_plan import PLANS as FAITHFULNESS
from analysis.studies.faithfulness_plan import layer_of
from analysis.studies.logits import PLANS
from cluscam_lite import get_spec, load_dataset

CLAIMS = yaml.safe_load((Path(__file__).parents[1] / "analysis" / "paper" / "claims.yaml").read_text(encoding="utf-8"))
FIELDS = "id quote place study tier population unit estimand controls test interval sesoi family correction decide"
BLOCKS = [(claim["id"], block) for claim in CLAIMS for block in claim["population"]["blocks"]]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_every_field_is_there(claim):
    assert set(claim) - {"contrast"} == {*FIELDS.split(), "seen_before"} and all(claim.values())
    assert set(claim["decide"]) == {"supported", "contradicted", "else"} and claim["decide"]["else"] == "inconclusive"
    models = {block["model"] for block in claim["population"]["blocks"]}
    assert claim["tier"] == {model: get_spec(model).tier for model in models}


def test_ids_are_unique():
    assert len({claim["id"] for claim in CLAIMS}) == len(CLAIMS)


def claims_by_id():
    return {claim["id"]: claim for claim in CLAIMS}


@pytest.mark.parametrize(("claim", "block"), BLOCKS)
def test_populations_are_prefixes_of_the_split(claim, block, data_root):
    population = claims_by_id()[claim]["population"]
    folder = {"ilsvrc": "ilsvrc2012_val"}.get(population["dataset"], population["dataset"])
    if not (data_root / folder).is_dir():
        pytest.skip(f"the data root has no {folder}")
    ids = load_dataset(population["dataset"], data_root=data_root, part=population["part"], n=block["n"]).ids
    assert hashlib.sha256("\n".join(ids).encode()).hexdigest() == block["ids"]


def test_the_plan_of_the_study_is_the_population():
    plan = PLANS["reference"]
    planned = [(block.model, block.layer, block.n_images) for block in plan.blocks]
    for claim in CLAIMS:
        if claim["study"] == "logits":
            population = claim["population"]
            assert (population["dataset"], population["part"]) == (plan.dataset, plan.part)
            assert [(b["model"], b["layer"], b["n"]) for b in population["blocks"]] == planned


@pytest.mark.parametrize(("study", "plan"), [("faithfulness", FAITHFULNESS), ("alzheimer", ALZHEIMER)])
def test_a_study_of_maps_covers_its_claims(study, plan):
    plan = plan["reference"]
    planned = {(b.model, b.layer, b.method): b for b in plan.blocks if not b.variant}
    for claim in CLAIMS:
        if claim["study"] == study:
            assert (claim["population"]["dataset"], claim["population"]["part"]) == (plan.dataset, plan.part)
            assert claim["contrast"]["better"] in ("higher", "lower") and {"points", "d_z"} & set(claim["contrast"])
            for block in claim["population"]["blocks"]:
                for name in (claim["contrast"]["method"], claim["contrast"]["against"]):
                    layer = layer_of(name, block["model"], block["layer"])
                    assert planned[block["model"], layer, name].n_images >= block["n"]
