"""What the paper's own networks will be judged on: fixed, complete, and judged as the rules say when rows come."""

import hashlib
import math

import numpy as np
import pandas as pd
import pytest

from analysis.judging.authors import per_image
from analysis.judging.ledger import all_claims, claim_table, judged
from analysis.judging.reproduction.judged import reproduced
from analysis.judging.reproduction.magnitudes import DIFFERENCE, magnitudes, printed_value, table_1
from analysis.judging.rules import NOT_RUN, REVERSED, SUPPORTED
from analysis.paper import reproduction as fixed
from analysis.paper.claims import check_claim
from analysis.paper.reproduction import networks_of, reproduction, reproduction_claims
from analysis.studies.registry import REGISTRY
from cluscam_lite import get_spec
from cluscam_lite.datasets.ilsvrc.splits import drawn_ids
from cluscam_lite.errors import CluscamError

CLAIMS = {claim["id"]: claim for claim in all_claims()}
WITH = [claim for claim in CLAIMS.values() if "reproduction" in claim]


def sha(ids):
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def test_every_claim_of_a_study_of_the_grid_has_its_reproduction():
    from analysis.studies.cost.work import planned

    grid = {one.name for one in planned({"profile": "paper"}, [*{c["study"] for c in WITH}])}
    assert grid <= {*REGISTRY}
    assert {claim["id"] for claim in WITH} == {id for id, claim in CLAIMS.items() if claim["study"] in grid}


@pytest.mark.parametrize("claim", WITH, ids=lambda claim: claim["id"])
def test_a_reproduction_is_a_claim_like_any_other(claim):
    for one in reproduction_claims(claim):
        check_claim(one)
        assert {*one["tier"].values()} == {"reproduction"} and one["thresholds"] == claim["thresholds"]
        assert len(one["population"]["blocks"]) in (6, 12) and "untested" not in one
        for block in one["population"]["blocks"]:
            assert block["layer"] in get_spec(block["model"]).layers


@pytest.mark.parametrize("name", ["paper", "tune"])
def test_the_images_are_named_by_their_hashes(name):
    images = reproduction()["images"][name]
    assert all(sha(drawn_ids(images["part"])[:n]) == found for n, found in images["ids"].items())


def test_the_slices_are_those_of_the_reference_run():
    known = {(b["n"], b["ids"]) for claim in CLAIMS.values() for b in claim["population"]["blocks"] if "ids" in b}
    assert {*reproduction()["images"]["slices"]["ids"].items()} <= known


def test_tolerances_hold_the_sampling_error_and_what_the_logs_show():
    logs = per_image()
    logs = logs[logs["K"] == "30"].groupby("workbook")[["AD", "IC"]].mean()
    cold, warm = logs.loc["results_T-0.5-softmax-drop50_50img.xlsx"], logs.loc["results_50img_50drop.xlsx"]
    measures = reproduction()["measures"]
    assert measures["drop"]["settings"] == pytest.approx(abs(cold["AD"] - warm["AD"]), abs=0.05)
    assert measures["increase"]["settings"] == pytest.approx(abs(cold["IC"] - warm["IC"]), abs=0.05)
    for name, measure in measures.items():
        if name == "logit":
            continue
        sampling = 1.96 * measure["sd"] * math.sqrt(2 / 2000)
        whole = sampling + (measure["settings"] if measure["settings"] is not None else 1)
        assert measure["tolerance"] == math.ceil(whole), name
    logit = measures["logit"]
    assert logit["tolerance"] == pytest.approx(1.96 * logit["sd"] * math.sqrt(2 / 2000) + logit["settings"], abs=0.01)


def faithful(ids, networks, first, second, seed=0, measure="increase"):
    """Rows of `faithfulness` in which each method has a share of images whose confidence rises."""
    rng, rows = np.random.default_rng(seed), []
    for network in networks:
        for method, share in ((first[0], first[1][network]), (second[0], second[1][network])):
            values = np.zeros(len(ids))
            values[rng.permutation(len(ids))[: round(share / 100 * len(ids))]] = 100.0
            rows.append(pd.DataFrame({"image_id": ids, "model": network, "method": method, measure: values}))
    about = {"layer": "paper", "form": "raw", "fill": "mean", "variant": "", "target": 1, "label": 1, "reason": ""}
    found = pd.concat(rows, ignore_index=True).assign(drop=10.0, **about)
    return found.assign(study="faithfulness", dataset="ilsvrc", part="paper", seed=0)


def printed(networks, method, measure="increase"):
    return {network: printed_value(network, method, measure) for network in networks}


