"""Plans as files: what they give is what they say, and a mistake in one is a sentence that names its place."""

import shutil

import pytest
import yaml

from analysis.run import parameters
from analysis.run.parameters import profile_parameters
from analysis.studies import rows as engine_rows
from analysis.studies.plans import file
from analysis.studies.plans.profile import profile_name, renamed
from analysis.studies.registry import REGISTRY, find_study
from analysis.studies.rows import study_rows
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.methods import METHODS

PLANNED = sorted({*REGISTRY} - {"toy"})


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A copy of the plans; ``edited(study, old, new)`` changes a text in one of them."""
    shutil.copytree(file.FOLDER, tmp_path / "plans")
    monkeypatch.setattr(file, "FOLDER", tmp_path / "plans")

    def edit(study, old, new):
        path = tmp_path / "plans" / f"{study}.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit


@pytest.mark.parametrize("study", PLANNED)
@pytest.mark.parametrize("profile", ["smoke", "embedded", "reference"])
def test_every_study_has_the_plans_of_all_profiles(study, profile):
    plan = find_study(study).planned(profile)
    assert plan.blocks and plan == find_study(study).plan(profile_parameters(profile))


def test_groups_name_methods_that_exist():
    groups = file.groups_of_methods()
    assert {*groups} == {"cheap", "dear"} and not {*groups["cheap"]} & {*groups["dear"]}
    assert {*groups["cheap"], *groups["dear"], "reciprocam"} == {*METHODS}


def test_an_edited_line_is_what_runs(edited):
    def images():
        plan = find_study("faithfulness").planned("reference")
        mine = [b for b in plan.blocks if (b.model, b.layer) == ("mobileone_s0", "paper") and not b.variant]
        return {b.method: b.n_images for b in mine}

    before = images()
    assert before["gradcam"] == 500
    edited("faithfulness", "methods: [cheap, reciprocam], n_images: 500", "methods: [cheap, reciprocam], "
           "n_images: {cheap: 500, gradcam: 40, reciprocam: 500}")  # fmt: skip
    assert images() == before | {"gradcam": 40} and list(images()) == list(before)


SMOKE = "{model: scene_cnn, layer: paper, methods: [cluscam, gradcam, donor, fakecam], n_images: 2}"
MISTAKES = [
    ("layer: paper", "layr: paper", "unknown key 'layr'; nearest: layer"),
    ("layer: paper, ", "", "'layer' is missing"),
    ("layer: paper", "layer: conv9", "unknown layer 'conv9'"),
    ("layer: paper", "layer: papr", "unknown layer 'papr'; nearest: paper"),
    ("model: scene_cnn", "model: scene_cmn", "unknown model 'scene_cmn'; nearest: scene_cnn"),
    ("model: scene_cnn", "model: 3", "'model' is 3; expected a name"),
    ("gradcam", "gradcamm", "unknown method 'gradcamm'; nearest: gradcam"),
    ("n_images: 2", "n_images: 0", "'n_images' is 0; expected a whole number of at least 1"),
    ("n_images: 2", "n_images: two", "'n_images' is 'two'; expected a whole number"),
    ("n_images: 2", "n_images: true", "'n_images' is True; expected a whole number"),
    ("n_images: 2", "n_images: {gradcam: 2}", "'n_images' says nothing of cluscam"),
    ("n_images: 2", "n_images: {cheap: 2, gradcan: 3}", "unknown name in 'n_images' 'gradcan'"),
    ("n_images: 2", "n_images: 2, settings: {fil: black}", "unknown setting of cluscam 'fil'"),
    ("n_images: 2", "n_images: 2, preprocess: squash", "unknown preprocessing 'squash'"),
    (SMOKE, "scene_cnn", "a block is 'scene_cnn'; expected keys and values"),
]


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES, ids=[words for *_, words in MISTAKES])
def test_a_mistake_in_a_block_is_a_sentence_with_its_line(edited, old, new, words):
    edited("faithfulness", SMOKE, SMOKE.replace(old, new, 1))
    with pytest.raises(CluscamError) as error:
        find_study("faithfulness").planned("smoke")
    message = str(error.value)
    place = f"{file.FOLDER / 'faithfulness.yaml'}, line "
    assert message.startswith(words) and place in message and message.count("\n") == 0
    number = int(message.rsplit("line ", 1)[1].rstrip(")"))
    assert new in (file.FOLDER / "faithfulness.yaml").read_text().splitlines()[number - 1]
    assert find_study("faithfulness").planned("embedded")  # the other plans are not hurt


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("\nsmoke:", "\nsmok:", r"unknown key 'smok'; nearest: smoke \(.*faithfulness.yaml\)"),
        ("dataset: scenes", "dataset: scene", r"unknown data set 'scene'; .*nearest: scenes.*faithfulness.yaml, smoke"),
        ("dataset: scenes", "data: scenes", r"unknown key 'data'.*\(.*faithfulness.yaml, smoke"),
        ("  part: test\n", "", r"'part' is missing; add it \(.*faithfulness.yaml, smoke"),
        ("part: test\n", "part: 3\n", r"'part' is 3; expected text"),
        ("\nsmoke:", "\nsmoke: 3\nx:", r"faithfulness.yaml must have named sections"),
        ("\nsmoke:", "\nsmoke: [", r"faithfulness.yaml is not valid YAML at line \d+"),
    ],
)
def test_a_mistake_in_a_section_is_a_sentence_with_its_place(edited, old, new, words):
    edited("faithfulness", old, new)
    with pytest.raises(CluscamError, match=words):
        find_study("faithfulness").planned("smoke")


@pytest.mark.parametrize(
    ("study", "old", "new", "words"),
    [
        ("ablation", "[kmeans, random, donor]", "[kmeens, random, donor]", "unknown source of masks 'kmeens'"),
        ("hyperparameters", "[2, 4, 6, 8]", "[2, 4]", "at least 3 sizes"),
        ("hyperparameters", "[2, 4, 6, 8]", "[2, 4, six]", "'grid' is 'six'; expected a whole number"),
        ("hyperparameters", "n_images: 3", "n_images: 3, methods: cheap", "unknown key 'methods'"),
        ("runtime", "{n_clusters: 5}", "{n_cluster: 5}", "unknown setting of a timing 'n_cluster'"),
        ("groundtruth", "dataset: badges", "dataset: badge", "unknown data set 'badge'"),
        ("alzheimer", "n_images: 4}", "n_images: 4, variant: tuned}", "unknown variant 'tuned'"),
        ("sanity", "n_images: 2}", "n_images: 2, images_per_cell: 3}", "unknown key 'images_per_cell'"),
    ],
)
def test_what_a_study_cannot_run_is_said(edited, study, old, new, words):
    edited(study, old, new)
    with pytest.raises(CluscamError, match=words):
        find_study(study).planned("smoke")


def test_without_the_repositorys_plans_it_is_said_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "FOLDER", tmp_path)
    with pytest.raises(CluscamError, match="there is no file .*logits.yaml; run this from a clone of the repository"):
        find_study("logits").planned("smoke")


# whose a profile is


def test_a_copy_with_other_settings_is_the_readers_own(tmp_path):
    embedded = profile_parameters("embedded")
    copy = tmp_path / "mine.yaml"
    copy.write_text(yaml.safe_dump(embedded | {"models": ["scene_vit"], "n_images": 2}))
    mine = profile_parameters(copy)
    assert mine["profile"] == "embedded" and profile_name(mine) == "own"
    study = find_study("faithfulness")
    assert study.plan(mine) == study.plan(mine | {"profile": "own"}) != study.planned("embedded")
    assert {(b.model, b.n_images) for b in study.plan(mine).blocks} == {("scene_vit", 2)}


@pytest.mark.parametrize("name", ["smoke", "embedded", "reference"])
def test_what_makes_a_profile_the_projects(name):
    theirs = profile_parameters(name)
    assert profile_name(theirs) == profile_name({"profile": name}) == name
    assert profile_name(theirs | {"data_root": "/elsewhere"}) == name  # a place changes no row
    for change in ({"n_images": 7}, {"models": ["scene_cnn"]}, {"part": "train"}, {"seed": 1}, {"methods": ["edges"]}):
        assert profile_name(theirs | change) == "own"
    assert profile_name({"profile": "mine"}) == "mine" and profile_name({"dataset": "scenes"}) == "own"


def test_rows_of_a_copy_do_not_go_to_the_folder_of_the_profile(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_rows, "ROOT", tmp_path)
    copy = profile_parameters("embedded") | {"models": ["scene_cnn"], "n_images": 1}
    rows = study_rows(find_study("temperature"), copy)
    assert set(rows["model"]) == {"scene_cnn"} and rows["image_id"].nunique() == 1
    assert [path.name for path in (tmp_path / "out" / "studies").iterdir()] == ["own"]
    other = study_rows(find_study("temperature"), copy | {"seed": 1})  # in a folder of its own
    assert len(list((tmp_path / "out" / "studies" / "own").glob("*/temperature/manifest.json"))) == 2
    assert not other.equals(rows) and study_rows(find_study("temperature"), copy).equals(rows)


def test_the_folder_of_a_file_is_its_name_unless_the_project_has_it():
    theirs = profile_parameters("embedded")
    mine = theirs | {"n_images": 1}
    assert renamed(theirs, "embedded") == (theirs, "embedded")
    assert renamed(theirs, "copy.yaml") == (theirs, "copy")
    assert renamed(mine, "mine.yaml") == (mine | {"profile": "own"}, "mine")
    assert renamed(mine, "elsewhere/embedded.yaml") == (mine | {"profile": "own"}, "own")
    assert renamed(mine | {"profile": "mine"}, "reference.yaml")[1] == "own"


def test_a_new_profile_of_the_project_has_a_section_of_its_own(edited, tmp_path, monkeypatch):
    section = yaml.safe_load((file.FOLDER / "temperature.yaml").read_text())["smoke"]
    section["blocks"][0]["n_images"] = 5
    edited("temperature", "\nsmoke:", f"\nquick: {section}\n\nsmoke:")
    study = find_study("temperature")
    with pytest.raises(UnknownName, match="unknown key 'quick'"):
        study.planned("smoke")
    monkeypatch.setattr(parameters, "PROFILES", shutil.copytree(parameters.PROFILES, tmp_path / "profiles"))
    quick = parameters.profile_parameters("smoke") | {"profile": "quick"}
    (tmp_path / "profiles" / "quick.yaml").write_text(yaml.safe_dump(quick))
    assert study.plan(quick).blocks[0].n_images == 5 != study.plan(quick | {"n_images": 3}).blocks[0].n_images
