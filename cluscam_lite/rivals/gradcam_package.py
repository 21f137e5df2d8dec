"""The package `grad-cam`, lent a network that it gives back as it was.

Left to itself the package puts the network in eval mode for good, clears the gradients of its parameters, lets
backward fill them, and keeps its hooks until Python collects them; it cannot read every layout, and prints progress.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..algorithm.borrowed import eval_mode, frozen, hooked_here
from ..algorithm.features import HookedModel
from ..algorithm.inputs import check_finite
from ..algorithm.maps.layouts import Layout, could_be_otherwise, find_layout, size_of, stated_by, to_maps
from ..algorithm.maps.outputs import logits_of, passed
from ..algorithm.maps.steady import note_several_runs
from ..algorithm.targets import Target
from ..errors import CluscamError, NotApplicable
from ..explanation import Explanation
from .common import EQUAL_WEIGHTS, Question, ask, finish, min_max
from .gradients import check_differentiable
from .head import as_output

NAME = "pytorch_grad_cam"  # what the package is imported as
Utility = Callable[[int], Callable[[Tensor], Tensor]]


@dataclass(frozen=True)
class Found:
    """What the package made of a batch.

    Attributes:
        cam: (B, H, W), the package's own map.
        raw: (B, h, w), before ReLU and scaling.
        question: what was explained.
        layer: where the maps were read.
        layout: how.
        forward_passes: per image.
        flat: all gradients are zero.
        curved: the gradients depend on the maps: there is a second-order term.
        equal: the weights of all maps are the same, in an image.
    """

    cam: Tensor
    raw: Tensor
    question: Question
    layer: str
    layout: Layout
    forward_passes: int
    flat: bool = False
    curved: bool = False
    equal: bool = False

    @property
    def facts(self) -> tuple[str, ...]:
        """What to know of the maps."""
        return f"maps: {self.layout}", *[EQUAL_WEIGHTS] * self.equal


def package(part: str = "") -> ModuleType:
    """The package, or one of its modules. Raises CluscamError if it is not installed."""
    try:
        return import_module(f"{NAME}.{part}" if part else NAME)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] not in (NAME, "cv2", "ttach"):
            raise
        raise CluscamError(
            "this method needs the package grad-cam; pip install 'cluscam-lite[rivals]', or leave the method out"
        ) from error


def run(
    name: str,
    model: HookedModel,
    x: Tensor,
    target: Target,
    utility: Utility | None = None,
) -> Found:
    """One class of the package, of those with gradients, on a batch of images.

    The graph begins with the layer's maps, so that no backward pass goes further than it must. Where the package itself
    asks for the gradient of the pixels, for that of second order, it begins there.

    Args:
        name: of the class.
        model: the network and its layer; the layer is found here if it is None.
        x: (B, 3, H, W), normalised.
        target: None, a class, or a LongTensor (B,).
        utility: ``utility(class)(logits (C,))`` is what is explained; None: the logit of the class.

    Raises:
        NotApplicable: no gradient, no finite map, or something goes wrong within the package.
        CluscamError: a layer without maps. What the network itself raises is passed on.
    """
    kind = getattr(package(), name)
    check_differentiable(model.module)
    # a caller's no_grad or inference mode does not reach in here
    with torch.inference_mode(False), torch.enable_grad(), frozen(model.module), eval_mode(model.module):
        layer = model.layer_for(x)
        lent = _Lent(model.module, layer, x, target)
        cam = kind(lent, [lent.tap])
        lent.starts_graph = cam.detach  # else the package differentiates down to the pixels
        reader = _Reader(cam, lent)
        cam.get_cam_image = reader
        hook = hooked_here(model.module.get_submodule(layer), lent.read)
        pixels = x.detach().clone().requires_grad_(not lent.starts_graph)
        try:
            with hook, np.errstate(all="ignore"):
                made = cam(input_tensor=pixels, targets=[lent.target(i, utility) for i in range(len(x))])
        except _NoMaps:
            raise _why_no_maps(model, x) from None
        except Exception as error:
            if isinstance(error, CluscamError | torch.OutOfMemoryError) or error is lent.failure:
                raise
            raise NotApplicable(
                f"grad-cam's {name} failed on this network and layer ({type(error).__name__}: {error}); use another "
                "layer or method"
            ) from error
        finally:
            _release(cam)
    raw = torch.from_numpy(np.asarray(reader.raw, dtype=np.float32))
    if not torch.isfinite(raw).all():
        raise NotApplicable(
            f"grad-cam's {name} divides by zero on this image and layer and gives no finite map; use another layer"
        )
    assert lent.question is not None and lent.layout is not None  # the first pass sets both
    cam_made, passes = torch.from_numpy(made).to(x.device), lent.rows // len(x)
    if could_be_otherwise(lent.layout, lent.shape, size_of(x)):
        model.find_layer(x)  # or it says what is wrong
    return Found(cam_made, raw.to(x.device), lent.question, layer, lent.layout, passes, reader.flat, reader.curved)


def scaled(raw: Tensor, size: tuple[int, int]) -> Tensor:
    """The package's way from raw maps (B, h, w) to its own (B, H, W): ReLU, min-max, resize and min-max again."""
    scale = package("utils.image").scale_cam_image
    small = np.maximum(raw.float().cpu().numpy(), 0)
    return torch.from_numpy(scale(scale(small, (size[1], size[0])))).to(raw.device)


