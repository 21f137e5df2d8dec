"""ClusCAM in the place of a method of pytorch-grad-cam (extra ``rivals``).

>>> from cluscam_lite.interop.gradcam import ClusterCAM
>>> with ClusterCAM(model=model, target_layers=[model.layer4[-1]]) as cam:            # doctest: +SKIP
...     maps = cam(input_tensor=x, targets=[ClassifierOutputTarget(281)])             # (B, H, W) in [0, 1], NumPy
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..algorithm.borrowed import eval_mode
from ..algorithm.features import HookedModel
from ..algorithm.maps.layouts import size_of
from ..algorithm.targets import Target
from ..cluscam import ClusCAM, check_names
from ..errors import CluscamError, is_whole
from ..explanation import ClusteredExplanation
from ..packages import from_extra

with from_extra("rivals"):
    from pytorch_grad_cam.base_cam import BaseCAM
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection


class ClusterCAM(BaseCAM):  # type: ignore[misc]
    """`cluscam_lite.ClusCAM` with the signature of pytorch-grad-cam's classes.

    Unlike these it puts no hook on the network between calls, and gives it back in the mode in which it was.

    Args:
        model: a torch module.
        target_layers: modules of it whose maps are read; the maps of several layers are averaged.
        reshape_transform: what a target layer gives -> maps (B, d, h, w), for one that ClusCAM cannot read by itself.
        tta_transforms: for ``aug_smooth=True``, as in pytorch-grad-cam.
        settings: of `ClusCAM`: n_clusters, drop_ratio, temperature, seed, batch_size, ...

    Attributes:
        outputs: of the last call, as the network gave them.
        explanations: of the last call, one for each target layer, with masks, scores and weights.

    Raises:
        CluscamError: no target layer, one that is not in the model, or a setting out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        target_layers: Sequence[nn.Module],
        reshape_transform: Callable[[Any], Tensor] | None = None,
        tta_transforms: Any = None,
        **settings: Any,
    ) -> None:
        if isinstance(target_layers, nn.Module | str) or not isinstance(target_layers, Iterable):
            raise CluscamError(
                f"target_layers is a {type(target_layers).__name__}; expected a list of modules, such as [model.layer4]"
            )
        target_layers = list(target_layers)
        if not target_layers:
            raise CluscamError("target_layers is empty; expected at least one module of the model")
        with eval_mode(model):  # the package would leave it so
            super().__init__(model, [], reshape_transform, uses_gradients=False, tta_transforms=tta_transforms)
        check_names(settings)
        self.target_layers = target_layers
        self.batch_size: int | None = settings.pop("batch_size", None)
        self.cams = [
            ClusCAM(HookedModel(model, layer, reshape=reshape_transform), **settings) for layer in target_layers
        ]
        self.explanations: list[ClusteredExplanation] = []

    def __del__(self) -> None:
        """Nothing: the package's own methods take their hooks away here, and this one leaves none."""

    def forward(
        self, input_tensor: Tensor, targets: Sequence[Callable[[Any], Any]] | None, eigen_smooth: bool = False
    ) -> np.ndarray:
        """Maps of a batch.

        Args:
            input_tensor: (B, 3, H, W), normalised as the network needs it.
            targets: one function of its row of the output for each image; None explains each image's first class.
            eigen_smooth: the first principal pattern of the weighted masks in the place of their sum.

        Returns:
            (B, H, W) float32 in [0, 1].

        Raises:
            CluscamError: as `ClusCAM`.
        """
        for cam in self.cams:
            cam.batch_size = self.batch_size  # users set it after construction, as on the package's own classes
        target = _classes(targets)
        self.explanations = [cam(input_tensor, target) for cam in self.cams]
        self.outputs = self.explanations[0].output
        height, width = size_of(input_tensor)
        if eigen_smooth:
            maps = [scale_cam_image(_principal(e), (width, height)) for e in self.explanations]
        else:
            maps = [e.saliency.cpu().numpy().astype(np.float32) for e in self.explanations]
        together: np.ndarray = maps[0] if len(maps) == 1 else scale_cam_image(np.mean(maps, axis=0))
        return together


def _principal(e: ClusteredExplanation) -> np.ndarray:
    weighted = e.weights[..., None, None] * e.centroids  # (B, K, h, w)
    found: np.ndarray = np.maximum(get_2d_projection(weighted.float().cpu().numpy()), 0)
    return found


def _classes(targets: Sequence[Any] | None) -> Target:
    """The classes as a tensor where all targets are classes, which is quicker than a call for each row.

    Raises CluscamError for anything but a list, or the classes (B,) as an array.
    """
    if targets is None:
        return None
    if isinstance(targets, Tensor | np.ndarray) and targets.ndim == 1:
        return torch.as_tensor(targets)
    if not isinstance(targets, Sequence) or isinstance(targets, str):
        raise CluscamError(
            f"targets is a {type(targets).__name__}; expected a list with a target for each image, such as "
            "[ClassifierOutputTarget(281)]"
        )
    if targets and all(type(one) is ClassifierOutputTarget and is_whole(one.category) for one in targets):
        return torch.tensor([one.category for one in targets])
    return list(targets)
