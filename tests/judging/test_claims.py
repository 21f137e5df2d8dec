"""The claims are complete, quote the paper's words, and name populations that exist."""

import copy
import hashlib
import re

import pytest

from analysis.chapters.hyperparameters.evidence import DRAWS, LEVEL
from analysis.chapters.hyperparameters.mixture_evidence import RATIO_DRAWS
from analysis.judging.because import rule_text
from analysis.judging.rules import FEWEST
from analysis.paper.claims import all_claims, check_claim
from analysis.studies.mask_sources import SEEDED
from analysis.studies.plan import layer_of
from analysis.studies.registry import find_study
from analysis.studies.weightings import settings_of
from cluscam_lite import get_spec, load_dataset
from cluscam_lite.errors import CluscamError

CLAIMS = all_claims()
FIELDS = (
    "id whose quote place study tier population unit estimand controls test interval sesoi thresholds family correction"
)
BLOCKS = [(claim, block) for claim in CLAIMS for block in claim["population"]["blocks"]]
# studies whose plan is the population of their claims
EXACT = ("logits", "hyperparameters")
# evidence is of `confirm`; what is tuned is of `tune`, and a time does not depend on what an image shows
PART = {"logits": "confirm", "faithfulness": "confirm", "ablation": "confirm", "hyperparameters": "tune"}
PART |= {"runtime": "tune", "alzheimer": "test", "stability": "confirm"}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_every_field_is_there(claim):
    optional = {"contrast", "criterion", "paper", "amended", "readings", "untested", "decide", "paper_effect"}
    optional |= {"reproduction"}
    assert set(claim) - optional == {*FIELDS.split(), "seen_before"}
    assert all(claim.values())
    assert ("decide" in claim) == (claim["thresholds"]["rule"] == "limits")
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
    skip = population.get("skip", 0)
    ids = load_dataset(population["dataset"], data_root=data_root, part=population["part"], n=skip + block["n"]).ids[
        skip:
    ]
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
            assert claim["contrast"]["better"] in ("higher", "lower") and claim["thresholds"]["rule"] == "effect"
            for block in claim["population"]["blocks"]:
                for name in (claim["contrast"]["method"], claim["contrast"]["against"]):
                    layer = layer_of(name, block["model"], block["layer"])
                    assert planned[block["model"], layer, name].n_images >= block["n"]


def test_the_ablation_study_covers_its_claims():
    blocks = find_study("ablation").planned("reference").blocks
    planned = {(b.model, b.layer, b.source, b.seed): b.n_images for b in blocks}
    claims = [claim for claim in CLAIMS if claim["study"] == "ablation"]
    assert {claim["id"] for claim in claims} == {"C7a", "C7b", "C7c", "C7d", "C8a", "C8b", "C8c"}
    for claim in claims:
        for block in claim["population"]["blocks"]:
            names = {s.name for s in settings_of(30, 0.5)}
            for source, setting in (claim["contrast"]["first"], claim["contrast"]["second"]):
                assert setting in names
                for seed in claim["contrast"]["seeds"] if source in SEEDED else [0]:
                    assert planned[block["model"], block["layer"], source, seed] >= block["n"]


def test_the_study_of_stability_covers_its_claims():
    plan = find_study("stability").planned("reference")
    claims = [claim for claim in CLAIMS if claim["study"] == "stability"]
    assert {claim["id"] for claim in claims} == {"C12a", "C12b", "C12c", "C12d", "C12e"}
    for claim in claims:
        contrast, population = claim["contrast"], claim["population"]
        assert (population["dataset"], population["part"]) == (plan.dataset, plan.part)
        for block in population["blocks"]:
            for name in filter(None, (contrast["explainer"], contrast.get("against"))):
                method = name if name == "gradcam" else "cluscam"
                layer = layer_of(method, block["model"], block["layer"])
                mine = [b for b in plan.blocks if (b.model, b.layer, b.method) == (block["model"], layer, method)]
                for change in contrast["perturbations"]:
                    has = [b for b in mine if change in ("none", *(b.averaged if name == "mean5" else b.perturbations))]
                    images = {i for b in has for i in range(b.skip, b.n_images)}
                    assert images >= set(range(population["skip"], population["skip"] + block["n"])), (
                        claim["id"],
                        name,
                    )


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


# thresholds: the same in numbers and in words

FIVE = ("supported", "reversed", "negligible", "undecided", "uninformative")
NUMBERS = {0.5: ("0.5", "one half"), 5: ("5", "five")}
WORDS = {"at_least": ("at least",), "at_most": ("at most", "within"), "below": ("below",)}
WORDS |= {"more_than": ("more than", "farther than")}


