"""Finding layers and token grids, and leaving the model as it was."""

import pytest
import torch
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.maps.layers import chosen_layer, layers, map_layers
from cluscam_lite.algorithm.maps.layouts import Layout, Stated, find_layout, to_maps
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.models import get_spec, load_model, model_names


class Patches(nn.Module):
    """A transformer's skeleton: patch embedding, a class token and registers, a block, a norm, a head."""

    def __init__(self, prefix=1, norm=nn.LayerNorm):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 8, 4, stride=4)
        self.prefix = nn.Parameter(torch.zeros(1, prefix, 8))
        self.block = nn.Linear(8, 8)
        self.norm, self.drop, self.head = norm(8), nn.Dropout(0.5), nn.Linear(8, 5)

    def forward(self, x):
        tokens = self.patch_embed(x).flatten(2).mT
        tokens = torch.cat([self.prefix.expand(len(x), -1, -1), tokens], 1)
        return self.head(self.drop(self.norm(self.block(tokens))).mean(1))


def cnn():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(6, 4),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "size", "prefix", "expected"),
    [
        ((1, 512, 7, 7), (224, 224), 0, Layout("NCHW", (7, 7), 512)),
        ((1, 7, 7, 1024), (224, 224), 0, Layout("NHWC", (7, 7), 1024)),
        ((1, 10, 12, 96), (320, 384), 0, Layout("NHWC", (10, 12), 96)),
        ((1, 64, 4, 6), (128, 200), 0, Layout("NCHW", (4, 6), 64)),
        ((1, 197, 192), (224, 224), 1, Layout("tokens", (14, 14), 192, 1)),
        ((1, 196, 192), (224, 224), 1, Layout("tokens", (14, 14), 192, 0)),  # CaiT: the class token comes later
        ((1, 198, 192), (224, 224), 0, Layout("tokens", (14, 14), 192, 2)),  # distillation token
        ((1, 261, 384), (224, 224), 0, Layout("tokens", (16, 16), 384, 5)),  # class token and four registers
        ((1, 16, 384), (224, 224), 0, Layout("tokens", (4, 4), 384, 0)),  # LeViT: 14, 7, 4
        ((1, 1 + 6 * 9, 8), (24, 36), 0, Layout("tokens", (6, 9), 8, 1)),
        ((1, 32, 1, 1), (224, 224), 0, Layout("NCHW", (1, 1), 32)),
        ((1, 1000), (224, 224), 0, None),
        ((1, 150, 64), (224, 224), 0, Layout("tokens", (12, 12), 64, 6)),
        ((1, 140, 64), (224, 224), 0, None),
        ((1, 3, 20, 90), (224, 224), 0, None),
    ],
)
def test_layouts(shape, size, prefix, expected):
    assert find_layout(torch.zeros(shape), size, Stated(prefix or None)) == expected


def test_what_is_no_tensor_is_no_map():
    assert find_layout((torch.zeros(1, 3, 7, 7),), (224, 224)) is None
    assert find_layout(torch.zeros(1, 3, 7, 7, dtype=torch.long), (224, 224)) is None


def test_tokens_are_laid_row_by_row():
    tokens = torch.arange(7.0)[None, :, None].expand(1, 7, 2)  # class token 0, then a 2 x 3 grid
    maps = to_maps(tokens, Layout("tokens", (2, 3), 2, 1))
    assert maps.shape == (1, 2, 2, 3) and maps[0, 1].tolist() == [[1, 2, 3], [4, 5, 6]]
    last = to_maps(torch.arange(12.0).view(1, 2, 3, 2), Layout("NHWC", (2, 3), 2))
    assert last[0, 1].tolist() == [[1, 3, 5], [7, 9, 11]]


@pytest.mark.parametrize("prefix", [0, 1, 2, 5])
def test_default_layer_of_a_transformer_is_its_last_block(prefix):
    model = HookedModel(Patches(prefix))
    maps, output = model.forward(torch.randn(2, 3, 32, 48))
    assert model.layer_name == "block" and model.layout.prefix == prefix
    assert maps.shape == (2, 8, 8, 12) and output.shape == (2, 5)


def test_default_layer_of_a_cnn_is_the_last_map_before_pooling():
    assert chosen_layer(cnn(), torch.randn(1, 3, 32, 32))[0] in ("0", "1", "2")  # one memory: in-place activation
    maps, _ = HookedModel(cnn()).forward(torch.randn(1, 3, 32, 32))
    assert (maps >= 0).all()


def test_layers_lists_everything_that_ran():
    found = {info.name: info for info in layers(Patches(), torch.randn(1, 3, 32, 32))}
    assert set(found) == {"patch_embed", "block", "norm", "drop", "head"}
    assert found["head"].layout is None and found["patch_embed"].shape == (1, 8, 8, 8)


@pytest.mark.parametrize("name", [n for n in model_names() if not n.startswith("scene")])
def test_every_backbone_gives_maps_at_both_layers(name):
    """The paper's twelve and the four of the data root, random weights, one explanation at each layer."""
    from cluscam_lite import ClusCAM

    spec = get_spec(name)
    module = load_model(spec, weights="random").module
    with torch.no_grad():  # LeViT's branches start at zero, and its last tokens would all be equal
        for p in module.parameters():
            if not p.any():
                p.normal_(generator=torch.Generator().manual_seed(0)).mul_(0.5)
    x = torch.randn(1, 3, spec.input_size, spec.input_size, generator=torch.Generator().manual_seed(0))
    for which in ("paper", "last"):
        e = ClusCAM.from_spec(spec, module, layer=which, n_clusters=3)(x)
        assert e.saliency.shape == (1, spec.input_size, spec.input_size) and e.forward_passes == 4
        assert e.saliency.min() == 0 and e.saliency.max() == 1, e.notes
    found = map_layers(module, x)
    assert found, "automatic choice"
    maps, _ = HookedModel(module, found[-1]).forward(x)
    assert maps.shape[1] >= 8 and maps.shape[2] == maps.shape[3]


def test_unknown_layer_names_the_nearest():
    with pytest.raises(UnknownName, match="unknown layer 'patch_embd'; nearest: patch_embed"):
        HookedModel(Patches(), "patch_embd")


def test_a_layer_without_maps_names_those_that_would_do():
    with pytest.raises(CluscamError, match=r"'head' gives a tensor of shape \(1, 5\), not maps; .*block, patch_embed"):
        HookedModel(Patches(), "head").forward(torch.randn(1, 3, 32, 32))


def test_a_layer_that_does_not_run():
    model = Patches()
    model.unused = nn.Linear(1, 1)
    with pytest.raises(CluscamError, match="did not run"):
        HookedModel(model, "unused").forward(torch.randn(1, 3, 32, 32))


def test_a_model_without_maps():
    with pytest.raises(CluscamError, match="no layer of this model gives feature maps"):
        HookedModel(nn.Sequential(nn.Flatten(), nn.Linear(48, 2))).forward(torch.randn(1, 3, 4, 4))


def test_the_model_is_left_as_it_was():
    model = cnn().train()
    model[1].eval()
    for p in model.parameters():
        p.requires_grad_(False)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    HookedModel(model, "2").forward(torch.randn(4, 3, 32, 32))
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())  # no statistics updated
    assert not any(m._forward_hooks for m in model.modules())


def test_hooks_and_modes_survive_an_error():
    model = cnn().train()
    with pytest.raises(CluscamError, match="does not take images of 7 channels"):
        HookedModel(model, "2").forward(torch.randn(1, 7, 32, 32))
    assert model.training and not any(m._forward_hooks for m in model.modules())
