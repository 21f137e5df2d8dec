"""Trivial maps: they know nothing of the network, so whatever they score is no evidence of understanding it.

Their one forward pass only names the explained class.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..algorithm.features import MapsModel
from ..algorithm.given import Normalization, checked_normalization
from ..algorithm.inputs import checked_input, maps_model
from ..algorithm.masks import upsample
from ..algorithm.scoring import without_autocast
from ..algorithm.targets import Target
from ..errors import CluscamError, is_number
from ..explanation import Explanation
from ..packages import from_extra
from .common import ask, min_max
from .nulls import check_seeds, noise_of_seeds

LUMA = (0.299, 0.587, 0.114)  # grey from red, green and blue (ITU-R BT.601)


class TrivialMap(ABC):
    """What trivial maps share: `model` as every method takes it, and a `layer` that is not read."""

    reads_layer = False

    def __init__(self, model: nn.Module | MapsModel, layer: str | None = None):
        self.model = maps_model(model, layer)

    @abstractmethod
    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Saliency (B, H, W) in [0, 1], and uniform (B,): where there is nothing to show."""

    @torch.no_grad()
    @without_autocast
    def __call__(self, x: Tensor, target: Target = None) -> Explanation:
        """The map of each normalised image of `x` (B, 3, H, W); `target`: None (top-1), a class, a LongTensor (B,)."""
        x = checked_input(x, self.model)
        return self.named(x, self.model.output(x), target)

    @torch.no_grad()
    def named(self, x: Tensor, output: Tensor, target: Target = None) -> Explanation:
        """As a call, of images whose `output` (B, C) is known: no pass is left to make."""
        question = ask(output, target, len(x))
        saliency, uniform = self.maps(x.float())
        return Explanation(saliency, question.target, question.output, uniform)


class Ones(TrivialMap):
    """All ones: the image as it is. Nothing drops, nothing is gained. Not flagged as uniform: it means its ones."""

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Ones."""
        return torch.ones_like(x[:, 0]), torch.zeros(len(x), dtype=torch.bool, device=x.device)


class FakeCAM(TrivialMap):
    """All ones but for the pixel in the upper left corner, which is 0 (Poppi et al. 2021, Section 3.1).

    Made to show that AD, IC and AG alone can be had for nothing.
    """

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Ones and a zero; an image of one pixel has the zero alone."""
        saliency = torch.ones_like(x[:, 0])
        saliency[:, 0, 0] = 0
        return saliency, saliency.flatten(1).amax(1) == 0


class Centre(TrivialMap):
    """A Gaussian in the middle, min-max normalised; its standard deviation is `sigma` times either side."""

    def __init__(self, model: nn.Module | MapsModel, layer: str | None = None, sigma: float = 0.25):
        super().__init__(model, layer)
        self.sigma = _positive(sigma)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same map for every image."""
        rows, columns = (_bump(n, self.sigma).to(x.device) for n in x.shape[-2:])  # (H,), (W,)
        return min_max((rows[:, None] * columns).float().repeat(len(x), 1, 1))


class Random(TrivialMap):
    """One random smooth map: uniform noise on a 7 x 7 grid, upsampled and min-max normalised; from `seed` alone.

    One seed for all images, or one for each.
    """

    def __init__(self, model: nn.Module | MapsModel, layer: str | None = None, seed: int | Sequence[int] = 0):
        super().__init__(model, layer)
        check_seeds(seed)
        self.seed = seed

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """A map for every image; the same, if there is one seed."""
        size = (x.shape[-2], x.shape[-1])
        return min_max(upsample(noise_of_seeds(self.seed, len(x), 1, size), size)[:, 0].to(x))


class Edges(TrivialMap):
    """How steep the picture's brightness is: the magnitude of the Sobel gradient, min-max normalised.

    The network does not enter; maps that look like this one are edge detectors (Adebayo et al. 2018). Lines one
    pixel wide are hardly a map of regions, so the magnitude is smoothed by a Gaussian, whose standard deviation is
    `sigma` times the shorter side. Grey is the luma of the image, for which `normalization` (mean, std) of the input is
    undone; without it, of the normalised channels as they are. A picture of one colour gives zeros, flagged uniform.
    """

    def __init__(
        self,
        model: nn.Module | MapsModel,
        layer: str | None = None,
        sigma: float = 0.02,
        normalization: Normalization | None = None,
    ):
        super().__init__(model, layer)
        self.sigma, self.normalization = _positive(sigma), checked_normalization(normalization)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Each image's own edges."""
        steep = sobel(grey(x, self.normalization))  # (B, H, W)
        # what is flat up to rounding has no edges
        steep = steep.where(steep > 1e-5 * x.abs().amax((1, 2, 3), keepdim=True)[:, 0], 0)
        return min_max(_blurred(steep, self.sigma * min(x.shape[-2:])))


def grey(x: Tensor, normalization: Normalization | None = None) -> Tensor:
    """Brightness (B, H, W) of normalised images (B, 3, H, W), in 0 to 1 where `normalization` is given."""
    weights = x.new_tensor(LUMA).view(1, 3, 1, 1)
    if normalization is not None:
        mean, std = (x.new_tensor(values).view(1, 3, 1, 1) for values in normalization)
        x = x * std + mean
    return (x * weights).sum(1)


def sobel(images: Tensor) -> Tensor:
    """Magnitude of the Sobel gradient of images (B, H, W), (B, H, W); beyond the border the edge pixels go on."""
    kernel = images.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    padded = torch.nn.functional.pad(images[:, None], (1, 1, 1, 1), mode="replicate")  # (B, 1, H + 2, W + 2)
    both = torch.nn.functional.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])  # (B, 2, H, W)
    return both.square().sum(1).sqrt()


def _blurred(maps: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing of (B, H, W); sigma in pixels; the kernel, 3 sigma to each side, is kept within the map."""
    with from_extra("models"):
        from torchvision.transforms.v2.functional import gaussian_blur

    reach = min(max(1, round(3 * sigma)), min(maps.shape[-2:]) - 1)
    return gaussian_blur(maps, [2 * reach + 1] * 2, [sigma] * 2) if reach > 0 else maps


def _bump(n: int, sigma: float) -> Tensor:
    """A Gaussian over n pixels, centred, sigma in shares of n: (n,) float64."""
    place = (torch.arange(n, dtype=torch.float64) + 0.5) / n - 0.5
    return torch.exp(-0.5 * (place / sigma) ** 2)


def _positive(sigma: float) -> float:
    if not is_number(sigma) or not 0 < sigma < float("inf"):
        raise CluscamError(f"sigma is {sigma!r}; expected a share of the image's side above 0, such as 0.25")
    return sigma