@pytest.fixture(scope="module")
def as_printed():
    """Rows that have the shares of Table 5, on the 2,000 images."""
    networks = networks_of(CLAIMS["C1"])
    against = CLAIMS["C1"]["contrast"]["against"]
    return faithful(
        [*drawn_ids("paper")],
        networks,
        ("cluscam", printed(networks, "cluscam")),
        (against, printed(networks, against)),
    )


def test_rows_with_the_printed_numbers_have_the_printed_magnitudes(as_printed):
    claim = CLAIMS["C1"]
    table = claim_table(lambda _: as_printed, claim)
    assert {*table["tier"]} == {"reproduction"} and len(table) == 6 and (table["n"] == 2000).all()
    numbers = magnitudes(as_printed, claim, judged)
    assert len(numbers) == 18 and {*numbers["of"]} == {DIFFERENCE, "cluscam", claim["contrast"]["against"]}
    ahead = numbers[numbers["of"] == DIFFERENCE].set_index("model")["printed"]
    said = table.set_index("model")["verdict"] == SUPPORTED
    assert (said == (ahead >= claim["thresholds"]["sesoi"])).all() and 0 < said.sum() < 6
    alone = numbers[numbers["of"] != DIFFERENCE]
    assert (alone["verdict"] == SUPPORTED).all()
    assert np.allclose(alone["mean"], alone["printed"], atol=0.05)


def test_numbers_far_from_the_printed_ones_are_not_those(as_printed):
    networks = networks_of(CLAIMS["C1"])
    lower = {name: value - 20 for name, value in printed(networks, "cluscam").items()}
    against = CLAIMS["C1"]["contrast"]["against"]
    rows = faithful([*drawn_ids("paper")], networks, ("cluscam", lower), (against, printed(networks, against)))
    numbers = magnitudes(rows, CLAIMS["C1"], judged)
    assert (numbers[numbers["of"] == "cluscam"]["verdict"] == REVERSED).all()
    assert (numbers[numbers["of"] == against]["verdict"] == SUPPORTED).all()


def test_the_largest_size_to_which_all_networks_have_run_decides(as_printed):
    ids = [*drawn_ids("paper")]
    part = as_printed[as_printed["image_id"].isin(ids[:500])]
    one, table = reproduced(part, CLAIMS["C1"], judged)
    assert {block["n"] for block in one["population"]["blocks"]} == {500} and (table["n"] == 500).all()
    few = part[part["image_id"].isin(ids[:300])]
    assert {b["n"] for b in reproduced(few, CLAIMS["C1"], judged)[0]["population"]["blocks"]} == {100}
    one_missing = few[few["model"] != "resnet18"]
    assert (reproduced(one_missing, CLAIMS["C1"], judged)[1]["verdict"] == NOT_RUN).all()


def test_rows_of_other_images_are_not_judged(as_printed):
    other = as_printed.assign(image_id=as_printed["image_id"] + "x")
    table = claim_table(lambda _: other, CLAIMS["C1"])
    assert (table["verdict"] == NOT_RUN).all() and table["reason"].str.contains("other images").all()


def test_without_the_papers_networks_the_row_stays_as_it_was():
    rows = pd.DataFrame({"model": ["random:resnet18@64"], "image_id": ["a"]})
    assert reproduced(rows, CLAIMS["C1"], judged) is None
    assert reproduced(rows.iloc[:0], CLAIMS["C1"], judged) is None
    stability = next(claim for claim in CLAIMS.values() if claim["study"] == "stability")
    assert networks_of(stability) == [] and reproduction_claims(stability) == []


def test_the_papers_tables_are_found_by_network():
    assert printed_value("resnet18", "cluscam", "increase") == 50.50
    assert printed_value("vit_b_16-alzheimer_mri-224-s0", "opticam", "drop") == 2.73
    assert printed_value("mobileone_s0", "cluscam", "drop") is None
    assert printed_value("resnet18", "edges", "drop") is None and printed_value("resnet18", "cluscam", "rho") is None
    assert table_1() == 1.31


def test_a_size_without_images_is_one_sentence():
    claim = CLAIMS["C1"] | {"reproduction": CLAIMS["C1"]["reproduction"] | {"n": [123]}}
    with pytest.raises(CluscamError, match=r"reproduction.yaml does not name the first 123 images of 'paper'"):
        reproduction_claims(claim)
    wrong = CLAIMS["C1"] | {"reproduction": CLAIMS["C1"]["reproduction"] | {"networks": ["cnns"]}}
    with pytest.raises(CluscamError, match="group of networks"):
        networks_of(wrong)
    assert fixed.TIER == "reproduction"
