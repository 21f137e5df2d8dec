"""The head of a network alone gives what the whole network gives with its layer's output replaced."""

import pytest
import torch
from tiny import images, network
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.rivals.head import Head


def whole(model, layer, x, output):
    """The slow way: all of the network, with the layer's output exchanged."""
    handle = model.get_submodule(layer).register_forward_hook(lambda *_: output.clone())
    try:
        with torch.no_grad():
            return model.eval()(x)
    finally:
        handle.remove()


def replaced(model, layer, x, maps, prefix=0):
    """`whole` for maps (n, d, h, w) of a layer that gives (n, d, h, w), or tokens after `prefix` others."""
    kept = []
    handle = model.get_submodule(layer).register_forward_hook(lambda _m, _i, output: kept.append(output.clone()))
    with torch.no_grad():
        model.eval()(x)
    handle.remove()
    if kept[-1].ndim == 3:
        tokens = maps.flatten(2).mT
        return whole(model, layer, x, torch.cat([kept[-1][:, :prefix], tokens], 1))
    return whole(model, layer, x, maps if kept[-1].shape[1:] == maps.shape[1:] else maps.permute(0, 2, 3, 1))


class Counting(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module, self.calls, self.rows = module, 0, 0

    def forward(self, x):
        self.calls, self.rows = self.calls + 1, self.rows + len(x)
        return self.module(x)


class Shortcut(nn.Module):
    """What is before the layer is used again after it, also written to in place; a module is used three times."""

    def __init__(self, inplace=True):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.shared = Counting(nn.Conv2d(3, 6, 5, stride=4)), nn.Conv2d(6, 6, 1)
        self.layer, self.after = nn.Conv2d(6, 6, 3, padding=1), nn.Linear(6, 4)
        self.inplace, self.scale = inplace, nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        a = self.first(x)
        if self.inplace:
            a += self.scale  # written to before the layer
        b = self.shared(a).relu_()
        c = self.shared(b)
        d = self.layer(c)
        if self.inplace:
            b.mul_(2)  # and after it
        return self.after((self.shared(d) + a + b * d).mean((2, 3)))


class Tokens(nn.Module):
    """A class token before the patch tokens, a block that looks at both, and a block with a tuple as its output."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.token = nn.Conv2d(3, 8, 8, stride=8), nn.Parameter(torch.randn(1, 1, 8))
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.block, self.mix, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 5)

    def forward(self, x):
        t = self.embed(x).flatten(2).mT
        t = torch.cat([self.token.expand(len(x), -1, -1), t], 1)
        t = t + self.attend(t, t, t)[0]
        t = self.block(t)
        return self.head((self.mix(t).tanh() * t)[:, :2].mean(1))


class Twice(nn.Module):
    """The layer is used twice, the second time on what it gave the first time."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.layer, self.fc = nn.Conv2d(3, 4, 5, stride=4), nn.Conv2d(4, 4, 1), nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.layer(self.layer(self.stem(x)).relu()).relu().mean((2, 3)))


class Last(nn.Module):
    """Channels last, after a part that is used whole; the layer lies in a child of a child."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Sequential(Counting(nn.Conv2d(3, 6, 4, stride=4)), nn.ReLU(inplace=True))
        self.body = nn.Sequential(nn.Linear(6, 6), nn.Sequential(nn.GELU(), nn.Linear(6, 6), nn.ReLU(inplace=True)))
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(self.body(self.stem(x).permute(0, 2, 3, 1)).mean((1, 2)))


CASES = [
    (network, "1", 0),
    (network, "0", 0),
    (Shortcut, "layer", 0),
    (Shortcut, "first", 0),
    (lambda: Shortcut(inplace=False), "layer", 0),
    (Tokens, "embed", 0),
    (Tokens, "block", 1),
    (Twice, "layer", 0),
    (Last, "body.1.1", 0),
    (Last, "stem", 0),
]


@pytest.mark.parametrize(("make", "layer", "prefix"), CASES)
def test_the_head_gives_what_the_network_gives(make, layer, prefix):
    model, x = make(), images(3, 32, 40)
    with Head(model, layer, x) as head:
        maps, output = HookedModel(make(), layer).forward(x)
        assert not head.whole and head.layer == layer and head.layout.prefix == prefix
        torch.testing.assert_close(head.output, output)
        if (make, layer) not in ((Shortcut, "first"), (Last, "body.1.1")):  # there the network writes into them later
            torch.testing.assert_close(head.maps, maps)
        torch.testing.assert_close(head.run(head.maps, torch.arange(3)), output, rtol=1e-5, atol=1e-6)
        for rows in ([0, 1, 2], [2, 2, 0, 1], [1, 1, 1], [2]):  # of one image, some, and all
            rows = torch.tensor(rows)
            other = torch.randn(len(rows), *maps.shape[1:])
            expected = replaced(model, layer, x[rows], other, prefix)
            for _ in range(2):  # nothing remembered is spoilt by its use
                torch.testing.assert_close(head.run(other, rows), expected, rtol=1e-4, atol=1e-5)


def test_what_comes_before_the_layer_is_not_computed_again():
    for model, layer, first in ((Shortcut(), "layer", "first"), (Last(), "body.1.1", "stem.0")):
        with Head(model, layer, images(2, 32, 40)) as head:
            counter = model.get_submodule(first)
            assert counter.rows == 2
            head.run(head.maps[[0] * 16], torch.zeros(16, dtype=torch.long))
            assert counter.rows == 2 and counter.calls == 1


class Moody(nn.Module):
    """Reuses what a part of it wrote in place without being told: replaying its parts cannot give the same."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.act = nn.Conv2d(3, 4, 5, stride=4), nn.ReLU(inplace=True)
        self.layer, self.fc = nn.Conv2d(4, 4, 1), nn.Linear(4, 3)

    def forward(self, x):
        a = self.stem(x)
        self.act(a)
        return self.fc((self.layer(a) + a).mean((2, 3)))


@pytest.mark.parametrize("b", [1, 3])
def test_a_network_that_cannot_be_replayed_is_run_whole(b):
    model, x = Moody(), images(b, 32, 40)
    with Head(model, "layer", x) as head:
        assert head.whole
        rows = torch.tensor([b - 1, 0])
        other = torch.randn(2, *head.maps.shape[1:])
        torch.testing.assert_close(head.run(other, rows), replaced(model, "layer", x[rows], other))


def state(model):
    return [
        (name, m.training, dict(m._forward_hooks), "forward" in m.__dict__, [p.requires_grad for p in m.parameters()])
        for name, m in model.named_modules()
    ]


def test_nothing_of_the_model_is_changed_also_after_an_exception(monkeypatch):
    model, x = Last().train(), images(2, 32, 40)
    model.fc.forward = model.fc.forward  # someone else's patch must survive
    patch, before = model.fc.forward, state(model)
    head = Head(model, "body.1.1", x)
    assert state(model) == before
    monkeypatch.setattr(model.fc, "weight", None)
    for call in (lambda: head.run(head.maps, torch.arange(2)), lambda: Head(model, "body.1.1", x)):
        with pytest.raises(TypeError):
            call()
        assert [s[:4] for s in state(model)] == [s[:4] for s in before] and model.fc.__dict__["forward"] is patch


def test_hooks_of_others_still_apply():
    model, x = Last(), images(2, 32, 40)
    model.stem.register_forward_hook(lambda _m, _i, output: output * 2)
    model.body[1][1].register_forward_hook(lambda _m, _i, output: output + 1)
    with torch.no_grad():
        expected = model(x)
    head = Head(model, "body.1.1", x)
    assert not head.whole
    torch.testing.assert_close(head.run(head.maps, torch.arange(2)), expected)


def test_under_inference_mode_and_with_frozen_parameters():
    model, x = Shortcut().requires_grad_(False), images(2, 32, 40)
    expected = Head(model, "layer", x)
    with torch.inference_mode():
        head = Head(model, "layer", x)
        got = head.run(head.maps.flip(0), torch.arange(2))
    torch.testing.assert_close(got, expected.run(expected.maps.flip(0), torch.arange(2)))


def test_what_can_go_wrong_is_said():
    model, x = network(), images()
    with pytest.raises(UnknownName, match="unknown layer 'layr'"):
        Head(model, "layr", x)
    with pytest.raises(CluscamError, match="not maps"):
        Head(model, "4", x)
    with Head(model, None, x) as head:
        assert head.layer == "1"
        with pytest.raises(CluscamError, match="expected"):
            head.run(head.maps[:, :3], torch.arange(2))
        with pytest.raises(CluscamError, match="expected"):
            head.run(head.maps, torch.arange(3))
    with pytest.raises(CluscamError, match="closed"):
        head.run(head.maps, torch.arange(2))


@pytest.mark.parametrize("name", ["scene_cnn", "scene_vit"])
@pytest.mark.parametrize("which", ["paper", "last"])
def test_the_shipped_networks(name, which):
    model, spec = load_model(name).module, get_spec(name)
    x, layer = images(2, 96, 96), spec.layer(which)
    with Head(model, layer, x) as head:
        assert not head.whole
        rows = torch.tensor([1, 0, 1])
        other = head.maps[rows] * torch.rand(3, *head.maps.shape[1:2], 1, 1)
        expected = replaced(model, layer, x[rows], other, head.layout.prefix)
        torch.testing.assert_close(head.run(other, rows), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["mobileone_s0", "squeezenet1_1", "vit_tiny_patch16_224"])
def test_real_networks(name, data_root):
    loaded = load_model(name, data_root=data_root)
    x, layer = images(1, 224, 224), loaded.spec.layer("last")
    with Head(loaded.module, layer, x) as head:
        assert not head.whole
        other = head.maps * torch.rand(1, *head.maps.shape[1:2], 1, 1)
        expected = replaced(loaded.module, layer, x, other, head.layout.prefix)
        torch.testing.assert_close(head.run(other, torch.zeros(1).long()), expected, rtol=1e-4, atol=1e-3)
