"""Trivial maps: what they look like, and what they score without knowing anything."""

import math

import numpy as np
import pytest
import torch
from callers import Counting, Failing, untouched
from tiny import images, network

from cluscam_lite import load_dataset, load_model
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.metrics import evaluate, localise
from cluscam_lite.rivals.trivial import Centre, Edges, FakeCAM, Ones, Random, grey, sobel

ALL = [FakeCAM, Ones, Centre, Random, Edges]


@pytest.mark.parametrize("trivial", ALL)
def test_one_pass_and_a_map(trivial):
    net, x = Counting(network()), images(3)
    e = trivial(net)(x)
    assert net.images == 3 and (e.forward_passes, e.backward_passes, e.layer) == (1, 0, "")
    assert e.saliency.shape == (3, 33, 40) and e.saliency.amin() >= 0 and e.saliency.amax(2).amax(1).tolist() == [1] * 3
    assert not e.uniform.any() and torch.equal(e.target, e.output.argmax(1))
    assert trivial(net)(x, 2).target.tolist() == [2, 2, 2]
    for i in range(3):
        torch.testing.assert_close(trivial(net)(x[i : i + 1]).saliency[0], e.saliency[i], rtol=0, atol=1e-6)


@pytest.mark.parametrize("trivial", ALL)
def test_nothing_of_the_model_changes(trivial):
    net = network()
    with untouched(net):
        trivial(net)(images(1))
    failing = Failing(network(), after=0, how="raise")
    with untouched(failing), pytest.raises(RuntimeError, match="out of order"):
        trivial(failing)(images(1))


def test_all_but_one_pixel_and_all():
    x = images(1, 224, 224)
    fake, ones = FakeCAM(network())(x).saliency[0], Ones(network())(x).saliency[0]
    assert fake[0, 0] == 0 and fake.sum() == 224 * 224 - 1 and fake.mean() > 0.999
    assert torch.equal(ones, torch.ones(224, 224))


def test_the_centre_equals_the_formula():
    for h, w, sigma in ((33, 40, 0.25), (5, 5, 0.5)):
        found = Centre(network() if h == 33 else flat_net(), sigma=sigma)(images(1, h, w)).saliency[0]
        values = [
            [
                math.exp(-0.5 * (((i + 0.5) / h - 0.5) / sigma) ** 2 - 0.5 * (((j + 0.5) / w - 0.5) / sigma) ** 2)
                for j in range(w)
            ]
            for i in range(h)
        ]
        expected = np.array(values)
        expected = (expected - expected.min()) / (expected.max() - expected.min())
        np.testing.assert_allclose(found, expected, atol=1e-6)


def flat_net():
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 4))


def test_random_depends_on_the_seed_alone():
    net = network()
    a, b = Random(net, seed=1)(images(1)).saliency, Random(net, seed=1)(images(2, seed=4)).saliency
    assert torch.equal(a[0], b[0]) and torch.equal(b[0], b[1])
    assert not torch.equal(a, Random(net, seed=2)(images(1)).saliency)
    assert a.min() == 0 and a.max() == 1
    # smooth: neighbours differ by no more than a cell's slope
    assert a.diff(dim=-1).abs().max() < 0.35


def test_sobel_by_hand():
    image = torch.zeros(1, 3, 4)
    image[0, :, 2:] = 1
    assert sobel(image)[0].tolist() == [[0, 4, 4, 0]] * 3
    assert torch.equal(sobel(image.mT.contiguous()), sobel(image).mT)
    slope = torch.arange(5.0)[None, :, None].expand(1, 5, 6)
    assert sobel(slope)[0, 2, 3] == 8  # the kernel's weight, 4, over two rows


def test_sobel_equals_scipy():
    from scipy import ndimage

    image = torch.rand(1, 9, 8, generator=torch.Generator().manual_seed(0))
    across, down = (ndimage.sobel(image[0].numpy(), axis, mode="nearest") for axis in (0, 1))
    np.testing.assert_allclose(sobel(image)[0], np.hypot(across, down), atol=1e-5)


def test_grey_undoes_the_normalisation():
    mean, std = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)
    pixels = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    x = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    expected = 0.299 * pixels[:, 0] + 0.587 * pixels[:, 1] + 0.114 * pixels[:, 2]
    torch.testing.assert_close(grey(x, (mean, std)), expected)
    assert grey(torch.ones(1, 3, 1, 1)).item() == pytest.approx(1)


