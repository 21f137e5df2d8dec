"""Networks that nobody here wrote: which layer is chosen, and by which name one is asked for."""

import pytest
import torch
from anyone import SIZES, photographs, pooled, seeded
from torch import nn

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.maps.layers import chosen_layer, layer_named, map_layers
from cluscam_lite.algorithm.maps.parts import maps_in, with_maps
from cluscam_lite.errors import UnknownName
from cluscam_lite.methods import METHODS, method


class OneBlock(nn.Module):
    """A stage of one block, as ResNet-10: the addition is in place, and the shortcut is computed last."""

    def __init__(self):
        super().__init__()
        self.conv, self.shortcut = nn.Conv2d(3, 8, 3, 4, 1), nn.Conv2d(3, 8, 1, 4)

    def forward(self, x):
        y = self.conv(x)
        y += self.shortcut(x)
        return y.relu_()


class Pair(nn.Module):
    """A block that gives pixels of each patch, folded into the batch, and tokens, as TNT's."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(4, 4), nn.Linear(8, 8)

    def forward(self, pair):
        pixels, tokens = pair
        return self.inner(pixels), tokens + self.outer(tokens)


class Pairs(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.blocks, self.fc = nn.Conv2d(3, 8, 4, 4), nn.Sequential(Pair(), Pair()), nn.Linear(8, 5)

    def forward(self, x):
        tokens = self.conv(x).flatten(2).mT  # (B, N, 8)
        pixels = tokens.reshape(-1, 2, 4)
        return self.fc(self.blocks((pixels, tokens))[1].mean(1))


class AttentionPool(nn.Module):
    """A pooling whose keys look like maps, as CLIP's."""

    def __init__(self):
        super().__init__()
        self.kv, self.query = nn.Linear(8, 8), nn.Parameter(torch.randn(1, 1, 8))

    def forward(self, maps):
        tokens = self.kv(maps.flatten(2).mT)
        return ((self.query @ tokens.mT).softmax(-1) @ tokens)[:, 0]


class ClassMaps(nn.Module):
    """A linear layer on all tokens that gives the classes, as VOLO's."""

    def __init__(self):
        super().__init__()
        self.conv, self.aux_head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 5)

    def forward(self, x):
        return self.aux_head(self.conv(x).flatten(2).mT).mean(1)


class PostNorm(nn.Module):
    """A block that ends in a layer normalisation, as Swin v2-CR's."""

    def __init__(self):
        super().__init__()
        self.mlp, self.norm = nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, tokens):
        return self.norm(tokens + self.mlp(tokens))


def tokens_of(*blocks):
    patches = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten(2), Turned())
    return nn.Sequential(patches, nn.Sequential(*blocks), Mean(), nn.Linear(8, 5))


class Turned(nn.Module):
    def forward(self, x):
        return x.mT


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (lambda: pooled(OneBlock()), "0"),
        (Pairs, "blocks"),
        (lambda: nn.Sequential(OneBlock(), AttentionPool(), nn.Linear(8, 5)), "0"),
        (ClassMaps, "conv"),
        (lambda: tokens_of(PostNorm(), PostNorm()), "1.1"),
        (lambda: pooled(OneBlock(), nn.AdaptiveAvgPool2d(8)), "0"),
        (lambda: nn.Sequential(OneBlock(), nn.Sequential(nn.Conv2d(8, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
                               nn.Flatten()), "0"),  # SqueezeNet's classifier
    ],
)  # fmt: skip
def test_the_layer_that_a_specialist_would_name(build, layer):
    model = seeded(build)
    assert chosen_layer(model, photographs())[0] == layer
    maps, _ = HookedModel(model).forward(photographs())
    assert maps.shape == (2, 8, 8, 8)


def test_a_network_within_another_is_no_head():
    """The larger half of a network is read, though it gives a vector, and what it is given are maps already."""
    rest = nn.Sequential(
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)
    )
    model = seeded(lambda: nn.Sequential(nn.Conv2d(3, 8, 4, 4), rest))
    assert map_layers(model, photographs()) == ["0", "1.0", "1.1"]
    assert chosen_layer(nn.Sequential(model, nn.Identity()), photographs())[0] == "0.1.1"