def explanation(found: Found, backward_passes: int, notes: tuple[str, ...]) -> Explanation:
    """The package's map as an `Explanation`; zeros, flagged, where the map has no contrast before it is scaled."""
    plain = finish(
        found.cam,
        size_of(found.cam),
        found.question,
        layer=found.layer,
        forward_passes=found.forward_passes,
        backward_passes=backward_passes,
        notes=notes,
    )
    # the package stretches whatever rounding leaves of a constant map
    uniform = plain.uniform | min_max(found.raw.clamp(min=0))[1]
    return replace(plain, saliency=plain.saliency.masked_fill(uniform[:, None, None], 0), uniform=uniform)


class _NoMaps(Exception):
    """The layer gave something that cannot be laid out as maps, or did not run."""


class _Lent(nn.Module):
    """The caller's network as the package sees it: one more module, `tap`, through which the layer's maps pass.

    What the package does to a model (train or eval, zero_grad, parameters' device) ends here.
    """

    def __init__(self, network: nn.Module, layer: str, x: Tensor, target: Target):
        super().__init__()
        self.network, self.tap = network, nn.Identity()
        self.anchor = nn.Parameter(torch.empty(0, device=x.device), requires_grad=False)  # also if it has none itself
        self.name, self.size, self.stated, self.images = layer, size_of(x), stated_by(network), len(x)
        self.explained = target
        self.starts_graph = False  # whether the graph of gradients starts at the layer's maps
        self.question: Question | None = None
        self.layout: Layout | None = None
        self.failure: Exception | None = None
        self.maps: Tensor | None = None
        self.shape: tuple[int, ...] = ()  # of the layer's output
        self.rows = 0

    def read(self, _module: nn.Module, _inputs: Any, output: Any) -> Tensor | None:
        """Forward hook of the layer: on the unmasked pass, send its maps through `tap`."""
        if self.question is not None:  # on masked ones the package would keep all maps, and use none
            return None
        self.layout = find_layout(output, self.size, self.stated, self.images)
        if self.layout is None:
            raise _NoMaps
        maps = to_maps(output, self.layout)  # (B, d, h, w)
        maps = maps.detach().requires_grad_() if self.starts_graph else maps
        short = maps.dtype in (torch.bfloat16, torch.float16)  # which the package, with NumPy, cannot read
        self.maps, self.shape = self.tap(maps.float() if short else maps), tuple(output.shape)
        # a copy, which the network may write into; the package keeps the maps as they are
        kept = self.maps.to(output.dtype) if short else self.maps.clone()
        return as_output(kept, self.layout, output[:, : self.layout.prefix])

    def forward(self, x: Tensor) -> Tensor:
        try:
            output = logits_of(passed(self.network, x), len(x))
        except Exception as error:
            self.failure = error
            raise
        self.rows += len(x)
        if self.question is None:
            self.question = ask(output.detach(), self.explained, len(x))
            if self.maps is None:
                raise _NoMaps
            check_finite(self.maps, self.question.baseline)
            self.maps = None
            if not output.requires_grad:
                raise _no_gradient(self.name)
        return output

    def target(self, image: int, utility: Utility | None) -> Callable[[Tensor], Tensor]:
        """What the package calls on each row of the output (C,): its class is known only after the first pass."""

        def value(output: Tensor) -> Tensor:
            assert self.question is not None
            explained = int(self.question.target[image])
            return output[explained] if utility is None else utility(explained)(output)

        return value

    def train(self, mode: bool = True) -> "_Lent":
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        return None


class _Reader:
    """Takes the place of the package's `get_cam_image`, and keeps what it gives before it is scaled."""

    def __init__(self, cam: Any, lent: _Lent):
        self.cam, self.lent, self.original = cam, lent, cam.get_cam_image
        self.raw: np.ndarray | None = None
        self.flat, self.curved = False, False

    def __call__(
        self, x: Tensor, layer: nn.Module, targets: list[Any], activations: Any, grads: Any, smooth: bool
    ) -> np.ndarray:
        found = self.cam.activations_and_grads
        note_several_runs(self.lent.name, len(found.activations))
        if len(found.activations) > 1:  # a layer used several times counts with its last use
            activations, grads = found.activations[-1], found.gradients[-1] if found.gradients else None
            if self.cam.detach:
                activations, grads = (None if v is None else v.numpy() for v in (activations, grads))
        if grads is None:
            raise _no_gradient(self.lent.name)
        self.flat = not grads.any()
        if isinstance(grads, Tensor):  # kept by ShapleyCAM to be differentiated again
            self.curved = grads.requires_grad
            # where they are constant it would stop: an unrelated graph makes its second-order term zero
            grads = grads if self.curved else grads.detach().requires_grad_()
        raw: np.ndarray = self.original(x, layer, targets, activations, grads, smooth)
        self.raw = raw
        return raw


def _no_gradient(layer: str) -> NotApplicable:
    return NotApplicable(
        f"this method needs gradients, but the output of this model does not depend differentiably on the layer "
        f"{layer!r}; use a method without gradients, another layer, or a model that keeps the graph (no detach, "
        "no_grad or integer arithmetic)"
    )


def _why_no_maps(model: HookedModel, x: Tensor) -> CluscamError:
    try:
        model.forward(x[:1])
    except CluscamError as error:
        return error
    return CluscamError(f"layer {model.layer_name!r} gives no maps in a pass with gradients; choose another layer")


def _release(cam: Any) -> None:
    """Remove the package's hooks. It detaches its tensors in place first, which fails for views: they go before."""
    kept = cam.activations_and_grads
    kept.activations, kept.gradients = [], []
    kept.release()
