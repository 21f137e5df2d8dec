"""What networks give: where the logits are, and what a target is given."""

import copy

import pytest
import torch
from anyone import SIZES, photographs, pooled, seeded
from torch import nn

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.algorithm.maps.outputs import class_logits, passed
from cluscam_lite.methods import METHODS, method


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
    with pytest.raises(CluscamError, match="the model gives a dict with the keys a for . images; expected logits"):
        ClusCAM(model, n_clusters=3)(photographs())


def test_as_many_clusters_as_there_are():
    x = photographs()
    few, many = pooled(nn.Conv2d(3, 8, 4, 4)), nn.Sequential(nn.Conv2d(3, 40, 4, 4), nn.Flatten(), nn.Linear(2560, 2))
    assert ClusCAM(few, "0")(x).masks.shape[1] == 8 and ClusCAM(many, "0")(x).masks.shape[1] == 30
    assert method("cluscam", few, layer="0")(x).masks.shape[1] == 8


def test_a_method_without_a_registered_network():
    model, x = seeded(lambda: pooled(nn.Conv2d(3, 8, 4, 4))), photographs()
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)
    found = method("cluscam", model, mean=mean, std=std, fill="black", n_clusters=3)(x)
    wanted = ClusCAM(model, fill="black", n_clusters=3, normalization=(mean, std))(x)
    assert torch.equal(found.saliency, wanted.saliency)
    with pytest.raises(CluscamError, match="mean and std go together"):
        method("cluscam", model, mean=mean)
    with pytest.raises(CluscamError, match="fill='black' needs"):
        method("cluscam", model, fill="black", n_clusters=3)(x)


def test_a_network_that_writes_into_its_input_leaves_the_callers_images():
    class Writes(nn.Module):
        def __init__(self, there):
            super().__init__()
            torch.manual_seed(0)
            self.net, self.there = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), *head()), there

        def forward(self, x):
            return self.net(x.mul_(0.5) if self.there else x * 0.5)

    def head():
        return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)

    x = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    given = x.clone()
    for name in ("cluscam", "scorecam", "gradcam", "reciprocam", "ablationcam", "groupcam", "opticam", "layercam"):
        e, expected = (method(name, Writes(there), layer="net.1")(given) for there in (True, False))
        torch.testing.assert_close(e.saliency, expected.saliency)
        assert torch.equal(given, x), name
    with torch.inference_mode():
        assert torch.equal(passed(Writes(True), given), passed(Writes(False), given)) and torch.equal(given, x)
