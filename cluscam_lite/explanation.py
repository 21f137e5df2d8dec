"""What an explanation gives back: the map, and every intermediate that led to it."""

from dataclasses import dataclass, field, replace

from torch import Tensor

from .algorithm.maps.layouts import size_of
from .algorithm.masks import masks_of, saliency_of
from .algorithm.scoring import without_autocast
from .algorithm.weighting import check_taken, weights_by, why_uniform

NO_CONTRAST = "saliency: without contrast in at least one image, which is given as zeros"


@dataclass(frozen=True)
class Explanation:
    """Saliency maps of B images, with their cost.

    Symbols as in the paper: G_j `labels`, M_j `masks`, s_j `scores`, alpha_j `weights`, E `saliency`, c `target`.
    """

    saliency: Tensor
    """(B, H, W) in [0, 1], Eq. 7."""
    target: Tensor
    """(B,) explained class; -1 where the target was a function of the output."""
    output: Tensor
    """(B, C) logits of the unmasked images."""
    uniform: Tensor
    """(B,) True where the map had no contrast and is all zeros."""
    layer: str = ""
    """Where the maps were read."""
    forward_passes: int = 1
    """Passes per image of the whole network: of ClusCAM the unmasked one and one for each masked copy, K + 1.

    The one pass that finds a layer where none is named is not counted. What other methods count, their `notes` say.
    """
    backward_passes: int = 0
    notes: tuple[str, ...] = field(default=())
    """What the caller should know about how this was computed."""
    passes_by_image: tuple[int, ...] = field(default=())
    """Forward passes of each image, where they may differ; `forward_passes` is then the largest of them."""

    def passes_of(self, image: int) -> int:
        """Forward passes of one image of the batch, as if it had been alone."""
        return self.passes_by_image[image] if self.passes_by_image else self.forward_passes


@dataclass(frozen=True, kw_only=True)
class ClusteredExplanation(Explanation):
    """ClusCAM's explanation. Groups are padded to the same K: `valid` False, score -inf, weight 0."""

    labels: Tensor
    """(B, d) group of each map, -1 for noise; (B, 0) for masks that are no groups of maps."""
    centroids: Tensor
    """(B, K, h, w) in [0, 1] after upsampling: the masks before it."""
    valid: Tensor
    """(B, K) True where the group exists."""
    scores: Tensor
    """(B, K) change of the target's logit, Eq. 5."""
    weights: Tensor
    """(B, K) rows sum to 1, 0 where dropped, Eq. 6. (Those of `reweigh` with a "logit" weighting keep their signs.)"""
    drop_ratio: float
    """r, the fraction of groups that were to be dropped."""
    temperature: Tensor
    """(B,) the tau used; infinite means uniform weights, NaN a weighting without one."""

    @property
    @without_autocast
    def masks(self) -> Tensor:
        """Meta-representations (B, K, H, W) in [0, 1], Eq. 4; made anew at each access."""
        return masks_of(self.centroids, self.size)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the input."""
        return size_of(self.saliency)

    @without_autocast
    def reweigh(
        self, drop_ratio: float | None = None, temperature: float | None = None, weighting: str = "cluscam"
    ) -> "ClusteredExplanation":
        """The same masks and scores under another r, tau or weighting (Eqs. 6 and 7), without a forward pass.

        Args:
            drop_ratio: r, 0 <= r < 1; None keeps it.
            temperature: tau > 0; None is Eq. 10 with the new r, also where another tau was given before.
            weighting: one of `cluscam_lite.algorithm.weighting.WEIGHTINGS`.

        Raises:
            CluscamError: r or tau out of range, or given to a weighting that has none.
            UnknownName: no such weighting.
        """
        check_taken(weighting, drop_ratio, temperature)
        ratio = self.drop_ratio if drop_ratio is None else drop_ratio
        weights, tau = weights_by(weighting, self.scores, self.valid, ratio, temperature)
        saliency, uniform = saliency_of(weights, self.centroids, self.size)
        notes = tuple(note for note in self.notes if not note.startswith(("weights:", "saliency:")))
        asked = weighting == "uniform"
        notes += ("weights: uniform, as asked for",) if asked else notes_of_weights(temperature, tau, "group")
        notes += notes_of_contrast(uniform)
        found = replace(self, saliency=saliency, uniform=uniform, weights=weights, drop_ratio=ratio, temperature=tau)
        return replace(found, notes=notes)


def notes_of_weights(given: float | None, tau: Tensor, what: str) -> tuple[str, ...]:
    """What to say of weights whose temperature tau (B,) may be infinite; `given` was asked for, None is Eq. 10."""
    return (why_uniform(given, what),) if tau.isinf().any() else ()


def notes_of_contrast(uniform: Tensor) -> tuple[str, ...]:
    """What to say of maps that are `uniform` (B,)."""
    return (NO_CONTRAST,) if uniform.any() else ()
