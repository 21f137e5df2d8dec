"""ClusCAM as an attribution method of Captum (extra ``captum``).

>>> from cluscam_lite.interop.captum import ClusCAMAttribution
>>> attributions = ClusCAMAttribution(model, "layer4", n_clusters=30).attribute(x, target=281)    # doctest: +SKIP
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..algorithm.features import HookedModel
from ..algorithm.targets import Target
from ..cluscam import ClusCAM, check_names
from ..errors import CluscamError
from ..packages import from_extra

with from_extra("captum"):
    from captum.attr import Attribution


class ClusCAMAttribution(Attribution):  # type: ignore[misc]
    """`cluscam_lite.ClusCAM` with Captum's signature.

    Args:
        model: a torch module that gives logits.
        layer: the module whose maps are read, or its dotted name; None takes the deepest that gives maps.
        settings: of `ClusCAM`.

    Raises:
        UnknownName: no such layer.
        CluscamError: a setting out of range.
    """

    def __init__(self, model: nn.Module, layer: str | nn.Module | None = None, **settings: Any) -> None:
        super().__init__(model)
        self.model, self.layer, self.settings = model, layer, settings
        check_names(settings)
        ClusCAM(model, layer, **settings)  # a wrong setting is told now

    def attribute(
        self,
        inputs: Tensor | tuple[Tensor, ...],
        target: Any = None,
        additional_forward_args: Any = None,
    ) -> Tensor | tuple[Tensor, ...]:
        """Saliency of the images, of the inputs' shape as Captum's metrics need it: each channel bears the same map.

        Args:
            inputs: images (B, 3, H, W), or a tuple of that one tensor.
            target: a class, a tensor or list of B classes, or for outputs of more axes a tuple of indices or a list of
                B tuples. None explains each image's first class.
            additional_forward_args: what the model is called with after the images. Tensors of length B are taken
                image by image, everything else is passed on as it is.

        Returns:
            In [0, 1], a tensor or tuple as the inputs are.

        Raises:
            CluscamError: several tensors of inputs, or as `ClusCAM`.
        """
        x = inputs[0] if isinstance(inputs, tuple) else inputs
        if isinstance(inputs, tuple) and len(inputs) != 1:
            raise CluscamError(
                f"inputs are {len(inputs)} tensors; expected the images alone: give the others as "
                "additional_forward_args"
            )
        if additional_forward_args is None:
            saliency = ClusCAM(self.model, self.layer, **self.settings)(x, _target(target, None)).saliency
        else:
            extra = additional_forward_args
            extra = extra if isinstance(extra, tuple) else (extra,)
            saliency = torch.cat([self._one(x, i, target, extra) for i in range(len(x))])
        found = saliency.to(x.dtype)[:, None].expand_as(x).clone()
        return (found,) if isinstance(inputs, tuple) else found

    def _one(self, x: Tensor, i: int, target: Any, extra: tuple[Any, ...]) -> Tensor:
        own = tuple(
            one[i : i + 1] if isinstance(one, Tensor) and one.ndim and len(one) == len(x) else one for one in extra
        )

        def call(module: nn.Module, images: Tensor) -> Any:
            given = (
                one.expand(len(images), *one.shape[1:]) if one is not whole and isinstance(one, Tensor) else one
                for one, whole in zip(own, extra, strict=True)
            )
            return module(images, *given)

        model = HookedModel(self.model, self.layer, call=call)
        return ClusCAM(model, **self.settings)(x[i : i + 1], _target(target, i)).saliency


def _target(target: Any, i: int | None) -> Target:
    """Captum's target as ClusCAM's; `i`: the image alone whose target is wanted."""
    if isinstance(target, Tensor) and target.numel() == 1:
        if target.is_floating_point() or target.dtype == torch.bool:
            raise CluscamError(f"target is {target.tolist()!r}; expected a class, a whole number")
        target = int(target)
    if i is not None and isinstance(target, list | Tensor):
        target = target[i : i + 1]
    if isinstance(target, tuple):
        return lambda output: output[(slice(None), *target)]
    if isinstance(target, list) and any(isinstance(one, tuple) for one in target):
        return [_index(one) for one in target]
    if isinstance(target, Sequence):
        return torch.as_tensor(target)
    wanted: Target = target
    return wanted


def _index(place: Any) -> Any:
    return lambda row: row[place]
