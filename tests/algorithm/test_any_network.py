"""Networks that nobody here wrote: which layer is chosen, which grid tokens lie on, where the logits are."""

import copy

import pytest
import torch
from torch import nn

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.layers import default_layer, layer_named, map_layers
from cluscam_lite.algorithm.layouts import Layout, Stated, find_layout, stated_by
from cluscam_lite.algorithm.outputs import class_logits
from cluscam_lite.algorithm.parts import maps_in, with_maps
from cluscam_lite.errors import UnknownName
from cluscam_lite.methods import METHODS, method

SIZES = {"n_clusters": 3, "iterations": 2, "n_groups": 2, "n_layers": None}


def seeded(build):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build().eval()


def photographs(n=2, height=32, width=32):
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(n))


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


def pooled(*parts):
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


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
    assert default_layer(model, photographs()) == layer
    maps, _ = HookedModel(model).forward(photographs())
    assert maps.shape == (2, 8, 8, 8)


def test_a_network_within_another_is_no_head():
    """The larger half of a network is read, though it gives a vector, and what it is given are maps already."""
    rest = nn.Sequential(
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)
    )
    model = seeded(lambda: nn.Sequential(nn.Conv2d(3, 8, 4, 4), rest))
    assert map_layers(model, photographs()) == ["0", "1.0", "1.1"]
    assert default_layer(nn.Sequential(model, nn.Identity()), photographs()) == "0.1.1"


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


def test_a_choice_is_made_again_for_images_of_another_size():
    class Sized(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.fc = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 8, 8, 8), nn.Linear(8, 5)

        def forward(self, x):
            return self.fc(self.two(self.one(x)).mean((2, 3)))

    model = HookedModel(seeded(Sized))
    model.forward(photographs(2, 32, 32))
    assert model.layer_name == "one"  # the second gives a single cell
    model.forward(photographs(2, 128, 128))
    assert model.layer_name == "two"


@pytest.mark.parametrize(
    ("shape", "size", "stated", "expected"),
    [
        ((1, 64, 4, 13), (100, 400), Stated(), Layout("NCHW", (4, 13), 64)),  # a stride of 32, rounded up
        ((1, 16 * 30 + 1, 8), (270, 480), Stated(1), Layout("tokens", (16, 30), 8, 1)),  # patches of 16, rounded down
        ((1, 14 * 28 + 1, 8), (224, 224), Stated(1, (16, 8)), Layout("tokens", (14, 28), 8, 1)),
        ((1, 14 * 28 + 1, 8), (224, 224), Stated(1), None),  # no one stride
        ((1, 150, 64), (224, 224), Stated(1), None),  # 12 x 12 and six tokens, but the network says one
        ((1, 196, 64), (224, 224), Stated(1, (16, 16)), Layout("tokens", (14, 14), 64)),  # the class token comes later
        ((1, 1, 2, 8), (224, 224), Stated(), None),  # a square has no grid of 1 x 2
        ((1, 8, 2, 3), (64, 70), Stated(), Layout("NCHW", (2, 3), 8)),
        ((1, 8, 3, 2), (64, 70), Stated(), None),  # the longer side has no fewer cells
    ],
)
def test_one_stride_explains_both_axes(shape, size, stated, expected):
    assert find_layout(torch.zeros(shape), size, stated) == expected


