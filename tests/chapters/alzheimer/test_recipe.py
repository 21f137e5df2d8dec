"""Recipes, measures, variations and the loss, against small cases worked out by hand."""

import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F

from analysis.__main__ import COMMANDS
from analysis.chapters.alzheimer.networks.training.augment import augment
from analysis.chapters.alzheimer.networks.training.epochs import balanced_loss, batches_of, class_weights
from analysis.chapters.alzheimer.networks.training.measures import calibration_error, measures
from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
from analysis.chapters.alzheimer.networks.training.run import parameter_groups, rate
from analysis.chapters.alzheimer.networks.training.slices import load_parts, shuffled, to_input
from cluscam_lite.cli import main
from cluscam_lite.errors import CluscamError


def test_names_say_what_differs():
    assert recipe_for("resnet18").name == "resnet18-alzheimer_mri-128-s0"
    name = recipe_for("vit_b_16", size=224, labels="shuffled", split="components", seed=2).name
    assert name == "vit_b_16-alzheimer_mri-224-shuffled-components-s2"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"model": "scene_cnn"}, "unknown network 'scene_cnn'"),
        ({"model": "resnet18", "size": 96}, "the size is 96 pixels; expected 128 or 224"),
        ({"model": "resnet18", "epochs": 0}, "epochs is 0; expected a whole number of at least 1"),
        ({"model": "resnet18", "labels": "shufled"}, "nearest: shuffled"),
        ({"model": "resnet18", "dataset": "phantoms", "split": "components"}, "have no components; leave out split"),
    ],
)
def test_bad_recipes(settings, sentence):
    with pytest.raises(CluscamError, match=sentence):
        recipe_for(**settings)


def test_learning_rates_by_family_and_start():
    assert recipe_for("resnet18").peak_rate(False) == 1e-3 > recipe_for("vit_b_16").peak_rate(True)
    assert recipe_for("resnet18", learning_rate=0.5).peak_rate(True) == 0.5
    rates = [rate(step, 100, 10) for step in range(100)]
    assert rates[0] == 0.1 and rates[9] == rates[10] == 1 and rates == sorted(rates[:10]) + sorted(rates[10:])[::-1]
    assert rates[55] == pytest.approx(0.5) and rates[-1] < 0.001


def test_weights_of_the_loss_by_hand():
    labels = torch.tensor([0, 0, 0, 1])
    weights = class_weights(labels, 3)  # 4 images, 2 classes that occur: 4 / (2 * 3), 4 / (2 * 1), 0
    assert weights.tolist() == pytest.approx([2 / 3, 2, 0])
    assert weights[labels].mean() == pytest.approx(1)
    logits = torch.tensor([[0.0, 0.0, -math.inf]] * 4)
    assert balanced_loss(logits, labels, weights) == pytest.approx(math.log(2))  # each image's loss is log 2
    even = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    balanced = balanced_loss(even, torch.tensor([0, 1, 1, 0]), class_weights(torch.tensor([0, 1, 1, 0]), 2))
    assert balanced == pytest.approx(F.cross_entropy(even, torch.tensor([0, 1, 1, 0])).item())


def test_measures_by_hand():
    probabilities = torch.tensor([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.3, 0.7, 0.0], [0.0, 0.0, 1.0]])
    found = measures(probabilities, torch.tensor([0, 1, 1, 0]), ("a", "b", "c"))
    assert found["images"] == 4 and found["accuracy"] == 50
    assert found["recall"] == {"a": 50, "b": 50, "c": None} and found["balanced_accuracy"] == 50
    assert found["confusion"] == [[1, 0, 1], [1, 1, 0], [0, 0, 0]] and found["saturated"] == 25
    # four bins with one image each: |1 - .9| + |0 - .6| + |1 - .7| + |0 - 1|
    assert found["ece"] == pytest.approx(100 * (0.1 + 0.6 + 0.3 + 1) / 4, abs=1e-4)
    assert found["mean_confidence"] == pytest.approx(80, abs=1e-4)


def test_calibration_of_a_calibrated_and_of_an_overconfident_classifier():
    right = torch.arange(100) < 75
    assert calibration_error(torch.full((100,), 0.75), right) == pytest.approx(0, abs=1e-6)
    assert calibration_error(torch.ones(100), right) == pytest.approx(0.25)


def test_batches_are_whole():
    assert [len(batch) for batch in batches_of(torch.arange(10), 4)] == [4, 4]
    assert [len(batch) for batch in batches_of(torch.arange(3), 4)] == [3]


