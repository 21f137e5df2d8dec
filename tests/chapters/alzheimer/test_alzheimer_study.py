"""The studies of slices: plans, donors of another head, measures against a known mask, class means, sanity."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from same_rows import same_rows

from analysis.chapters.alzheimer import study as alzheimer
from analysis.chapters.alzheimer.maps.class_maps import FEWEST, SIDE, class_means, decoded, mean_map, with_class_maps
from analysis.chapters.alzheimer.maps.ground_mask import mask_measures, masks_of_image
from analysis.chapters.alzheimer.maps.randomisation import entropy, likeness, randomised
from analysis.chapters.alzheimer.networks import tuning
from analysis.chapters.alzheimer.networks.trained import NotTrained, card, command, network, weights_of
from analysis.chapters.alzheimer.networks.training.recipe import recipe_of
from analysis.chapters.alzheimer.networks.tuning import IMAGES, RULE_OF, TUNED, tuned_settings
from analysis.chapters.alzheimer.plan import BY_COMPONENTS, RESNET, VIT
from analysis.chapters.alzheimer.study import lenders_of
from analysis.engine import read, run
from analysis.studies.explaining import explainer_of
from analysis.studies.registry import find_study
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError

STUDY, SANITY = find_study("alzheimer"), find_study("sanity")
SMOKE = {"profile": "smoke"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alzheimer")
    run(STUDY, SMOKE, folder, quiet=True)
    return read(STUDY, folder)


# the study


def test_rows_of_the_smallest_run(rows):
    assert set(rows["method"]) == {"cluscam", "ones", "edges"} and rows["image_id"].nunique() == 4
    assert (rows["component"] == -1).all() and (rows["reason"] == "").all()
    ones = rows[(rows["method"] == "ones") & (rows["form"] == "raw")]
    assert np.allclose(ones["auc_mask"], 50) and np.allclose(ones["ep_mask"], ones["share_mask"], atol=1e-4)
    assert rows[rows["form"] != "raw"]["auc_mask"].isna().all()
    for _, mine in rows.groupby("method"):
        assert mine["class_images"].sum() == 4  # each phantom is in the mean of one class
        assert all(mean.shape == (SIDE, SIDE) for mean, _ in class_means(mine).values())


def test_the_same_cell_gives_the_same_rows():
    (cell, *_) = STUDY.cells(SMOKE)
    one, other = (STUDY.run(cell, lambda n: None) for _ in range(2))
    assert same_rows(one, other)


def test_plans():
    assert {b.model for b in STUDY.planned("reference").blocks} >= {RESNET, VIT, BY_COMPONENTS}
    own = {"profile": "own", "dataset": "phantoms", "models": ["phantom_cnn"], "n_images": 3, "methods": ["cluscam"]}
    assert [(b.model, b.method, b.n_images) for b in STUDY.plan(own).blocks] == [("phantom_cnn", "cluscam", 3)]
    with pytest.raises(CluscamError, match="scene_cnn does not know the classes of phantoms"):
        STUDY.plan(own | {"models": ["scene_cnn"]})
    with pytest.raises(CluscamError, match="phantom_cnn does not know the classes of alzheimer_mri"):
        STUDY.plan(own | {"dataset": "alzheimer_mri"})
    with pytest.raises(CluscamError, match="runs on phantoms and alzheimer_mri, not on scenes"):
        STUDY.plan(own | {"dataset": "scenes"})


def test_a_network_is_explained_on_the_split_it_was_trained_on():
    assert alzheimer.split_of(BY_COMPONENTS) == "components" and alzheimer.split_of(VIT) == "paper"
    assert alzheimer.split_of("phantom_cnn") == "paper"


def test_what_has_not_been_trained_is_said_with_its_command(monkeypatch, tmp_path, no_data_root):
    monkeypatch.setattr("analysis.chapters.alzheimer.networks.trained.TRAINED", tmp_path)
    name = VIT.replace("-s0", "-s7")
    with pytest.raises(CluscamError, match="has not been trained here; train it with `cluscam train alzheimer --model"):
        network(name)
    assert command(BY_COMPONENTS).endswith(f"--split components --out out/train/{BY_COMPONENTS}")
    assert command(RESNET).endswith(f"--start scratch --epochs 15 --out out/train/{RESNET}")  # as its card says
    assert (
        recipe_of(name).seed == 7
        and recipe_of("resnet18") is None
        and recipe_of("nothing-alzheimer_mri-128-s0") is None
    )
    assert get_spec(name).classes == get_spec(VIT).classes and get_spec(name).title == "ViT-Tiny/16 (seed 7)"


def test_cells_are_planned_by_the_cards_before_training_and_never_run_on_other_weights(
    monkeypatch, tmp_path, no_data_root
):
    monkeypatch.setattr("analysis.chapters.alzheimer.networks.trained.TRAINED", tmp_path)
    assert weights_of(VIT) == card(VIT)["sha256"] and weights_of("phantom_cnn") == network("phantom_cnn").sha256
    with pytest.raises(NotTrained):
        weights_of(VIT.replace("-s0", "-s7"))  # no card
    for study in (STUDY, SANITY):
        cell = study.cells(SMOKE)[0]
        other = dataclasses.replace(cell, settings=dict(cell.settings) | {"weights": "0" * 64})
        with pytest.raises(CluscamError, match=r"has other weights here .* than the study was planned with"):
            study.run(other, lambda n: None)


def test_masks_are_lent_by_another_head(monkeypatch):
    heads = {"a": 1, "b": 1, "c": 2, "x": 1, "y": 1, "z": 2}
    monkeypatch.setattr(alzheimer, "component_of", lambda dataset, image_id: heads[image_id])
    assert lenders_of("alzheimer_mri", ["a", "b", "c"], ["x", "y", "z"]) == {"a": "z", "b": "z", "c": "x"}
    monkeypatch.setattr(alzheimer, "component_of", lambda dataset, image_id: -1)
    assert lenders_of("phantoms", ["a", "b"], ["x"]) == {"a": "x", "b": "x"}


# against the mask


def test_mask_measures_by_hand():
    mask = np.array([[True, False], [False, False]])
    head = np.array([[True, True], [True, False]])
    found = mask_measures(torch.tensor([[0.5, 0.2], [0.5, 0.8]]), mask, head)
    assert found["ep_mask"] == pytest.approx(25) and found["share_mask"] == 25
    assert found["auc_mask"] == 75  # brighter than one of two in the head, equal to the other
    assert mask_measures(torch.zeros(2, 2), mask, head) == {"ep_mask": 0, "share_mask": 25, "auc_mask": 50}
    assert mask_measures(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), mask, head)["auc_mask"] == 100


def test_auc_against_sklearn():
    from sklearn.metrics import roc_auc_score

    mask, head = masks_of_image("phantom-test-0-00003")
    saliency = torch.rand(128, 128, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    expected = roc_auc_score(mask[head], saliency.numpy()[head])
    assert mask_measures(saliency, mask, head)["auc_mask"] == pytest.approx(100 * expected)


# class means


def test_means_of_several_cells_are_means_of_their_images():
    maps = torch.rand(12, 32, 32, generator=torch.Generator().manual_seed(1))
    cells = []
    for at in ((0, 1, 2, 3, 4, 5, 6), (7, 8, 9, 10, 11)):
        part = pd.DataFrame({"image_id": [f"{i}" for i in at], "target": 2})
        cells.append(with_class_maps(part, {f"{i}": (2, maps[i]) for i in at}, FEWEST))
    ((k, (mean, n)),) = class_means(pd.concat(cells)).items()
    expected = torch.nn.functional.avg_pool2d(maps.mean(0)[None, None], 2)[0, 0]
    assert k == 2 and n == 12 and np.abs(mean - expected.numpy()).max() < 1 / 255


def test_no_mean_of_few_slices_is_kept():
    part = pd.DataFrame({"image_id": list("abcd"), "target": 1})
    found = with_class_maps(part, {i: (1, torch.ones(16, 16)) for i in "abcd"}, FEWEST)
    assert (found["class_map"] == "").all() and class_means(found) == {}
    assert decoded(mean_map([torch.full((64, 64), 0.2)])) == pytest.approx(np.full((16, 16), 51 / 255))


# sanity


def test_parameters_are_drawn_anew_and_the_network_stays():
    trained = network("phantom_cnn").module
    before = {key: value.clone() for key, value in trained.state_dict().items()}
    state = torch.get_rng_state()
    fresh, again, other = (randomised(trained, "all", seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[key]) for key, value in trained.state_dict().items())
    weights = [model.stage2.conv1.weight for model in (trained, fresh, again, other)]
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[0], weights[1]) and not torch.equal(weights[1], weights[3])
    head = randomised(trained, "classifier", 0)
    assert torch.equal(head.stage4.conv2.weight, trained.stage4.conv2.weight)
    assert not torch.equal(head.fc.weight, trained.fc.weight)


def test_tokens_and_positions_are_drawn_anew_too():
    vit = get_spec("phantom_vit").build()
    fresh = randomised(vit, "all", 0)
    for name in ("cls_token", "pos_embed"):
        one, other = getattr(vit, name).detach(), getattr(fresh, name).detach()
        assert not torch.equal(one, other) and float(one.std() / other.std()) == pytest.approx(1, abs=0.3)


def test_likeness_by_hand():
    ramp = torch.linspace(0, 1, 100).reshape(10, 10)
    assert likeness(ramp, ramp)["rho"] == pytest.approx(1) and likeness(ramp, 1 - ramp)["rho"] == pytest.approx(-1)
    assert np.isnan(likeness(ramp, torch.ones(10, 10))["rho"])
    halves = (ramp > 0.5).float()
    assert entropy(halves.numpy().ravel()) == pytest.approx(np.log(2)) and entropy(np.ones(5)) == 0
    assert likeness(halves, ramp)["entropy_rise"] > 0
    assert np.isnan(likeness(torch.ones(4, 4), halves[:4, :4])["entropy_rise"])


def test_the_sanity_study(tmp_path):
    run(SANITY, SMOKE, tmp_path, quiet=True)
    found = read(SANITY, tmp_path)
    assert (found["component"] == -1).all()  # a phantom is alone
    edges = found[found["method"] == "edges"]
    assert np.allclose(edges["rho"], 1) and np.allclose(edges["entropy_rise"], 0)  # it never asked the network
    cluscam = found[found["method"] == "cluscam"]
    assert set(cluscam["extent"]) == {"classifier", "all"} and (cluscam["rho"] < 0.999).all()


# K and r of a network's own


def test_tuned_clusters_go_to_the_method():
    cells = {
        c.variant: c for c in STUDY.cells({"profile": "embedded"}) if c.model == "phantom_cnn" and c.method == "cluscam"
    }
    assert set(cells) == {"", *RULE_OF}
    record = json.loads((TUNED / "phantom_cnn-paper.json").read_text(encoding="utf-8"))
    assert (record["part"], record["dataset"], record["images"]["n"]) == ("validation", "phantoms", IMAGES)
    for variant, rule in RULE_OF.items():
        settings, choice = cells[variant].settings, record["choices"][rule]
        assert (settings["n_clusters"], settings["drop_ratio"]) == (choice["n_clusters"], choice["drop_ratio"])
        assert settings["K"] == choice["n_clusters"] and settings["tau"] == pytest.approx(choice["temperature"])
        explainer = explainer_of(cells[variant], network("phantom_cnn"), None, cells[variant].images[0], None)
        assert explainer.n_clusters == choice["n_clusters"] and explainer.drop_ratio == choice["drop_ratio"]
        assert explainer.temperature == pytest.approx(choice["temperature"])
    assert "n_clusters" not in cells[""].settings


def test_what_has_not_been_tuned_is_said_with_its_command(monkeypatch, tmp_path):
    with pytest.raises(CluscamError, match="the layer paper have not been tuned; do it with `cluscam tune"):
        tuned_settings("phantom_vit", "paper", "tuned, argmax")
    assert "--dataset alzheimer_mri" in tuning.command(VIT, "last") and f"tuned/{VIT}-last.json" in tuning.command(
        VIT, "last"
    )
    record = json.loads((TUNED / "phantom_cnn-paper.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(tuning, "TUNED", tmp_path)
    record["model"]["weights"] = "other"
    (tmp_path / "phantom_cnn-paper.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(CluscamError, match="phantom_cnn with other weights"):
        tuned_settings("phantom_cnn", "paper", "tuned, argmax")


def test_a_run_of_ones_own_is_tuned_beside_its_weights(monkeypatch, tmp_path):
    monkeypatch.setattr(tuning, "folder_of", lambda name: tmp_path / "mine")
    assert tuning.places(VIT, "last")[0] == tmp_path / "mine" / "tuned-last.json"
    assert f"--model {tmp_path}/mine " in tuning.command(VIT, "last")
    monkeypatch.setattr(tuning, "TUNED", tmp_path)
    assert tuning.tuned_path(VIT, "last") is None
    reference = tmp_path / f"{VIT}-last.json"
    reference.touch()
    assert tuning.tuned_path(VIT, "last") == reference
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "tuned-last.json").touch()  # one's own goes before the reference run's
    assert tuning.tuned_path(VIT, "last") == tmp_path / "mine" / "tuned-last.json"
