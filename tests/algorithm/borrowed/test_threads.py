"""Several threads on one network: each gets the maps of its own images, and the network is given back as it was."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from staged import stages
from torch import nn

from cluscam_lite import ClusCAM, read
from cluscam_lite.algorithm.borrowed import borrowed
from cluscam_lite.methods import METHODS

SIZES = {"n_clusters": 3, "iterations": 3, "n_groups": 4}


def explainer(name, model):
    info = METHODS[name]
    return info.factory(model, **{**info.fixed, **{k: v for k, v in SIZES.items() if k in info.parameters}})


@pytest.mark.parametrize("name", METHODS)
def test_every_method_in_two_and_eight_threads(name):
    if METHODS[name].home.endswith(("gradcam_family:ScoreCAM", "ShapleyCAM")) or METHODS[name].gradients:
        pytest.importorskip("pytorch_grad_cam")
    model = stages().train()
    cam, xs = explainer(name, model), torch.randn(4, 1, 3, 16, 20, generator=torch.Generator().manual_seed(0))
    right = [cam(x).saliency for x in xs]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for workers in (2, 8):
        with ThreadPoolExecutor(workers) as pool:
            found = [(pool.submit(cam, xs[i]), right[i]) for i in (0, 1, 2, 3, 0, 1, 2, 3)]
        for job, expected in found:
            torch.testing.assert_close(job.result().saliency, expected)
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks or "forward" in module.__dict__ for module in model.modules())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_different_methods_and_sizes_on_one_network():
    model = stages().train()
    cams = [explainer(name, model) for name in ("cluscam", "reciprocam", "opticam", "groupcam")]
    xs = [torch.randn(1, 3, 16, side, generator=torch.Generator().manual_seed(side)) for side in (16, 20, 24)]
    jobs = [(cam, x) for cam in cams for x in xs]
    right = [cam(x) for cam, x in jobs]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda job: job[0](job[1]), jobs * 2))
    for e, expected in zip(found, right * 2, strict=True):
        torch.testing.assert_close(e.saliency, expected.saliency)
        assert e.notes == expected.notes  # which say how large the maps were


def test_networks_that_share_a_part_wait_for_each_other():
    body, order = stages(), []
    one, other = nn.Sequential(body, nn.Identity()), nn.Sequential(nn.Identity(), body)
    inside, go = threading.Event(), threading.Event()

    def first():
        with borrowed(one):
            inside.set()
            go.wait(10)
            order.append("first")

    def second():
        inside.wait(10)
        with borrowed(other):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    threads[1].join(0.2)
    assert threads[1].is_alive() and order == []
    go.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]


def test_a_thread_may_borrow_what_it_has_and_gives_it_back_after_an_error():
    model = stages()
    with pytest.raises(RuntimeError, match="on purpose"), borrowed(model), borrowed(model[3]), borrowed(model):
        raise RuntimeError("on purpose")
    with ThreadPoolExecutor(1) as pool:  # another thread can have it now
        assert pool.submit(lambda: ClusCAM(model, n_clusters=3)(torch.randn(1, 3, 16, 16))).result(30).saliency.numel()


class Meeting(nn.Module):
    """A layer in which one thread waits until another has passed."""

    def __init__(self):
        super().__init__()
        self.waiting, self.passed, self.waits = threading.Event(), threading.Event(), None

    def forward(self, x):
        if threading.get_ident() == self.waits:
            self.waiting.set()
            self.passed.wait(10)
        return x * 1


def test_a_pass_of_the_callers_own_in_another_thread_is_not_read():
    """It takes no lock, so it may come between: its maps are not taken for those of the explained image."""
    meeting = Meeting()
    model = nn.Sequential(stages()[:3], meeting, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    x, foreign = torch.randn(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    expected = read(model, x, layer="0").maps

    def explain():
        meeting.waits = threading.get_ident()
        return read(model, x, layer="0").maps

    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(explain)
        assert meeting.waiting.wait(10)
        model(foreign)
        meeting.passed.set()
        torch.testing.assert_close(job.result(), expected)