def test_no_weight_decay_on_positions_and_biases():
    network = recipe_for("phantom_vit").spec.build()
    decayed, plain = parameter_groups(network, 0.05)
    assert decayed["weight_decay"] == 0.05 and plain["weight_decay"] == 0
    assert any(p is network.pos_embed for p in plain["params"])
    assert len(decayed["params"]) + len(plain["params"]) == len(list(network.parameters()))
    assert all(p.ndim >= 2 for p in decayed["params"])


def test_variations_are_small_mirror_and_never_upside_down():
    image = torch.zeros(64, 128, 128, dtype=torch.uint8)
    image[:, 20:30, 40:50] = 200  # above the middle, to the left
    varied = augment(image, torch.Generator().manual_seed(0))
    assert varied.dtype == torch.float32 and varied.min() >= 0 and varied.max() <= 1
    rows, columns = (torch.arange(128.0) for _ in range(2))
    mass = varied.sum((1, 2))
    y, x = (varied.sum(2) * rows).sum(1) / mass, (varied.sum(1) * columns).sum(1) / mass
    assert (y < 60).all()  # the forehead stays in front
    assert 20 < (x > 64).sum() < 44  # about half are mirrored
    assert varied.amax((1, 2)).std() > 0.03  # brightness varies
    again = augment(image, torch.Generator().manual_seed(0))
    assert torch.equal(varied, again)


def test_an_unvaried_image_stays_where_it_is(monkeypatch):
    for name in ("TURN", "SHIFT", "ZOOM", "GAIN", "GAMMA"):
        monkeypatch.setattr(f"analysis.chapters.alzheimer.networks.training.augment.{name}", 0.0)
    image = torch.randint(0, 256, (8, 32, 32), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    varied = augment(image, torch.Generator().manual_seed(2))
    for one, found in zip(image / 255, varied, strict=True):
        assert min((found - one).abs().max(), (found - one.flip(1)).abs().max()) < 1e-5


def test_shuffled_labels_are_the_same_labels_elsewhere():
    recipe = recipe_for("phantom_cnn", dataset="phantoms", images=64)
    parts, _ = load_parts(recipe, recipe.spec.preprocess())
    one, other = (shuffled(parts["train"], seed) for seed in (0, 1))
    assert torch.equal(one.labels.bincount(), parts["train"].labels.bincount())
    assert not torch.equal(one.labels, parts["train"].labels) and not torch.equal(one.labels, other.labels)


def test_colour_is_refused_where_grey_is_expected():
    preprocess = recipe_for("phantom_cnn").spec.preprocess()
    with pytest.raises(CluscamError, match="expected grey ones.*average the channels"):
        to_input(torch.zeros(2, 128, 128, 3, dtype=torch.uint8), preprocess)
    with pytest.raises(CluscamError, match="96 x 96 pixels, the network takes 128 x 128"):
        to_input(torch.zeros(2, 96, 96, dtype=torch.uint8), preprocess)


def test_training_needs_none_of_the_packages_that_a_bare_gpu_machine_lacks(tmp_path):
    code = f"""
import sys
for name in "sklearn scipy pandas matplotlib datasets papermill".split():
    sys.modules[name] = None  # importing it fails
from analysis.__main__ import COMMANDS
from cluscam_lite.cli import main
command = "train alzheimer --model phantom_cnn --dataset phantoms --images 16 --epochs 1 --out {tmp_path}"
sys.exit(main(command.split(), COMMANDS))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "card.json").is_file() and "test: accuracy" in done.stdout


def test_help_needs_no_torch():
    code = "import sys; from analysis.__main__ import COMMANDS; from cluscam_lite.cli import main; "
    code += "sys.exit(main(['train', '--help'], COMMANDS) or 99 * ('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "--learning-rate" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("train alzheimr --model resnet18 --out OUT", "nearest: alzheimer"),
        ("train alzheimer --model resnet81 --out OUT", "nearest: resnet18"),
        ("train alzheimer --model resnet18 --out OUT --sead 1", "nearest: --seed"),
        ("train alzheimer --model resnet18 --out OUT --dataset phantom", "nearest: phantoms"),
    ],
)
def test_mistakes_on_the_command_line(arguments, words, tmp_path, capsys):
    assert main([str(tmp_path) if word == "OUT" else word for word in arguments.split()], COMMANDS) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("cluscam: ") and words in line
