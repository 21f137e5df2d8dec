"""The null methods: ClusCAM's arithmetic on masks from elsewhere."""

import warnings

import oracle
import pytest
import torch
from callers import Counting, Failing, untouched
from tiny import images, network

from cluscam_lite import ClusCAM
from cluscam_lite.algorithm.clustering import BACKENDS
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.masks import upsample
from cluscam_lite.errors import CluscamError, ClusCAMWarning, UnknownName
from cluscam_lite.rivals.nulls import Donor, Inverted, Smooth, noise_maps, scene_like

SETTINGS = {"n_clusters": 6, "drop_ratio": 0.37, "temperature": 0.8, "seed": 3}
NULLS = [Donor, Smooth, Inverted]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_image_that_lends_to_itself_is_explained_by_cluscam(backend):
    net, x = network(), images(3)
    own = ClusCAM(net, backend=backend, **SETTINGS)(x)
    lent = Donor(net, donor=x, backend=backend, **SETTINGS)(x)
    assert torch.equal(lent.saliency, own.saliency) and torch.equal(lent.target, own.target)
    assert lent.forward_passes == own.forward_passes + 1 and lent.layer == own.layer == "1"


@pytest.mark.parametrize("lenders", [1, 2])
def test_donor_equals_algorithm_1_on_the_donors_maps(lenders):
    net, x, donors = network(), images(2), images(lenders, seed=5)
    e = Donor(net, donor=donors, **SETTINGS)(x)
    maps, _ = HookedModel(net, "1").forward(donors)
    for i in range(2):
        expected = oracle.cluscam(
            lambda z: net(z).detach(), maps[i % lenders], x[i], int(e.target[i]), 6, 0.37, 0.8, seed=3
        )
        torch.testing.assert_close(e.saliency[i].double(), expected["saliency"], rtol=1e-4, atol=1e-4)


def test_smooth_equals_algorithm_1_on_noise():
    net, x = network(), images(2)
    e = Smooth(net, **SETTINGS)(x, torch.tensor([4, 1]))
    noise = torch.rand(1, 6, 7, 7, generator=torch.Generator().manual_seed(3))[0]
    for i, c in enumerate((4, 1)):
        expected = oracle.cluscam(lambda z: net(z).detach(), noise, x[i], c, 6, 0.37, 0.8, labels=torch.arange(6))
        torch.testing.assert_close(e.saliency[i].double(), expected["saliency"], rtol=1e-4, atol=1e-4)
    assert e.forward_passes == 7 and e.layer == "" and e.target.tolist() == [4, 1]


def test_smooth_masks_depend_on_the_seed_alone():
    one, other, third = noise_maps(4, (33, 40), 0), noise_maps(4, (33, 40), 0), noise_maps(4, (33, 40), 1)
    assert torch.equal(one, other) and not torch.equal(one, third)
    full = upsample(one, (33, 40)).flatten(2)
    torch.testing.assert_close(full.amin(2), torch.zeros(1, 4))
    torch.testing.assert_close(full.amax(2), torch.ones(1, 4))
    net, x = network(), images(1)
    first, again, another = (Smooth(net, **SETTINGS | {"seed": s})(x).saliency for s in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, another)


def test_inverted_is_one_minus_cluscam():
    net, x = network(), images(2)
    own, inverted = ClusCAM(net, **SETTINGS)(x), Inverted(net, **SETTINGS)(x)
    assert torch.equal(inverted.saliency, 1 - own.saliency) and inverted.forward_passes == own.forward_passes
    assert inverted.notes == own.notes and inverted.layer == own.layer
    assert inverted.saliency.amin((1, 2)).tolist() == [0, 0] and inverted.saliency.amax((1, 2)).tolist() == [1, 1]


@pytest.mark.parametrize("null", NULLS)
def test_one_image_is_what_it_was_in_a_batch(null):
    net, x = network(), images(3)
    extra = {"donor": images(3, seed=9)} if null is Donor else {}
    together = null(net, **SETTINGS, **extra)(x)
    for i in range(3):
        alone = null(net, **SETTINGS, **{key: value[i : i + 1] for key, value in extra.items()})(x[i : i + 1])
        torch.testing.assert_close(alone.saliency[0], together.saliency[i], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("null", "passes"), [(Donor, 8), (Smooth, 7), (Inverted, 7)])
def test_passes_are_those_that_ran(null, passes):
    net, x = Counting(network()), images(2)
    extra = {"donor": images(2, seed=9)} if null is Donor else {}
    e = null(net, "module.1", **SETTINGS, **extra)(x)
    assert e.forward_passes == passes and e.backward_passes == 0 and net.images == 2 * passes


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("fill", ["black", "blur"])
def test_hidden_pixels_show_the_fill(null, fill):
    net, x = network(), images(1)
    units = {"normalization": ((0.5,) * 3, (0.25,) * 3)}
    plain, filled = (null(net, **SETTINGS, fill=f, **units)(x).saliency for f in ("mean", fill))
    assert not torch.equal(plain, filled)
    if null is Donor:
        torch.testing.assert_close(
            null(net, **SETTINGS, fill=fill, donor=x, **units)(x).saliency,
            ClusCAM(net, **SETTINGS, fill=fill, **units)(x).saliency,
        )


