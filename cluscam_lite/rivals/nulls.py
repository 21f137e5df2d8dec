"""Null methods: ClusCAM's passes and weights, spent on masks that know nothing of its clusters.

AD, IC and AG reward whatever keeps the logit up. What `Donor` and `Smooth` reach is reached by choosing among masks
by their scores; only what ClusCAM reaches beyond them can be due to its clusters.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..algorithm.clustering import BACKENDS, N_CLUSTERS
from ..algorithm.features import MapsModel
from ..algorithm.given import Normalization, checked_normalization
from ..algorithm.inputs import check_seed, check_settings, checked_input, maps_model
from ..algorithm.masks import normalized_maps
from ..algorithm.scoring import FILLS, without_autocast
from ..algorithm.targets import Target
from ..algorithm.weighting import EQUAL_SCORES, all_equal
from ..cluscam import ClusCAM
from ..errors import CluscamError, check_known, is_whole
from ..explanation import Explanation, notes_of_weights
from ..reading import Groups, read
from .common import read_class

GRID = 7  # cells along each side of a random map: the grid of a CNN's last maps at 224 x 224


@dataclass(repr=False, eq=False)
class _Settings:
    """Arguments that null methods share with `ClusCAM`."""

    model: nn.Module | MapsModel
    layer: str | nn.Module | None = None
    n_clusters: int | None = None
    drop_ratio: float = 0.37
    temperature: float | None = None
    seed: int = 0
    fill: str | Tensor = "mean"
    normalization: Normalization | None = None
    batch_size: int | None = None


@dataclass(repr=False, eq=False)
class ScoredMasks(_Settings, ABC):
    """What `Donor` and `Smooth` share: masks from elsewhere, Eqs. 5 to 7 from here."""

    def __post_init__(self) -> None:
        if self.n_clusters is not None and not (is_whole(self.n_clusters) and self.n_clusters >= 1):
            raise CluscamError(f"the number of masks is {self.n_clusters!r}; expected at least 1, a whole number")
        check_seeds(self.seed)
        check_settings(self.drop_ratio, self.temperature, 0, self.batch_size, fill=(self.fill, FILLS))
        self.normalization = checked_normalization(self.normalization)
        self.network = maps_model(self.model, self.layer)

    @abstractmethod
    def masks(self, x: Tensor) -> tuple[Groups, int]:
        """The masks of the images x (B, 3, H, W) before upsampling, and the passes per image that they took."""

    @abstractmethod
    def source(self) -> tuple[str, str]:
        """The layer whose maps became masks ("" for none), and where the masks are from, in words."""

    @torch.no_grad()
    @without_autocast
    def __call__(self, x: Tensor, target: Target = None) -> Explanation:
        """The map of each normalised image of `x` (B, 3, H, W) for `target`: None, a class, or a LongTensor (B,)."""
        reading = read_class(self.network, x, target, maps=False)
        groups, passes = self.masks(reading.x)
        scores = reading.score(groups.centroids, groups.valid, self.fill, self.normalization, self.batch_size)
        e = reading.explain(groups, scores, self.drop_ratio, self.temperature)
        layer, masks = self.source()
        notes = [f"masks: {masks}"]
        if all_equal(e.scores, e.valid, reading.baseline).any():
            notes.append(EQUAL_SCORES)
        notes += notes_of_weights(self.temperature, e.temperature, "mask")
        return Explanation(
            saliency=e.saliency,
            target=e.target,
            output=e.output,
            uniform=e.uniform,
            layer=layer,
            forward_passes=e.forward_passes + passes,
            passes_by_image=tuple(n + passes for n in e.passes_by_image),
            notes=tuple(notes),
        )


@dataclass(repr=False, eq=False)
class Donor(ScoredMasks):
    """ClusCAM with the masks of another image, at the cost of one pass more: the donor's.

    Args:
        donor: (1, 3, H, W) or (B, 3, H, W), normalised as `x` is; None takes an icon scene of the input's size.
        backend: of K-Means, as in `ClusCAM`; so are all other arguments.
    """

    donor: Tensor | None = None
    backend: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_known("backend", self.backend, BACKENDS)

    def masks(self, x: Tensor) -> tuple[Groups, int]:
        """The donor's clusters: one pass of the donor."""
        donor = scene_like(x, self.normalization) if self.donor is None else self._checked(self.donor)
        if donor.shape[1:] != x.shape[1:] or len(donor) not in (1, len(x)):
            raise CluscamError(
                f"the donor is {tuple(donor.shape)} and x {tuple(x.shape)}; expected one donor, or one for each image, "
                "of the same size"
            )
        lent = read(self.network, donor).group(self.n_clusters, seed=self.seed, backend=self.backend)
        return Groups(lent.centroids.expand(len(x), -1, -1, -1), lent.valid.expand(len(x), -1)), 1

    def source(self) -> tuple[str, str]:
        """The layer that was read; another image, or an icon scene."""
        lender = "an icon scene" if self.donor is None else "another image"
        return getattr(self.network, "layer_name", None) or "", f"the clusters of {lender}"

    def _checked(self, donor: Tensor) -> Tensor:
        try:
            return checked_input(donor, self.network)
        except CluscamError as error:
            raise CluscamError(f"the donor will not do as an image: {error}") from None


