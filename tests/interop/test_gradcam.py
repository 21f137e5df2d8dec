"""ClusCAM in the place of a class of pytorch-grad-cam, against the installed package.

The cases of `test_runs_as_the_packages_own_methods_do` are those of the package's own tests: its networks, sizes,
targets and smoothing.
"""

import numpy as np
import pytest
import torch
import torchvision
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.metrics.cam_mult_image import CamMultImageConfidenceChange
from pytorch_grad_cam.metrics.road import ROADMostRelevantFirst
from pytorch_grad_cam.utils.image import preprocess_image, show_cam_on_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget
from pytorch_grad_cam.utils.reshape_transforms import vit_reshape_transform
from torch import nn

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.interop.gradcam import ClusterCAM
from tests.tiny import images, network

SETTINGS = {"n_clusters": 6}


@pytest.fixture(scope="module")
def networks():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return {
            "resnet18": torchvision.models.resnet18(weights=None),
            "vgg11": torchvision.models.vgg11(weights=None),
        }


@pytest.mark.parametrize(("name", "layers"), [("resnet18", ["layer4.1", "layer4.0"]), ("vgg11", ["features.20"])])
@pytest.mark.parametrize(("batch_size", "width", "height"), [(2, 32, 32), (1, 32, 40)])
@pytest.mark.parametrize("category", [None, 100])
@pytest.mark.parametrize("eigen_smooth", [True, False])
@pytest.mark.parametrize("method", [ClusterCAM, GradCAM])
def test_runs_as_the_packages_own_methods_do(
    networks, name, layers, batch_size, width, height, category, eigen_smooth, method
):
    picture = np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8)
    x = preprocess_image(picture).repeat(batch_size, 1, 1, 1)
    model = networks[name]
    cam = method(model=model, target_layers=[model.get_submodule(layer) for layer in layers])
    cam.batch_size = 4
    targets = None if category is None else [ClassifierOutputTarget(category)] * batch_size
    maps = cam(input_tensor=x, targets=targets, aug_smooth=False, eigen_smooth=eigen_smooth)
    assert maps.shape == (batch_size, height, width)
    assert maps.dtype == np.float32
    assert maps.min() >= 0 and maps.max() <= 1 + 1e-6


def test_one_layer_gives_cluscams_own_map_and_its_explanation():
    model, x = network(), images(3)
    with ClusterCAM(model, [model[1]], **SETTINGS) as cam:
        maps = cam(input_tensor=x, targets=[ClassifierOutputTarget(c) for c in (0, 4, 2)])
    expected = ClusCAM(model, "1", **SETTINGS)(x, torch.tensor([0, 4, 2]))
    assert isinstance(cam, BaseCAM)
    assert np.array_equal(maps, expected.saliency.numpy())
    assert torch.equal(cam.explanations[0].scores, expected.scores)
    assert torch.equal(cam.outputs, expected.output)


def test_several_layers_are_averaged():
    model, x = network(), images(2)
    maps = ClusterCAM(model, [model[0], model[1]], **SETTINGS)(x, None)
    one, other = (ClusCAM(model, layer, **SETTINGS)(x).saliency.numpy() for layer in ("0", "1"))
    mean = (one + other) / 2
    low, high = mean.min((1, 2), keepdims=True), mean.max((1, 2), keepdims=True)
    assert np.allclose(maps, (mean - low) / (high - low), atol=1e-6)


def test_each_image_has_a_target_of_its_own():
    model, x = network(), images(2)
    wanted = [ClassifierOutputTarget(3), lambda row: 2 * row[1] - row[0]]
    maps = ClusterCAM(model, [model[1]], **SETTINGS)(x, wanted)
    first = ClusCAM(model, "1", **SETTINGS)(x[:1], 3).saliency
    second = ClusCAM(model, "1", **SETTINGS)(x[1:], lambda output: 2 * output[:, 1] - output[:, 0]).saliency
    assert np.allclose(maps, torch.cat([first, second]).numpy(), atol=1e-5)


def test_a_softmax_target_is_not_taken_for_the_logit():
    model, x = network(), images(1)
    cam = ClusterCAM(model, [model[1]], **SETTINGS)
    cam(x, [ClassifierOutputSoftmaxTarget(2)])
    assert cam.explanations[0].scores.abs().max() <= 1


