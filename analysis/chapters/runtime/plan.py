"""What a block of the study `runtime` says: which method is timed on which images, how often, and what is varied."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluscam_lite.errors import CluscamError, unknown
from cluscam_lite.methods import METHODS, method_info

BRUTE_FORCE = "brute force"  # ClusCAM with every map upsampled and clustered there (`analysis.oracles.brute_force`)
# what a block may vary, and the setting that says it
VARIED = {"K": "n_clusters", "d": "n_maps", "size": "size"}
SETTINGS = (*VARIED.values(), "backend", "precision")


@dataclass(frozen=True)
class Block:
    """`repeats` timings of a method on each of the first `n_images`, in rounds over the images.

    `method` is a registered name or `BRUTE_FORCE`. `variant` and `settings` say what differs from the network's own
    K, layer and image size; with `batch` the images are explained together, and on a GPU there are
    `n_images_gpu` of them, if it is given.
    """

    model: str
    layer: str
    method: str
    n_images: int
    repeats: int
    variant: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    batch: bool = False
    n_images_gpu: int | None = None

    def __post_init__(self) -> None:
        for setting in self.settings:
            if setting not in SETTINGS:
                raise unknown("setting of a timing", setting, SETTINGS)

    def images_on(self, device: str) -> int:
        """How many images there are on "cpu" or "cuda"."""
        return self.n_images_gpu if device == "cuda" and self.n_images_gpu else self.n_images


def title_of(name: str) -> str:
    """A method in words. Raises CluscamError for a method that is not registered."""
    if name == BRUTE_FORCE:
        return "ClusCAM, brute force"
    if name not in METHODS:
        raise CluscamError(
            f"the rows name the method {name!r}, which is not registered; they come from another version of this "
            "project: run the study again"
        )
    return method_info(name).title