def test_grids_of_random_sizes():
    """Strides of 8 to 32 on images of any shape: no grid of a convolution is refused, few of tokens are mistaken."""
    draw = torch.Generator().manual_seed(0)
    numbers = torch.randint(64, 1000, (3000, 2), generator=draw).tolist()
    strides = torch.tensor([8, 14, 16, 32])[torch.randint(4, (3000,), generator=draw)].tolist()
    refused = mistaken = 0
    for (height, width), stride in zip(numbers, strides, strict=True):
        up, down = (-(-height // stride), -(-width // stride)), (height // stride, width // stride)
        refused += find_layout(torch.empty(1, 1, *up, device="meta"), (height, width)) is None
        found = find_layout(torch.empty(1, 1 + down[0] * down[1], 8, device="meta"), (height, width), Stated(1))
        mistaken += found is not None and found.grid != down
        told = find_layout(
            torch.empty(1, 1 + down[0] * down[1], 8, device="meta"), (height, width), Stated(1, (stride, stride))
        )
        assert told is not None and told.grid == down
    assert refused == 0 and mistaken < 0.03 * len(numbers)


def test_what_networks_say_of_their_tokens():
    timm = pytest.importorskip("timm")
    model = timm.create_model("test_vit", img_size=(160, 320))
    assert stated_by(model) == stated_by(nn.DataParallel(model)) == Stated(1, (16, 16))
    maps, _ = HookedModel(model.eval()).forward(torch.rand(1, 3, 160, 320))
    assert maps.shape[2:] == (10, 20)
    assert stated_by(pooled(OneBlock())) == Stated()


class Gives(nn.Module):
    """A network whose logits come in some container."""

    def __init__(self, container):
        super().__init__()
        self.body, self.container = pooled(nn.Conv2d(3, 8, 4, 4), nn.ReLU()), container

    def forward(self, x):
        return self.container(self.body(x))


@pytest.mark.parametrize(
    "container",
    [
        lambda y: {"logits": y, "loss": y.sum()},
        lambda y: {"out": y},
        lambda y: (y, None),
        lambda y: [{"logits": y}],
    ],
)
@pytest.mark.parametrize("name", ["cluscam", "gradcam", "cam", "reciprocam", "ablationcam", "opticam", "groupcam"])
def test_logits_are_found_where_networks_put_them(name, container):
    if name in ("gradcam",):
        pytest.importorskip("pytorch_grad_cam")
    model = seeded(lambda: Gives(container))
    plain = copy.deepcopy(model)
    plain.container = lambda y: y
    settings = {key: value for key, value in SIZES.items() if key in METHODS[name].parameters}
    for target in (None, [1, 4]):
        found = method(name, model, layer="body.1", **settings)(photographs(), target)
        wanted = method(name, plain, layer="body.1", **settings)(photographs(), target)
        torch.testing.assert_close(found.saliency, wanted.saliency)
        assert torch.equal(found.target, wanted.target) and torch.equal(found.output, wanted.output)


def test_one_number_for_each_image():
    model = seeded(lambda: Gives(lambda y: y[:, 0]))
    assert ClusCAM(model, n_clusters=3)(photographs(3)).output.shape == (3, 1)


def test_a_function_is_given_what_the_network_gave():
    model = seeded(lambda: Gives(lambda y: {"logits": y, "second": 2 * y}))
    found = ClusCAM(model, n_clusters=3)(photographs(), lambda output: output["second"][:, 1])
    wanted = ClusCAM(model, n_clusters=3)(photographs(), 1)
    torch.testing.assert_close(found.scores, 2 * wanted.scores)


def test_what_holds_no_logits_is_refused():
    assert class_logits({"a": 1}) == {"a": 1} and class_logits(()) == ()
    model = seeded(lambda: Gives(lambda y: {"a": y}))
    with pytest.raises(CluscamError, match="the model gives dict; expected logits"):
        ClusCAM(model, n_clusters=3)(photographs())


def test_as_many_clusters_as_there_are():
    x = photographs()
    few, many = pooled(nn.Conv2d(3, 8, 4, 4)), nn.Sequential(nn.Conv2d(3, 40, 4, 4), nn.Flatten(), nn.Linear(2560, 2))
    assert ClusCAM(few, "0")(x).masks.shape[1] == 8 and ClusCAM(many, "0")(x).masks.shape[1] == 30
    assert method("cluscam", few, layer="0")(x).masks.shape[1] == 8


def test_a_method_without_a_registered_network():
    model, x = seeded(lambda: pooled(OneBlock())), photographs()
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)
    found = method("cluscam", model, mean=mean, std=std, fill="black", n_clusters=3)(x)
    wanted = ClusCAM(model, fill="black", n_clusters=3, normalization=(mean, std))(x)
    assert torch.equal(found.saliency, wanted.saliency)
    with pytest.raises(CluscamError, match="mean and std go together"):
        method("cluscam", model, mean=mean)
    with pytest.raises(CluscamError, match="fill='black' needs"):
        method("cluscam", model, fill="black", n_clusters=3)(x)