def test_edges_are_where_the_brightness_changes():
    x = torch.zeros(1, 3, 60, 80)
    x[..., 50:] = 1
    found = Edges(network())(x).saliency[0]
    assert found[30].argmax().item() in (49, 50) and found[30, :40].max() == 0 == found[30, 60:].max()
    assert torch.equal(found, found[:1].expand_as(found))
    sharp, broad = (float(Edges(network(), sigma=s)(x).saliency.mean()) for s in (0.001, 0.05))
    assert sharp < 0.03 < broad
    tilted = Edges(network(), normalization=((0.1, 0.2, 0.3), (0.5, 0.1, 0.2)))(images(1)).saliency
    assert not torch.equal(tilted, Edges(network())(images(1)).saliency)


@pytest.mark.parametrize("colour", [0.0, 0.1, -1.7])
def test_a_picture_of_one_colour_has_no_edges(colour):
    e = Edges(network(), normalization=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))(
        torch.full((2, 3, 33, 40), colour)
    )
    assert e.uniform.all() and not e.saliency.any()


@pytest.mark.parametrize(("h", "w"), [(1, 1), (1, 4), (2, 2)])
def test_tiny_images(h, w):
    for trivial in ALL:
        e = trivial(flat_net())(images(1, h, w))
        assert e.saliency.shape == (1, h, w) and torch.isfinite(e.saliency).all()
        assert bool(e.uniform) == (e.saliency.max() == 0)
    assert bool(FakeCAM(flat_net())(images(1, 1, 1)).uniform) and not bool(Ones(flat_net())(images(1, 1, 1)).uniform)


def test_mistakes_are_one_sentence():
    for trivial in (Centre, Edges):
        with pytest.raises(CluscamError, match="sigma is 0"):
            trivial(network(), sigma=0)
    with pytest.raises(UnknownName, match="layer"):
        Ones(network(), layer="7")
    with pytest.raises(CluscamError, match="expected a torch module"):
        FakeCAM(lambda x: x)
    with pytest.raises(CluscamError, match="0 to 4"):
        Random(network())(images(1), 9)


def scored(trivial, model, samples):
    """Mean drop (percent) and the rows of `trivial` with the fill "mean", on some images of one network."""
    spec, net = model.spec, model.module
    rows = []
    for sample in samples:
        preprocess = spec.preprocess()
        x = preprocess(sample.image)[None]
        e = trivial(net)(x)
        (row,) = evaluate(lambda z: net(z), x, e.saliency[0], int(e.target[0]), fills=("mean",), forms=("raw",))
        if len(sample.boxes) == 1:
            row |= localise(e.saliency[0], sample.boxes, sample.width, sample.height, preprocess)
        rows.append(row)
    return float(np.mean([row["drop"] for row in rows])), rows


def test_what_scenes_give_to_maps_that_know_nothing():
    model, samples = load_model("scene_cnn"), load_dataset("scenes", n=6)
    drop, rows = scored(FakeCAM, model, samples)
    assert drop < 1 and all(row["coverage"] > 0.999 for row in rows)
    drop, rows = scored(Ones, model, samples)
    assert drop == 0 and all(row["coverage"] == 1 and row["gain"] == row["increase"] == 0 for row in rows)
    boxed = [(row, s) for row, s in zip(rows, samples, strict=True) if len(s.boxes) == 1]
    assert boxed and model.spec.preprocess().view(samples[0].image).size == samples[0].image.size  # nothing is cut off
    for row, sample in boxed:
        ((xmin, ymin, xmax, ymax),) = sample.boxes
        share = 100 * (xmax - xmin) * (ymax - ymin) / (sample.width * sample.height)
        assert row["ep"] == pytest.approx(share) and row["le"] == pytest.approx(100 - share)


def test_what_photographs_give_to_maps_that_know_nothing(data_root):
    model = load_model("mobileone_s0", data_root=data_root)
    samples = load_dataset("ilsvrc", part="pilot", n=2, data_root=data_root)
    drop, rows = scored(FakeCAM, model, samples)
    assert drop < 1 and all(row["coverage"] > 0.999 for row in rows)
    drop, rows = scored(Ones, model, samples)
    assert drop == 0 and all(row["increase"] == row["gain"] == 0 for row in rows)


def test_seeds_and_widths_that_are_none():
    for seed in (-1, 1.5, "0", [0, -1]):
        with pytest.raises(CluscamError, match="seed is"):
            Random(network(), seed=seed)
    for sigma in ("a", 0, math.inf, None):
        with pytest.raises(CluscamError, match="sigma is"):
            Centre(network(), sigma=sigma)
