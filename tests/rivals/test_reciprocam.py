"""ReciproCAM against its definition: one place at a time, through the whole network."""

import pytest
import torch
import torch.nn.functional as F
from callers import Counting, Failing, pyramid, untouched
from tiny import images, network
from torch import nn

from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.models import get_spec, load_model
from cluscam_lite.rivals.reciprocam import ReciproCAM, axis_masks, nothing_before

GAUSSIAN = [[1 / 16, 1 / 8, 1 / 16], [1 / 8, 1 / 4, 1 / 8], [1 / 16, 1 / 8, 1 / 16]]


def spatial_mask(i, j, h, w, gaussian):
    """M_n of place (i, j), neighbour by neighbour."""
    mask = torch.zeros(h, w)
    if not gaussian:
        mask[i, j] = 1
        return mask
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            if 0 <= i + di < h and 0 <= j + dj < w:
                mask[i + di, j + dj] = GAUSSIAN[di + 1][dj + 1]
    return mask


@torch.no_grad()
def oracle(net, layer, x, c, grid, gaussian, score="probability"):
    """One image x (3, H, W): the map (h, w), each place a pass of the network with a masking hook."""
    h, w = grid
    found = torch.zeros(h, w)
    for i in range(h):
        for j in range(w):
            mask = spatial_mask(i, j, h, w, gaussian)

            def hide(_module, _inputs, output, mask=mask):
                if output.ndim == 4:
                    return output * mask
                return torch.cat([output[:, :1], output[:, 1:] * mask.flatten()[None, :, None]], 1)

            handle = net.get_submodule(layer).register_forward_hook(hide)
            output = net(x[None])[0]
            handle.remove()
            found[i, j] = (output.softmax(0) if score == "probability" else output)[c]
    return found