@pytest.mark.parametrize("null", NULLS)
def test_nothing_of_the_model_changes(null):
    net = network()
    with untouched(net):
        null(net, **SETTINGS)(images(1))
    failing = Failing(network(), after=1)
    with untouched(failing), pytest.raises(CluscamError, match="NaN"):
        null(failing, "module.1", **SETTINGS)(images(1))


@pytest.mark.parametrize("null", NULLS)
def test_a_map_without_contrast_is_flagged(null):
    net = network()
    with torch.no_grad():
        net[0].weight.zero_()
        net[0].bias.fill_(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClusCAMWarning)
        e = null(net, n_clusters=2)(images(2))
    if null is Smooth:  # its masks have contrast whatever the network; equal scores give equal weights
        assert not e.uniform.any() and e.saliency.amax() == 1
    else:
        assert e.uniform.all() and not e.saliency.any()


def test_uniform_weights_are_said():
    for null in NULLS:
        assert "uniform" in " ".join(null(network(), n_clusters=4, drop_ratio=0)(images(1)).notes)


@pytest.mark.parametrize("size", [(96, 96), (33, 40), (120, 100)])
def test_without_a_donor_a_scene_of_the_right_size_lends(size):
    x = torch.zeros(2, 3, *size)
    scene = scene_like(x, ((0.5,) * 3, (0.25,) * 3))
    assert scene.shape == (1, 3, *size) and scene.std() > 0.1 and scene.abs().max() <= 2
    assert torch.equal(scene, scene_like(x, ((0.5,) * 3, (0.25,) * 3)))
    e = Donor(network(), **SETTINGS)(images(1, *size))
    assert "icon scene" in " ".join(e.notes) and e.saliency.shape == (1, *size)


@pytest.mark.parametrize(
    "donor",
    [images(2), images(1, 33, 33), images(1)[0], torch.full((1, 3, 33, 40), float("nan")), "photograph.jpg"],
)
def test_a_donor_that_does_not_fit_is_one_sentence(donor):
    with pytest.raises(CluscamError, match="donor") as error:
        Donor(network(), n_clusters=3, donor=donor)(images(3))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("null", [Donor, Inverted])
def test_an_unknown_backend_is_refused_before_any_pass(null):
    with pytest.raises(UnknownName, match="unknown backend 'skleanr'; nearest: sklearn"):
        null(network(), **SETTINGS, backend="skleanr")


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize(
    ("settings", "word"),
    [({"n_clusters": 0}, "is 0; expected"), ({"drop_ratio": 1.0}, "drop"), ({"temperature": 0}, "temperature"),
     ({"fill": "blac"}, "black"), ({"seed": -1}, "seed")],
)  # fmt: skip
def test_bad_settings_are_refused(null, settings, word):
    with pytest.raises(CluscamError, match=word):
        null(network(), **settings)(images(1))


def test_bad_layers_and_targets_are_refused():
    with pytest.raises(UnknownName, match="layer"):
        Smooth(network(), layer="7")
    with pytest.raises(CluscamError, match="this method explains a class"):
        Smooth(network(), n_clusters=2)(images(1), lambda output: output[:, 0])
    with pytest.raises(CluscamError, match="0 to 4"):
        Donor(network(), n_clusters=2)(images(1), 5)


def test_a_seed_for_each_image_is_each_images_seed():
    from cluscam_lite.rivals.trivial import Random

    net, x = network(), images(3)
    for kind in (lambda seed: Smooth(net, n_clusters=4, seed=seed), lambda seed: Random(net, seed=seed)):
        together = kind((5, 6, 5))(x)
        for i, seed in enumerate((5, 6, 5)):
            torch.testing.assert_close(together.saliency[i], kind(seed)(x[i : i + 1]).saliency[0], rtol=0, atol=1e-4)
        with pytest.raises(CluscamError, match="2 seeds for 3 images; expected one seed, or one for each"):
            kind((1, 2))(x)
    with pytest.raises(CluscamError, match="seed is -1"):
        Smooth(net, n_clusters=4, seed=(0, -1))


def test_passes_are_those_of_each_image():
    x = images(2)
    x[1] = 0  # maps without contrast, all alike: one group
    with pytest.warns(ClusCAMWarning):
        e = ClusCAM(network(), n_clusters=5)(x)
    assert e.forward_passes == 6 and [e.passes_of(i) for i in range(2)] == [1 + int(n) for n in e.valid.sum(1)]
    assert e.passes_of(1) < 6


@pytest.mark.parametrize("null", NULLS)
def test_the_usual_number_of_groups_is_that_of_cluscam(null):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        donor = {"donor": images(1, seed=1)} if null is Donor else {}
        e = null(network(channels=8), "1", **donor)(images(1))  # fewer maps than 30
    n_masks = 30 if null is Smooth else 8
    assert e.forward_passes == n_masks + 1 + (null is Donor)
