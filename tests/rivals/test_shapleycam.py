"""ShapleyCAM: gradient less half of the Hessian times the maps, and where that is GradCAM or does not exist."""

import pytest
import torch
from packages import Tokens, directly
from tiny import images, network
from torch import nn

from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.errors import NotApplicable
from cluscam_lite.rivals.gradcam_family import GradCAM, ShapleyCAM

grad_cam = pytest.importorskip("pytorch_grad_cam")


def hessian_term(model, layer, x, target):
    """Gradient and Hessian-vector product by the letter, one image: weights (d,), maps (d, h, w)."""
    maps, _ = HookedModel(model, layer).forward(x)

    def logit(values):
        handle = model.get_submodule(layer).register_forward_hook(lambda _m, _i, out: values.view_as(out))
        try:
            return model(x)[0, target]
        finally:
            handle.remove()

    flat = maps.flatten()
    gradient = torch.autograd.functional.jacobian(logit, flat)
    hessian = torch.autograd.functional.hessian(logit, flat)
    weights = (gradient - 0.5 * hessian @ flat).view(maps.shape).mean((2, 3))
    return weights[0], maps[0]


def test_shapleycam_is_gradient_less_half_of_the_hessian_times_the_maps():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 8, stride=8), nn.Tanh(), nn.Conv2d(4, 4, 2), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip
    x = images(1, 32, 40)
    e = ShapleyCAM(model, "1")(x)
    weights, maps = hessian_term(model, "1", x, int(e.target))
    raw = (weights[:, None, None] * maps).sum(0).relu().numpy()
    scale = grad_cam.utils.image.scale_cam_image
    expected = torch.from_numpy(scale(scale(raw[None], (40, 32))))
    torch.testing.assert_close(e.saliency, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(e.saliency, directly("ShapleyCAM", model, "1", x, e.target), rtol=0, atol=1e-5)
    assert e.backward_passes == 2 and not (e.saliency - GradCAM(model, "1")(x).saliency).abs().max() < 1e-3


def test_shapleycam_of_a_linear_head_is_gradcam_and_says_so():
    model, x = network().requires_grad_(False), images()
    e = ShapleyCAM(model, "1")(x)
    torch.testing.assert_close(e.saliency, GradCAM(model, "1")(x).saliency)
    assert e.backward_passes == 1 and "second-order term: zero" in e.notes[-1]
    rest = ShapleyCAM(model, "1", utility="rest")(x)  # the log probability bends it
    assert rest.backward_passes == 2 and (rest.saliency - e.saliency).abs().max() > 1e-3


@pytest.mark.parametrize("layer", ["norm", "embed"])
def test_shapleycam_of_a_transformer(layer):
    e = ShapleyCAM(Tokens(), layer)(images(2, 32, 40))
    assert not e.uniform.any() and e.backward_passes == 2


def test_shapleycam_where_there_is_no_second_derivative():
    class Never(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            raise NotImplementedError("no derivative")

    class Once(Never):
        @staticmethod
        def backward(ctx, gradient):
            return Never.apply(gradient)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 4, stride=4), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(Once.apply(self.conv(x)).tanh().mean((2, 3)))

    with pytest.raises(NotApplicable, match="ShapleyCAM failed"):
        ShapleyCAM(Model(), "conv")(images())
