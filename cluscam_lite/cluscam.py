"""ClusCAM: Algorithm 1 of the paper, and the thin class that runs it on a model."""

import inspect
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .algorithm.clustering import BACKENDS, CLUSTERINGS, OWN_NUMBER, SPACES, Clustering, check_own_number
from .algorithm.features import HookedModel, MapsModel
from .algorithm.given import Normalization, checked_normalization
from .algorithm.inputs import check_seed, check_settings, maps_model
from .algorithm.scoring import FILLS, PRECISIONS
from .algorithm.targets import Target
from .algorithm.weighting import EQUAL_SCORES, all_equal
from .errors import CluscamError, check_known
from .explanation import ClusteredExplanation, notes_of_contrast, notes_of_weights
from .reading import Reading, read

if TYPE_CHECKING:
    from .models import ModelSpec


class ClusCAM:
    r"""Clustered class activation maps, without gradients.

    The maps :math:`F_i` of one layer are grouped by K-Means++; the mean of a group's normalised, upsampled maps
    is a mask :math:`M_j` (Eq. 4); its score is the change of the class logit when the input is multiplied by it,
    :math:`s_j = f_c(x \odot M_j) - f_c(x)` (Eq. 5); the worst are dropped and the rest are summed with the
    weights :math:`\alpha_j = \mathrm{softmax}(s_j / \tau)` (Eqs. 6 and 7).

    Args:
        model: a torch module that gives logits (B, C), or anything with ``forward(x) -> (maps, output)`` and
            ``output(x) -> output`` (`cluscam_lite.algorithm.features.MapsModel`).
        layer: dotted name of the layer to read, or the module itself; None takes the deepest that gives maps.
        n_clusters: K, 1 to the number of maps; None is 30, or all maps where there are fewer. "none" and "hdbscan"
            take none.
        drop_ratio: r, the fraction of groups discarded, 0 <= r < 1.
        temperature: tau > 0; None is Eq. 10, ``1 / log(1 + r K)``.
        clustering: "kmeans", "random" (the same sizes, members at random), "none" (K = d), "spectral",
            "agglomerative", "hdbscan" (finds K itself; noise is left out), or a function
            ``(points (d, p), K, seed) -> labels (d,)``.
        space: "upsampled" (H x W normalised maps, as the paper's public code) or "raw" (h x w, as its text).
        fill: what hidden pixels show: "mean" colour, "black", "blur", or a tensor in normalised units.
        seed: of the clustering. One image's result depends on it and that image only.
        batch_size: masked images per pass; None chooses by device and input size.
        backend: of K-Means: "sklearn", "torch", or "auto" (torch on accelerators).
        normalization: (mean, std) of the input, which fill="black" needs.
        precision: of the K masked passes of a torch module: "float32", or "bfloat16" (autocast; faster on hardware
            that has it). Maps, groups and the unmasked pass are float32 with either, scores are float32 numbers.

    Example:
        >>> import torch
        >>> from cluscam_lite import ClusCAM
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=4), torch.nn.ReLU(),
        ...                           torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 5))
        >>> e = ClusCAM(net, n_clusters=4)(torch.rand(2, 3, 32, 32))
        >>> e.saliency.shape, e.masks.shape, e.forward_passes
        (torch.Size([2, 32, 32]), torch.Size([2, 4, 32, 32]), 5)
    """

    def __init__(
        self,
        model: nn.Module | MapsModel,
        layer: str | nn.Module | None = None,
        n_clusters: int | None = None,
        drop_ratio: float = 0.37,
        temperature: float | None = None,
        clustering: str | Clustering = "kmeans",
        space: str = "upsampled",
        fill: str | Tensor = "mean",
        seed: int = 0,
        batch_size: int | None = None,
        backend: str = "auto",
        normalization: Normalization | None = None,
        precision: str = "float32",
    ):
        check_settings(
            drop_ratio,
            temperature,
            seed,
            batch_size,
            clustering=(clustering, CLUSTERINGS),
            space=(space, SPACES),
            fill=(fill, FILLS),
            backend=(backend, BACKENDS),
            precision=(precision, PRECISIONS),
        )
        check_own_number(n_clusters, clustering)
        self.model = maps_model(model, layer)
        self.n_clusters, self.drop_ratio, self.temperature = n_clusters, drop_ratio, temperature
        self.clustering, self.space, self.seed, self.backend = clustering, space, seed, backend
        self.fill, self.normalization, self.batch_size = fill, checked_normalization(normalization), batch_size
        self.precision = precision

    @classmethod
    def from_spec(
        cls, spec: "str | ModelSpec", module: nn.Module | None = None, layer: str = "paper", **overrides: Any
    ) -> "ClusCAM":
        """ClusCAM with a registered model's own K, r, tau and layer (Table 3).

        Args:
            spec: a registered name, or a `ModelSpec`.
            module: its network; None loads it here.
            layer: "paper", "last" or a dotted module name.
            overrides: arguments of the class.

        Raises:
            UnknownName: no such model or layer.
            CluscamError: a setting out of range, or weights that are missing.
        """
        from .models import get_spec, load_model

        spec = get_spec(spec) if isinstance(spec, str) else spec
        module = load_model(spec).module if module is None else module
        return cls(module, **(own_settings(spec, layer, overrides.get("clustering")) | overrides))

    @torch.no_grad()
    def __call__(self, x: Tensor, target: Target = None) -> ClusteredExplanation:
        """Explain one class of each image: Algorithm 1.

        Args:
            x: (B, 3, H, W), normalised as the network needs it.
            target: None (each image's top-1), a class, a LongTensor (B,), a function of the output (n, C) -> (n,), or a
                list of B: each image's class, or a function of its row (C,).

        Returns:
            Saliency (B, H, W) in [0, 1] with every intermediate; K + 1 forward passes per image.

        Raises:
            CluscamError: a malformed input or target, a K out of range, or NaN from the model.
        """
        return self.explain(read(self.model, x, target))

    @torch.no_grad()
    def explain(self, reading: Reading, seed: int | None = None) -> ClusteredExplanation:
        """Algorithm 1 from its second line on: one reading of the images serves several seeds.

        Args:
            reading: of this network's images, from `cluscam_lite.read`.
            seed: of the clustering; None is the one of this object.

        Returns:
            As a call does.

        Raises:
            CluscamError: a K or a seed out of range, NaN from the model, or a reading without maps, or of another
                network or layer.
        """
        _check_reading(reading, self.model)
        seed = self.seed if seed is None else check_seed(seed)
        groups = reading.group(self.n_clusters, self.clustering, self.space, seed, self.backend)
        scores = reading.score(
            groups.centroids, groups.valid, self.fill, self.normalization, self.batch_size, self.precision
        )
        e = reading.explain(
            groups, scores, self.drop_ratio, self.temperature, layer=getattr(reading.model, "layer_name", "")
        )
        return replace(e, notes=_notes(reading, e, self))


