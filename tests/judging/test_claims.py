"""The claims are complete, quote the paper's words, and name populations that exist."""

import hashlib

import pytest
import yaml

from analysis.engine.plan import layer_of
from analysis.engine.registry import find_study
from analysis.engine.weightings import settings_of
from analysis.paths import ROOT
from cluscam_lite import get_spec, load_dataset

CLAIMS = yaml.safe_load((ROOT / "analysis" / "paper" / "claims.yaml").read_text(encoding="utf-8"))
FIELDS = "id quote place study tier population unit estimand controls test interval sesoi family correction decide"
BLOCKS = [(claim, block) for claim in CLAIMS for block in claim["population"]["blocks"]]
# studies whose plan is the population of their claims
EXACT = ("logits", "hyperparameters")
# evidence is of `confirm`; what is tuned is of `tune`, and a time does not depend on what an image shows
PART = {"logits": "confirm", "faithfulness": "confirm", "ablation": "confirm", "hyperparameters": "tune"}
PART |= {"runtime": "tune", "alzheimer": "test"}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_every_field_is_there(claim):
    assert set(claim) - {"contrast", "criterion", "paper", "amended"} == {*FIELDS.split(), "seen_before"}
    assert all(claim.values())
    assert set(claim["decide"]) == {"supported", "contradicted", "else"} and claim["decide"]["else"] == "inconclusive"
    models = {block["model"] for block in claim["population"]["blocks"]}
    assert claim["tier"] == {model: get_spec(model).tier for model in models}


def test_ids_are_unique():
    assert len({claim["id"] for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize(("claim", "block"), BLOCKS, ids=lambda value: value.get("id") or value["model"])
def test_populations_are_prefixes_of_the_split(claim, block, data_root):
    population = claim["population"]
    assert population["part"] == PART[claim["study"]]
    folder = {"ilsvrc": "ilsvrc2012_val"}.get(population["dataset"], population["dataset"])
    if not (data_root / folder).is_dir():
        pytest.skip(f"the data root has no {folder}")
    ids = load_dataset(population["dataset"], data_root=data_root, part=population["part"], n=block["n"]).ids
    assert hashlib.sha256("\n".join(ids).encode()).hexdigest() == block["ids"]


@pytest.mark.parametrize("study", EXACT)
def test_the_plan_of_the_study_is_the_population(study):
    plan = find_study(study).planned("reference")
    planned = [(block.model, block.layer, block.n_images) for block in plan.blocks]
    claims = [claim for claim in CLAIMS if claim["study"] == study]
    assert claims
    for claim in claims:
        population = claim["population"]
        assert (population["dataset"], population["part"]) == (plan.dataset, plan.part)
        assert [(b["model"], b["layer"], b["n"]) for b in population["blocks"]] == planned
        for name in ("grid", "seeds"):
            assert all(list(getattr(block, name)) == population[name] for block in plan.blocks if name in population)


@pytest.mark.parametrize("study", ["faithfulness", "alzheimer"])
def test_a_study_of_maps_covers_its_claims(study):
    plan = find_study(study).planned("reference")
    planned = {(b.model, b.layer, b.method): b for b in plan.blocks if not b.variant}
    for claim in CLAIMS:
        if claim["study"] == study:
            assert (claim["population"]["dataset"], claim["population"]["part"]) == (plan.dataset, plan.part)
            assert claim["contrast"]["better"] in ("higher", "lower") and {"points", "d_z"} & set(claim["contrast"])
            for block in claim["population"]["blocks"]:
                for name in (claim["contrast"]["method"], claim["contrast"]["against"]):
                    layer = layer_of(name, block["model"], block["layer"])
                    assert planned[block["model"], layer, name].n_images >= block["n"]


def test_the_ablation_study_covers_its_claims():
    blocks = find_study("ablation").planned("reference").blocks
    planned = {(b.model, b.layer, b.source): b.n_images for b in blocks if not b.seed}
    claims = [claim for claim in CLAIMS if claim["study"] == "ablation"]
    assert {claim["id"] for claim in claims} == {"C7a", "C7b", "C7c", "C7d", "C8a", "C8b", "C8c"}
    for claim in claims:
        for block in claim["population"]["blocks"]:
            names = {s.name for s in settings_of(30, 0.5)}
            for source, setting in (claim["contrast"]["first"], claim["contrast"]["second"]):
                assert planned[block["model"], block["layer"], source] == block["n"] and setting in names


def test_the_runtime_study_covers_its_claims():
    plan = find_study("runtime").planned("reference")
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