def says(text, words, number):
    """Whether a text has one of the words before a number, in digits or spelt out."""
    numbers = NUMBERS.get(number, (f"{number:g}",))
    return any(re.search(rf"\b{word} {re.escape(n)}\b", text) for word in words for n in numbers)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_the_words_of_a_claim_have_its_thresholds(claim):
    numbers, rule = claim["thresholds"], rule_text(claim)
    if numbers["rule"] == "limits":
        scale = 100 if numbers["unit"] == "r" else 1  # r is from 0 to 1, and in points in words
        for side in ("supported", "reversed"):
            ((kind, bound),) = numbers[side].items()
            assert says(claim["decide"][side], WORDS[kind], scale * bound), side
            assert claim["decide"][side] in rule
        assert ("every seed" in claim["decide"]["supported"]) == (numbers.get("needs") == "every seed")
        return
    assert says(rule, ["corrected p is below"], numbers["alpha"]) and all(word in rule for word in FIVE)
    assert all(effect in rule for effect in numbers.get("of", []))
    if numbers["unit"] == "d_z":
        assert f"d_z = {numbers['sesoi']:g}" in claim["sesoi"]
        assert says(rule, ["d_z is at least"], numbers["sesoi"])
    else:
        assert claim["sesoi"].startswith(f"{numbers['sesoi']:g} points of IC")
        assert claim["contrast"]["measure"] == "increase"
        assert says(rule, ["estimate is at least"], numbers["sesoi"])


def test_words_about_intervals_and_draws_have_the_numbers_of_the_code():
    said = {claim["id"]: " ".join((claim["estimand"], claim["interval"], claim.get("amended", ""))) for claim in CLAIMS}
    assert FEWEST == 5 and LEVEL == 0.95
    assert all("fewer than five" in text for text in said.values() if "Bonett" in text)
    assert all(f"{DRAWS:,} bootstrap draws" in said[claim] for claim in ("C10a", "C10c", "C10d", "C10e"))
    assert f"{RATIO_DRAWS:,} bootstrap draws" in said["C10f"]


def without(claim, *path):
    *parents, last = path
    for name in parents:
        claim = claim[name]
    del claim[last]


def replaced(claim, value, *path):
    *parents, last = path
    for name in parents:
        claim = claim[name]
    claim[last] = value


BLOCK = ("population", "blocks", 0)
MISTAKES = {
    "claim C1 has no field 'thresholds'": (without, "thresholds"),
    "claim C1, thresholds has no field 'alpha'": (without, "thresholds", "alpha"),
    "claim C1: unknown field 'threshold'": (replaced, {}, "threshold"),
    "thresholds: unknown field 'sesio'; nearest: sesoi": (replaced, 5, "thresholds", "sesio"),
    "thresholds, sesoi: 'five' is not a number": (replaced, "five", "thresholds", "sesoi"),
    "thresholds, sesoi: True is not a number": (replaced, True, "thresholds", "sesoi"),
    "thresholds, sesoi: 0 is not above 0": (replaced, 0, "thresholds", "sesoi"),
    "thresholds, alpha: 5 is not between 0 and 1": (replaced, 5, "thresholds", "alpha"),
    "thresholds, unit: 'logits' is not one of d_z, points": (replaced, "logits", "thresholds", "unit"),
    "thresholds, rule: 'effects' is not one of effect, limits": (replaced, "effects", "thresholds", "rule"),
    "blocks, entry 1, model: unknown model 'mobileone'": (replaced, "mobileone", *BLOCK, "model"),
    "blocks, entry 1, n: '500' is not a whole number": (replaced, "500", *BLOCK, "n"),
    "contrast: unknown field 'points'": (replaced, 5, "contrast", "points"),
    "controls: 'none' is not a list": (replaced, "none", "controls"),
    "tier, resnet50_v1: 'same' is not one of reproduction": (replaced, "same", "tier", "resnet50_v1"),
    "quote is empty": (replaced, "", "quote"),
    "whose: 'theirs' is not one of paper, ours": (replaced, "theirs", "whose"),
    "readings, entry 1 has no field 'contrast'": (replaced, [{"name": "another"}], "readings"),
    "readings, entry 1, contrast: unknown field 'objective'": (
        replaced,
        [{"name": "another", "contrast": {"objective": "norm"}}],
        "readings",
    ),
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_mistake_in_a_claim_is_one_sentence(sentence):
    claim = copy.deepcopy(next(claim for claim in CLAIMS if claim["id"] == "C1"))
    change, *arguments = MISTAKES[sentence]
    change(claim, *arguments)
    with pytest.raises(CluscamError) as error:
        check_claim(claim)
    assert str(error.value).startswith("analysis/paper/claims.yaml, claim C1") and sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ({"about": 1}, "unknown field 'about'; known: at_least"),
        ({"at_most": 1, "below": 2}, "are 2 limits; give one"),
        ({}, "{} is not"),
    ],
)
def test_a_limit_of_another_kind_is_refused(limit, sentence):
    claim = copy.deepcopy(next(claim for claim in CLAIMS if claim["id"] == "C11a"))
    claim["thresholds"]["supported"] = limit
    with pytest.raises(CluscamError, match="C11a, thresholds, supported"):
        check_claim(claim)


def test_what_is_no_claim_is_one_sentence():
    with pytest.raises(CluscamError, match="claim that is no table of fields: None is not fields"):
        check_claim(None)