def _check_reading(reading: Reading, model: MapsModel) -> None:
    """Raise CluscamError for what is no reading, or one without maps, or of another network or layer."""
    if not isinstance(reading, Reading):
        raise CluscamError(f"the reading is a {type(reading).__name__}; expected what `cluscam_lite.read` gives")
    if not reading.maps.shape[1]:
        raise CluscamError("this reading was made without maps (maps=False), which ClusCAM groups; read with them")
    theirs = reading.model
    same = theirs is model
    if isinstance(theirs, HookedModel) and isinstance(model, HookedModel):
        same, wanted = theirs.module is model.module, model.asked_layer
        if same and wanted not in (None, theirs.layer_name):
            raise CluscamError(
                f"this reading is of the layer {theirs.layer_name!r}, and this ClusCAM explains {wanted!r}; "
                "read that layer"
            )
    if not same:
        raise CluscamError("this reading is of another network than that of this ClusCAM; read with the same one")


def check_names(settings: Iterable[str]) -> None:
    """Raise UnknownName, with the nearest names, for a name that is no setting of `ClusCAM`."""
    known = [name for name in inspect.signature(ClusCAM).parameters if name not in ("model", "layer")]
    for name in settings:
        check_known("setting of ClusCAM", name, known)


def own_settings(spec: "ModelSpec", layer: str = "paper", clustering: object = None) -> dict[str, Any]:
    """The arguments of methods that a registered model sets itself: layer, K, r, tau (Table 3) and normalisation.

    K is left to a `clustering` that has a number of its own.
    """
    return {
        "layer": spec.layer(layer),
        "n_clusters": None if clustering in OWN_NUMBER else spec.n_clusters,
        "drop_ratio": spec.drop_ratio,
        "temperature": spec.temperature,
        "normalization": (spec.mean, spec.std),
    }


def _notes(reading: Reading, e: ClusteredExplanation, cam: ClusCAM) -> tuple[str, ...]:
    notes = [f"maps: {reading.layout or tuple(reading.maps.shape[1:])}"]
    if (fewest := int(e.valid.sum(1).min())) < e.valid.shape[1]:
        notes.append(f"clusters: as few as {fewest} of {e.valid.shape[1]} in an image")
    if cam.precision != "float32":
        notes.append(f"scores: the masked passes ran in {cam.precision}")
    if all_equal(e.scores, e.valid, reading.baseline).any():
        notes.append(EQUAL_SCORES)
    notes += notes_of_weights(cam.temperature, e.temperature, "group")
    return (*notes, *notes_of_contrast(e.uniform))