@pytest.mark.parametrize("name", [name for name, info in METHODS.items() if info.kind != "trivial"])
def test_every_method_reads_the_maps_in_a_tuple(name):
    """A block that gives a tuple is explained as one that gives its maps alone."""
    if name.startswith("polycam"):
        pytest.skip("PolyCAM needs several resolutions")
    if "grad-cam" in METHODS[name].reference:
        pytest.importorskip("pytorch_grad_cam")

    class Alone(nn.Module):
        def __init__(self, tuples):
            super().__init__()
            self.conv, self.block, self.fc = nn.Conv2d(3, 8, 4, 4), Twice(tuples), nn.Linear(8, 5)

        def forward(self, x):
            found = self.block(self.conv(x))
            return self.fc((found[0] if isinstance(found, tuple) else found).mean((2, 3)))

    class Twice(nn.Module):
        def __init__(self, tuples):
            super().__init__()
            self.conv, self.tuples = nn.Conv2d(8, 8, 3, padding=1), tuples

        def forward(self, x):
            found = self.conv(x)
            return (found, {"sum": found.sum()}) if self.tuples else found

    one, other = seeded(lambda: Alone(True)), seeded(lambda: Alone(False))
    settings = {key: value for key, value in SIZES.items() if key in METHODS[name].parameters}
    found = method(name, one, layer="block", **settings)(photographs())
    wanted = method(name, other, layer="block", **settings)(photographs())
    torch.testing.assert_close(found.saliency, wanted.saliency)
    assert found.layer == wanted.layer and found.forward_passes == wanted.forward_passes
    assert not any(part._forward_hooks for part in one.modules())


def test_parts_of_tuples():
    maps, folded = torch.zeros(2, 5, 8), torch.ones(10, 4, 4)
    assert maps_in((folded, maps, None)) is maps and maps_in([maps, maps + 1]) is maps
    nothing = ("a", torch.zeros(3))
    assert maps_in(nothing) is nothing
    other = torch.full((2, 5, 8), 7.0)
    assert with_maps((folded, maps, "x"), other)[1] is other and with_maps([maps], other) == [other]
    assert with_maps(maps, other) is other
    named = torch.return_types.max((maps, torch.zeros(2, 5, 8, dtype=torch.long)))
    assert with_maps(tuple(named), other)[0] is other


def test_names_through_wrappers():
    model = pooled(OneBlock())
    assert layer_named("0.conv", nn.DataParallel(model)) == "module.0.conv"
    compiled = torch.compile(model, backend="eager")
    assert layer_named("0", compiled) == "_orig_mod.0" == layer_named(model[0], compiled)
    with pytest.raises(UnknownName, match=r"unknown layer '0.cnv'; nearest: 0.conv"):
        layer_named("0.cnv", model)
    with pytest.raises(CluscamError, match="layer is a ReLU that is not part of the model"):
        layer_named(nn.ReLU(), model)
    x = photographs()
    plain, parallel = (ClusCAM(m, "0", n_clusters=3)(x) for m in (model, nn.DataParallel(model)))
    assert torch.equal(plain.saliency, parallel.saliency) and parallel.layer == "module.0"


class Sized(nn.Module):
    """Its second layer gives a single cell of small images."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 8, 8, 8), nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(self.two(self.one(x)).mean((2, 3)))


@pytest.mark.parametrize("name", ["cluscam", "gradcam", "ablationcam", "reciprocam", "groupcam", "opticam", "donor"])
def test_a_choice_is_made_again_for_images_of_another_size(name):
    if "grad-cam" in METHODS[name].reference:
        pytest.importorskip("pytorch_grad_cam")
    settings = {key: value for key, value in SIZES.items() if key in METHODS[name].parameters}
    explain = method(name, seeded(Sized), **settings)
    small, large = photographs(2, 32, 32), photographs(2, 128, 128)
    assert [explain(x).layer.rpartition(" ")[2] for x in (small, large, small)] == ["one", "two", "one"]
