"""The predictions of the fifth network: their file, and that the plan runs what they speak of."""

import hashlib

import pytest
import yaml

from analysis.judging.rules import NOT_RUN, NOT_TESTED, WORDS
from analysis.paper.claims import all_claims, check_claim
from analysis.paper.predictions import FILE, all_predictions, claim_about
from analysis.run.parameters import profile_parameters
from analysis.studies.mask_sources import SEEDED
from analysis.studies.registry import find_study
from analysis.studies.weightings import settings_of
from cluscam_lite import load_dataset
from cluscam_lite.errors import CluscamError

FOUND = [word for word in WORDS if word not in (NOT_RUN, NOT_TESTED)]
PREDICTED = all_predictions(FOUND)
CLAIMS = {claim["id"]: claim for claim in all_claims()}


def test_every_prediction_can_fail_and_is_of_a_claim_as_it_stands():
    for prediction in PREDICTED["predictions"]:
        assert 0 < len(prediction["words"]) < len(FOUND)
        mine = claim_about(PREDICTED, prediction, CLAIMS[prediction["claim"]])
        check_claim(mine)
        for field in ("thresholds", "contrast", "study"):
            assert mine[field] == CLAIMS[prediction["claim"]][field]
        (block,) = mine["population"]["blocks"]
        assert (block["model"], block["layer"], block["n"]) == ("efficientnet_lite0", "paper", prediction["n"])


@pytest.mark.parametrize("prediction", PREDICTED["predictions"], ids=lambda prediction: prediction["claim"])
def test_the_plan_runs_what_is_predicted(prediction):
    claim = CLAIMS[prediction["claim"]]
    study = find_study(claim["study"])
    plan = study.plan(profile_parameters("confirmation"))
    assert plan == study.planned("confirmation") != study.planned("reference")
    assert (claim["population"]["dataset"], claim["population"]["part"]) == (plan.dataset, plan.part)
    where = (PREDICTED["network"], PREDICTED["layer"])
    assert {(block.model, block.layer) for block in plan.blocks} == {where}
    contrast = claim["contrast"]
    if claim["study"] == "ablation":
        planned = {(block.source, block.seed): block.n_images for block in plan.blocks}
        for source, setting in (contrast["first"], contrast["second"]):
            assert setting in {s.name for s in settings_of(50, 0.4078)}
            seeds = contrast["seeds"] if source in SEEDED else [0]
            assert all(planned[source, seed] >= prediction["n"] for seed in seeds)
    elif claim["study"] == "logits":
        assert [block.n_images for block in plan.blocks] == [prediction["n"]]
    else:
        names = {contrast[key] for key in ("method", "against", "of", "to") if key in contrast} - {"passes"}
        planned = {block.method: block.n_images for block in plan.blocks}
        assert all(planned[name] >= prediction["n"] for name in names)


@pytest.mark.parametrize("prediction", PREDICTED["predictions"], ids=lambda prediction: prediction["claim"])
def test_the_images_are_the_first_of_the_part(prediction, data_root):
    part = CLAIMS[prediction["claim"]]["population"]["part"]
    ids = load_dataset("ilsvrc", data_root=data_root, part=part, n=prediction["n"]).ids
    assert hashlib.sha256("\n".join(ids).encode()).hexdigest() == prediction["ids"]


MISTAKES = {
    "unknown claim 'C66'; nearest: C6": lambda file: file["predictions"][0].update(claim="C66"),
    "unknown word 'suported'; nearest: supported": lambda file: file["predictions"][0].update(words=["suported"]),
    "prediction of C1: it is there twice": lambda file: file["predictions"][1].update(claim="C1"),
    "unknown field 'nn'": lambda file: file["predictions"][0].update(nn=3),
    "has no field 'because'": lambda file: file["predictions"][0].pop("because"),
    "'up' is not one of ahead, behind, none": lambda file: file["predictions"][0].update(direction="up"),
    "unknown layer 'papr'; nearest: paper": lambda file: file.update(layer="papr"),
    "unknown model 'efficientnet_lite'; nearest: efficientnet_lite0": lambda f: f.update(network="efficientnet_lite"),
    "words is empty": lambda file: file["predictions"][0].update(words=[]),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_one_sentence(message, tmp_path):
    file = yaml.safe_load(FILE.read_text())
    MISTAKES[message](file)
    path = tmp_path / "predictions.yaml"
    path.write_text(yaml.safe_dump(file))
    with pytest.raises(CluscamError) as caught:
        all_predictions(FOUND, path)
    assert message in str(caught.value) and "\n" not in str(caught.value)