@dataclass(repr=False, eq=False)
class Smooth(ScoredMasks):
    """ClusCAM's weighting of K smooth random masks: uniform noise on a 7 x 7 grid, upsampled and normalised.

    Args:
        seed: what the masks depend on, and nothing else: one for all images, or one for each.
    """

    reads_layer: ClassVar[bool] = False

    seed: int | Sequence[int] = 0  # type: ignore[assignment]  # the others take one

    def masks(self, x: Tensor) -> tuple[Groups, int]:
        """Random masks; no pass."""
        n_masks = self.n_clusters or N_CLUSTERS
        noise = noise_of_seeds(self.seed, len(x), n_masks, (x.shape[-2], x.shape[-1])).to(x.device)
        valid = torch.ones(len(x), n_masks, dtype=torch.bool, device=x.device)
        return Groups(noise, valid), 0

    def source(self) -> tuple[str, str]:
        """No layer."""
        seeds = "a seed for each image" if isinstance(self.seed, Sequence) else f"seed {self.seed}"
        return "", f"random, smooth, from {seeds}"


@dataclass(repr=False, eq=False)
class Inverted(_Settings):
    """One minus ClusCAM's map, with K-Means in the upsampled space: the least salient first."""

    backend: str = "auto"

    def __post_init__(self) -> None:
        self.cam = ClusCAM(**vars(self))

    def __call__(self, x: Tensor, target: Target = None) -> Explanation:
        """The inverted map of each image; where ClusCAM's has no contrast, zeros as there."""
        e = self.cam(x, target)
        inverted = (1 - e.saliency).masked_fill(e.uniform[:, None, None], 0)
        known = (e.target, e.output, e.uniform, e.layer, e.forward_passes)
        return Explanation(inverted, *known, notes=e.notes, passes_by_image=e.passes_by_image)


def check_seeds(seed: int | Sequence[int]) -> None:
    """Raise CluscamError for a seed, or one of several, that is out of range."""
    for one in seed if isinstance(seed, Sequence) and not isinstance(seed, str) else (seed,):
        check_seed(one)


def noise_of_seeds(seed: int | Sequence[int], b: int, n: int, size: tuple[int, int]) -> Tensor:
    """`noise_maps` of b images (b, n, 7, 7): of one seed the same for all, of b seeds each image's own.

    Raises CluscamError for another number of seeds.
    """
    if not isinstance(seed, Sequence):
        return noise_maps(n, size, seed).expand(b, -1, -1, -1)
    if len(seed) != b:
        raise CluscamError(f"there are {len(seed)} seeds for {b} images; expected one seed, or one for each image")
    return torch.cat([noise_maps(n, size, one) for one in seed])


def noise_maps(n: int, size: tuple[int, int], seed: int) -> Tensor:
    """n random maps (1, n, 7, 7) of uniform noise whose upsampling to `size` is min-max normalised."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(1, n, GRID, GRID, generator=generator, dtype=torch.float32)
    return normalized_maps(noise, size)


def scene_like(x: Tensor, normalization: Normalization | None) -> Tensor:
    """An icon scene of the size of `x` (B, 3, H, W), (1, 3, H, W), in its units."""
    from ..datasets.scenes.scene import BASE, render, scene_at
    from ..models.spec import Preprocess

    height, width = x.shape[-2:]
    scene = render(scene_at(0, split="train", size=max(BASE, height, width)))
    mean, std = normalization or ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    pixels = Preprocess(max(height, width), None, "bilinear", mean, std)(scene)
    return pixels[None, :, :height, :width].to(x)
