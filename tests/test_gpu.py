"""On a GPU, everything gives what it gives on a CPU. Skipped without one: `python -m pytest tests/test_gpu.py`."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.chapters.alzheimer.networks.training.recipe import recipe_for
from analysis.chapters.alzheimer.networks.training.trainer import train
from analysis.engine import read
from analysis.oracles.timing import phased
from analysis.paths import ROOT
from analysis.studies.registry import find_study
from cluscam_lite import ClusCAM, load_dataset, load_model
from cluscam_lite.algorithm.clustering import inertia
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import METHODS, method, method_info

if not torch.cuda.is_available():
    pytest.skip("torch sees no GPU", allow_module_level=True)

PLACES = [("scene_cnn", "paper"), ("scene_vit", "paper"), ("scene_vit", "last")]
QUICK = {"opticam": {"iterations": 8}, "opticam_norm": {"iterations": 8}}
ALIKE = 0.99  # correlation of two maps: a hard choice, as which group is dropped, may turn on rounding


@pytest.fixture(scope="module", autouse=True)
def exact():
    """No shortcuts in float32: TF32 keeps ten bits, and is off by default for products but not for convolutions."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@pytest.mark.parametrize(("network", "layer"), PLACES)
@pytest.mark.parametrize("name", METHODS)
def test_a_method_gives_the_same_map(name, network, layer):
    settings = QUICK.get(name, {}) | ({"backend": "torch"} if "backend" in method_info(name).parameters else {})
    samples, found = load_dataset("scenes", n=2), {}
    for device in ("cpu", "cuda"):
        model = load_model(network)
        model.module.to(device)
        x = torch.stack([model.spec.preprocess()(sample.image) for sample in samples]).to(device)
        try:
            found[device] = method(name, model.module, model.spec, layer, **settings)(x)
        except NotApplicable as reason:
            found[device] = str(reason)
    one, other = found["cpu"], found["cuda"]
    if isinstance(one, str):
        assert other == one
        return
    assert other.saliency.device.type == "cuda" and other.output.device.type == "cuda"
    assert torch.equal(one.target, other.target.cpu()) and torch.equal(one.uniform, other.uniform.cpu())
    assert (one.forward_passes, one.backward_passes) == (other.forward_passes, other.backward_passes)
    torch.testing.assert_close(other.output.cpu(), one.output, rtol=1e-3, atol=1e-3)
    for a, b in zip(one.saliency, other.saliency.cpu(), strict=True):
        if a.std() > 0:
            assert np.corrcoef(a.flatten(), b.flatten())[0, 1] > ALIKE
        else:
            torch.testing.assert_close(b, a)


@pytest.mark.parametrize("network", ["scene_cnn", "scene_vit"])
def test_kmeans_of_a_batch_groups_as_well_as_scikit_learn(network):
    model = load_model(network)
    model.module.cuda()
    x = torch.stack([model.spec.preprocess()(sample.image) for sample in load_dataset("scenes", n=16)]).cuda()
    ours, theirs = (phased(ClusCAM.from_spec(model.spec, model.module, backend=of), x) for of in ("torch", "sklearn"))
    ratio = inertia(ours.points, ours.labels) / inertia(theirs.points, theirs.labels)
    assert abs(float(ratio.mean()) - 1) < 0.05


def test_a_training_that_is_cut_off_goes_on(tmp_path):
    """Sums on a GPU are not always in the same order, so the weights are close, not the same bits."""
    recipe = recipe_for("phantom_cnn", dataset="phantoms", images=64, epochs=2, batch_size=16, seed=3)

    def cut(line):
        if line.startswith("epoch 1/"):
            raise KeyboardInterrupt

    lines = []
    whole = train(recipe, tmp_path / "whole", lines.append)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "broken", cut)
    broken = train(recipe, tmp_path / "broken", lines.append)
    assert "going on after epoch 1/2" in lines
    histories = [[row["loss"] for row in card["epochs"]["history"]] for card in (whole, broken)]
    np.testing.assert_allclose(*histories, rtol=0.02)
    assert torch.cuda.get_device_name() in json.dumps(whole)


@pytest.mark.parametrize("study", ["faithfulness", "alzheimer"])
def test_a_study_gives_the_same_numbers(study, tmp_path):
    """A process that sees no GPU, and one that does: the same rows, the measures alike."""
    found = []
    for place, hidden in (("cpu", {"CUDA_VISIBLE_DEVICES": ""}), ("cuda", {})):
        command = [sys.executable, "-m", "analysis", "study", study, "--profile", "smoke", "--out", tmp_path / place]
        subprocess.run(command, check=True, env=os.environ | hidden, cwd=ROOT, capture_output=True)
        found.append(read(find_study(study), tmp_path / place))
    assert set(found[0]["method"]) == set(found[1]["method"]) > {"cluscam"}
    # on a GPU K-Means is another one, which may group otherwise; all else must agree
    grouped = [name for name in METHODS if "backend" in method_info(name).parameters]
    one, other = (rows[~rows["method"].isin(grouped)].reset_index(drop=True) for rows in found)
    words = [*one.select_dtypes(exclude="float").columns]
    pd.testing.assert_frame_equal(one[words], other[words])
    for name in ("probability", "probability_masked"):
        np.testing.assert_allclose(one[name], other[name], atol=1e-3)
