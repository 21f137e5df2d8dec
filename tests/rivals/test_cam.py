"""CAM by hand, by the letter, and beside GradCAM."""

import pytest
import torch
from callers import Failing, untouched
from tiny import images, network
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.datasets import load_dataset
from cluscam_lite.errors import CluscamError, NotApplicable, UnknownName
from cluscam_lite.models import load_model
from cluscam_lite.rivals.cam import CAM, class_activation, classifier


def by_hand():
    """Two maps: the red channel of 2 x 2 pixels, and the green; class 1 is red less half of green."""
    model = nn.Sequential(
        nn.Conv2d(3, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)
    ).eval()  # fmt: skip
    with torch.no_grad():
        model[0].weight[:, :, 0, 0] = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
        model[3].weight[:] = torch.tensor([[0.0, 1.0], [1.0, -0.5]])
        model[3].bias[:] = torch.tensor([0.0, 7.0])
    x = torch.zeros(1, 3, 2, 2)
    x[0, 0], x[0, 1] = torch.tensor([[4.0, 2], [0, 0]]), torch.tensor([[0.0, 0], [0, 4]])
    return model, x


def test_by_hand():
    model, x = by_hand()
    e = CAM(model, "0")(x)  # 4 2 / 0 -2, whose mean and the bias are the logit
    assert e.target.item() == 1 and e.output[0, 1].item() == 8
    torch.testing.assert_close(e.saliency[0], torch.tensor([[6.0, 4], [2, 0]]) / 6)
    torch.testing.assert_close(CAM(model, "0")(x, 0).saliency[0], torch.tensor([[0.0, 0], [0, 1]]))
    assert (e.forward_passes, e.backward_passes, e.layer) == (1, 0, "0") and e.notes[1] == "classifier: '3'"


def test_the_mean_of_the_map_is_the_logit_less_the_bias():
    model, x = network(), images(3)
    maps, output = HookedModel(model, "1").forward(x)
    _, weights = classifier(model, maps, output)
    raw = class_activation(maps, weights[output.argmax(1)])
    expected = output.max(1).values - model[4].bias[output.argmax(1)]
    torch.testing.assert_close(raw.mean((1, 2)), expected)


def gradcam_of(raw, size):
    """What GradCAM makes of CAM's raw map (B, h, w): ReLU, min-max, OpenCV's resize, min-max."""
    image = pytest.importorskip("pytorch_grad_cam.utils.image")
    small = image.scale_cam_image(raw.clamp(min=0).numpy(), size[::-1])
    return torch.from_numpy(image.scale_cam_image(small))


def check_against_gradcam(model, layer, x):
    from cluscam_lite.rivals.gradcam_family import GradCAM

    maps, output = HookedModel(model, layer).forward(x)
    _, weights = classifier(model, maps, output)
    raw = class_activation(maps, weights[output.argmax(1)])
    g = GradCAM(model, layer)(x)
    torch.testing.assert_close(g.saliency, gradcam_of(raw, tuple(x.shape[-2:])), rtol=0, atol=1e-5)
    return raw, g


def test_the_positive_part_of_cam_is_gradcam_up_to_scale():
    model, x = network(), images(3)
    raw, _ = check_against_gradcam(model, "1", x)
    assert (raw < 0).any() and (raw > 0).any()
    with torch.no_grad():
        model[4].weight.abs_()  # nothing negative is left: now they are the same map, resized before or after min-max
    raw, g = check_against_gradcam(model, "1", x)
    assert (raw >= 0).all()
    torch.testing.assert_close(CAM(model, "1")(x).saliency, g.saliency, rtol=0, atol=0.05)


@pytest.mark.parametrize("name", ["mobileone_s0", "resnet50_v1"])
def test_real_networks(name, data_root):
    loaded = load_model(name, data_root=data_root)
    x = loaded.spec.preprocess()(load_dataset("ilsvrc", part="pilot", n=1, data_root=data_root)[0].image)[None]
    check_against_gradcam(loaded.module, loaded.spec.layer("paper"), x)
    e = CAM(loaded.module, loaded.spec.layer("paper"))(x)
    assert not e.uniform and e.saliency.max() == 1


def test_a_convolution_may_classify():
    model = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 4, 1), nn.Flatten()
    )
    x = images()
    assert CAM(model, "1")(x).notes[1] == "classifier: '3'"


class Max(nn.Module):
    def forward(self, x):
        return x.amax((2, 3))


@pytest.mark.parametrize(
    "head",
    [
        [Max(), nn.Linear(6, 4)],  # not a mean
        [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 4)],  # not linear
        [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 4)],  # not one mean per map
        [nn.Conv2d(6, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()],
    ],
)
def test_other_heads_do_not_apply(head):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 5, stride=4), nn.ReLU(), *head)
    with pytest.raises(NotApplicable, match="averages the maps of its last layer"):
        CAM(model, "1")(images())


def test_a_transformer_does_not_apply():
    loaded = load_model("scene_vit")
    with pytest.raises(NotApplicable, match="after 'blocks.5'"):
        CAM(loaded.module, "blocks.5")(images(1, 96, 96))


def test_a_batch_gives_what_its_images_give():
    model, x = network(), images(3)
    together = CAM(model)(x, torch.tensor([0, 2, 1]))
    for i, c in enumerate([0, 2, 1]):
        torch.testing.assert_close(together.saliency[i], CAM(model)(x[i : i + 1], c).saliency[0], rtol=0, atol=1e-5)


def test_the_caller_finds_the_model_as_it_was():
    model = network()
    with untouched(model):
        CAM(model)(images())
    for how, error in (("raise", RuntimeError), ("nan", CluscamError)):
        broken = nn.Sequential(*network(), Failing(nn.Identity(), 0, how))
        with untouched(broken), pytest.raises(error):
            CAM(broken, "1")(images())


def test_a_map_without_contrast_is_flagged():
    model = network()
    with torch.no_grad():
        model[0].weight[:] = 0
    e = CAM(model)(images())
    assert e.uniform.all() and not e.saliency.any()


def test_what_a_user_can_get_wrong():
    with pytest.raises(UnknownName, match="unknown layer"):
        CAM(network(), "layr")
    with pytest.raises(CluscamError, match="not maps"):
        CAM(network(), "4")(images())
    with pytest.raises(CluscamError, match="explains a class"):
        CAM(network())(images(), lambda output: output[:, 0])
    with pytest.raises(NotApplicable, match="inside a torch module"):
        CAM(object())