def test_a_reshape_transform_is_used():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.block, self.head = nn.Conv2d(3, 8, 2, 2), nn.Linear(8, 8), nn.Linear(8, 4)

        def forward(self, x):
            tokens = self.patches(x).flatten(2).transpose(1, 2)
            return self.head(self.block(torch.cat([tokens.mean(1, keepdim=True), tokens], 1))[:, 0])

    model, x = Tokens().eval(), images(2, 28, 28)
    maps = ClusterCAM(model, [model.block], reshape_transform=vit_reshape_transform, n_clusters=3)
    assert maps(x, None).shape == (2, 28, 28)
    assert maps.explanations[0].centroids.shape == (2, 3, 14, 14)
    with pytest.raises(CluscamError, match=r"reshape gives a tensor of shape \(2, 197, 8\) for 2 images"):
        ClusterCAM(model, [model.block], reshape_transform=lambda tokens: tokens, n_clusters=3)(x, None)


def test_augmentation_and_the_packages_metrics_and_picture_take_it():
    model, x = network(), images(1, 36, 36)
    target = [ClassifierOutputTarget(1)]
    cam = ClusterCAM(model, [model[1]], **SETTINGS)
    maps = cam(x, target, aug_smooth=True)
    assert maps.shape == (1, 36, 36) and not np.allclose(maps, cam(x, target))
    assert show_cam_on_image(np.zeros((36, 36, 3), np.float32), maps[0], use_rgb=True).shape == (36, 36, 3)
    score = [ClassifierOutputSoftmaxTarget(1)]
    with torch.no_grad():
        assert np.isfinite(CamMultImageConfidenceChange()(x, maps, score, model)).all()
        assert np.isfinite(ROADMostRelevantFirst(percentile=75)(x, maps, score, model)).all()


def test_the_network_is_given_back_as_it_was():
    model, x = network().train(), images(1)
    with ClusterCAM(model, [model[1]], **SETTINGS) as cam:
        assert model.training
        cam(x, None)
    assert all(part.training for part in model.modules())
    assert not any(part._forward_hooks for part in model.modules())


@pytest.mark.parametrize(
    ("layers", "message"),
    [([], "target_layers is empty"), ([nn.ReLU()], "layer is a ReLU that is not part of the model")],
)
def test_wrong_layers_are_one_sentence(layers, message):
    with pytest.raises(CluscamError, match=message):
        ClusterCAM(network(), layers)


def test_wrong_targets_are_one_sentence():
    cam = ClusterCAM((model := network()), [model[1]], **SETTINGS)
    with pytest.raises(CluscamError, match="2 functions for 1 images"):
        cam(images(1), [lambda row: row[0]] * 2)
    with pytest.raises(CluscamError, match=r"target 0 gives \(5,\) for its image; expected one number"):
        cam(images(1), [lambda row: row])


def test_a_setting_that_there_is_not_is_named_with_the_nearest():
    with pytest.raises(CluscamError, match="unknown setting of ClusCAM 'clusters'; nearest: n_clusters"):
        ClusterCAM(nn.Sequential(nn.Conv2d(3, 4, 3)), [nn.Conv2d(3, 4, 3)], clusters=4)


def _cam():
    net = network()
    return ClusterCAM(net, [net[1]], **SETTINGS)


@pytest.mark.parametrize("kind", ["number", "text", "dictionary", "tensor", "target"])
def test_targets_that_are_no_list_are_told_so(kind):
    targets = dict(number=1, text="a", dictionary={}, tensor=torch.tensor(1), target=ClassifierOutputTarget(1))[kind]
    with _cam() as cam, pytest.raises(CluscamError) as told:
        cam(input_tensor=images(), targets=targets)
    assert "expected a list with a target for each image, such as [ClassifierOutputTarget(281)]" in str(told.value)


def test_classes_as_an_array_are_classes():
    with _cam() as cam:
        wanted = cam(input_tensor=images(), targets=[ClassifierOutputTarget(1), ClassifierOutputTarget(2)])
        for classes in (torch.tensor([1, 2]), np.array([1, 2])):
            assert np.array_equal(cam(input_tensor=images(), targets=classes), wanted)
