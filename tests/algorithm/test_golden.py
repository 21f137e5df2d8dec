"""The fast path against arrays that the literal oracle gave once: a drift of scikit-learn or of the oracle is seen."""

import sys
from pathlib import Path

import numpy as np
import oracle
import pytest
import torch

from cluscam_lite import ClusCAM, load_model

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
import make

CLOSE = 2e-5  # shares of 1; here the two paths are 2e-6 apart
PLACES = [(network, layer) for network in make.NETWORKS for layer in make.LAYERS]


def stored(spec, layer):
    with np.load(make.file_of(spec, layer)) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


@pytest.mark.parametrize(("network", "layer"), PLACES)
def test_the_fast_path_gives_the_golden_labels_scores_and_maps(network, layer):
    loaded = load_model(network)
    x, expected = make.inputs(loaded.spec), stored(loaded.spec, layer)
    e = ClusCAM.from_spec(loaded.spec, loaded.module, layer=layer)(x)
    assert e.saliency.shape == (2, 96, 96) and not e.uniform.any()
    assert torch.equal(e.target, expected["targets"].long())
    assert torch.equal(e.labels, expected["labels"].long())
    torch.testing.assert_close(e.scores, expected["scores"], rtol=0, atol=5 * CLOSE)
    torch.testing.assert_close(e.weights, expected["weights"], rtol=0, atol=CLOSE)
    torch.testing.assert_close(e.saliency, expected["saliency"], rtol=0, atol=CLOSE)


def test_the_oracle_still_gives_what_it_gave():
    loaded = load_model("scene_cnn")
    expected = stored(loaded.spec, "paper")
    found = make.golden(loaded.module, loaded.spec, "paper", make.inputs(loaded.spec))
    assert np.array_equal(found["labels"], expected["labels"])
    for name in ("scores", "weights", "saliency"):
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=CLOSE)


def test_a_golden_map_is_far_from_what_a_mistake_would_give():
    """The tolerance tells a wrong tau, r or fill apart: each moves a map by fifty times as much and more."""
    loaded = load_model("scene_cnn")
    x, expected = make.inputs(loaded.spec), stored(loaded.spec, "paper")["saliency"]
    e = ClusCAM.from_spec(loaded.spec, loaded.module)(x)
    wrong = [
        e.reweigh(temperature=1.05 * float(e.temperature[0])),
        e.reweigh(drop_ratio=0),
        e.reweigh(weighting="best"),
    ]
    wrong += [
        ClusCAM.from_spec(loaded.spec, loaded.module, **other)(x) for other in ({"space": "raw"}, {"fill": "black"})
    ]
    assert all((other.saliency - expected).abs().amax() > 50 * CLOSE for other in wrong)
    assert oracle.normalize(expected[0]).equal(expected[0])