def finished(found, size):
    """(h, w) -> (H, W): min-max normalised, upsampled, and again."""
    normal = (found - found.min()) / (found.max() - found.min())
    up = F.interpolate(normal[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    return (up - up.min()) / (up.max() - up.min())


@pytest.mark.parametrize("gaussian", [False, True])
@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize(("layer", "grid"), [("2", (11, 13)), ("6", (3, 4))])
def test_equals_the_definition(layer, grid, score, gaussian):
    net, x = pyramid(inplace=False), images()
    e = ReciproCAM(net, layer, gaussian=gaussian, score=score, batch_size=7)(x, torch.tensor([3, 1]))
    for i in range(len(x)):
        found = oracle(net, layer, x[i], e.target[i], grid, gaussian, score)
        torch.testing.assert_close(e.saliency[i], finished(found, x.shape[2:]), rtol=0, atol=1e-3)
    passes = f"{grid[0] * grid[1]} passes of what follows the layer"
    assert e.notes[1] == passes and e.forward_passes == 1 and e.backward_passes == 0


def test_by_hand():
    """Averaging and a linear layer: the place's own maps, divided by the number of places, give the logits."""
    net, x = network(), images(1)
    e = ReciproCAM(net, "1", score="logit")(x, 2)
    with torch.no_grad():
        maps = net[1](net[0](x))[0]  # (d, h, w)
        found = torch.einsum("k,khw->hw", net[4].weight[2], maps) / maps[0].numel() + net[4].bias[2]
    torch.testing.assert_close(e.saliency[0], finished(found, x.shape[2:]), rtol=0, atol=1e-4)


def test_masks():
    assert torch.equal(axis_masks(3, False), torch.eye(3))
    rows, columns = axis_masks(4, True), axis_masks(5, True)
    for i in range(4):
        for j in range(5):
            assert torch.equal(rows[i][:, None] * columns[j], spatial_mask(i, j, 4, 5, True))


@pytest.fixture(scope="module")
def scene_vit():
    spec = get_spec("scene_vit")
    return spec, load_model("scene_vit").module, spec.preprocess()(load_dataset("scenes", n=1)[0].image)[None]


def test_patches_of_a_transformer(scene_vit):
    spec, net, x = scene_vit
    e = ReciproCAM(net, spec.layer("paper"))(x)
    found = oracle(net, spec.layer("paper"), x[0], e.target[0], (12, 12), gaussian=False)
    torch.testing.assert_close(e.saliency[0], finished(found, x.shape[2:]), rtol=0, atol=1e-3)
    assert e.forward_passes == 1 + 144 and e.notes[1] == "144 passes of the whole network"


def test_tokens_of_a_transformer_keep_the_class_token(scene_vit):
    spec, net, x = scene_vit
    e = ReciproCAM(net, "blocks.3")(x)
    found = oracle(net, "blocks.3", x[0], e.target[0], (12, 12), gaussian=True)
    torch.testing.assert_close(e.saliency[0], finished(found, x.shape[2:]), rtol=0, atol=1e-3)
    assert e.forward_passes == 1 and e.layer == "blocks.3"


def test_the_last_block_is_masked_where_its_attention_looks(scene_vit):
    spec, net, x = scene_vit
    e, within = ReciproCAM(net, spec.layer("last"))(x), ReciproCAM(net, spec.layer("last_input"))(x)
    assert e.layer == within.layer == spec.layer("last_input") and not e.uniform.any()
    assert torch.equal(e.saliency, within.saliency)
    assert "does not read the patch tokens that 'blocks.5' gives" in e.notes[2] and len(within.notes) == 2


def test_a_last_block_without_normalisation_matters_nowhere():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.block, self.head = nn.Conv2d(3, 6, 8, stride=8), nn.Linear(6, 6), nn.Linear(6, 4)

        def forward(self, x):
            tokens = self.embed(x).flatten(2).mT
            return self.head(self.block(torch.cat([tokens.mean(1, keepdim=True), tokens], 1))[:, 0])

    e = ReciproCAM(Tokens(), "block")(images(2, 32, 32))
    assert e.uniform.all() and not e.saliency.any() and "no place matters" in e.notes[2]


def test_a_network_that_cannot_be_continued_counts_whole_passes():
    class First(nn.Conv2d):
        def forward(self, x):
            output = super().forward(x)
            self.mean = output.mean((2, 3))  # left outside of its output
            return output

    class Noted(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.head = First(3, 6, 5, stride=4), nn.Conv2d(6, 6, 1), nn.Linear(6, 4)

        def forward(self, x):
            return self.head(self.second(self.first(x)).mean((2, 3)) * self.first.mean)

    e = ReciproCAM(Noted(), "second")(images())
    assert e.forward_passes == 1 + 8 * 9 and e.notes[1] == "72 passes of the whole network"


def test_only_the_beginning_of_a_network_is_followed_by_all_of_it():
    x = images(1)
    net = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.Sequential(*pyramid()[3:]))
    assert nothing_before(net, "0.0", x) and nothing_before(net, "0", x)
    assert not nothing_before(net, "0.1", x) and not nothing_before(net, "1.0", x)
    around = nn.Sequential(pyramid()[:7], pyramid()[7:])
    assert not nothing_before(around, "0", x)  # it holds most of the network itself


def test_maps_without_contrast_give_zeros():
    flat = nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    nn.init.zeros_(flat[0].weight)
    for layer in ("0", "1"):  # constant maps, and maps of one cell
        e = ReciproCAM(flat, layer, gaussian=False)(images())
        assert e.uniform.all() and not e.saliency.any()


def test_a_batch_is_its_images():
    net, x = pyramid(), images(3)
    together = ReciproCAM(net, batch_size=5)(x)
    for i in range(3):
        alone = ReciproCAM(net)(x[i : i + 1])
        torch.testing.assert_close(together.saliency[i], alone.saliency[0], rtol=0, atol=1e-4)
        assert together.target[i] == alone.target[0] and together.layer == alone.layer


def test_leaves_the_model_as_it_was():
    net, x = pyramid(), images()
    with untouched(net):
        e = ReciproCAM(net)(x)
    assert not e.output.requires_grad and not e.saliency.requires_grad
    net[9] = Failing(net[9], 3, "raise")  # after the unmasked pass, the trial of the head and one chunk
    with untouched(net), pytest.raises(RuntimeError, match="out of order"):
        ReciproCAM(net, "6", batch_size=2)(x)


def test_runs_only_what_follows():
    net = pyramid()
    net[3], net[9] = Counting(net[3]), Counting(net[9])
    ReciproCAM(net, "6")(images(2))
    assert net[9].images > 2 * 12 and net[3].images <= 5


def test_one_sentence_for_what_cannot_be_done():
    net = network()
    net[4] = Failing(net[4], 2)
    with pytest.raises(CluscamError, match="NaN or infinite logits on masked maps"):
        ReciproCAM(net, "1", batch_size=2)(images())
    with pytest.raises(CluscamError, match="NaN or infinite logits; expected"):
        ReciproCAM(Failing(network(), 0), "module.1")(images())
    with pytest.raises(UnknownName, match="score"):
        ReciproCAM(network(), score="logits")
    with pytest.raises(UnknownName, match="layer"):
        ReciproCAM(network(), "7.conv")
    with pytest.raises(CluscamError, match="batch_size"):
        ReciproCAM(network(), batch_size=0)


@pytest.mark.parametrize("gaussian", ["no", 1, []])
def test_a_gaussian_is_yes_no_or_a_choice(gaussian):
    with pytest.raises(CluscamError, match="gaussian is .*; expected True, False, or None"):
        ReciproCAM(network(), "1", gaussian=gaussian)
