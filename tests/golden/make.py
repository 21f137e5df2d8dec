"""The golden files, made once by the literal oracle (`tests/oracle.py`) and committed.

Run by hand, from the root of the repository, and only when a deliberate change makes the old ones wrong::

    PYTHONPATH=tests python tests/golden/make.py

`scenes.npz` has two pictures, so that a change in how scenes are drawn does not matter. Each other file has what
Algorithm 1 gives for one network and layer: for each picture the explained class, the group of each map, and, in
float32, the groups' scores and weights and the saliency map. Only scenes count whose groups stay the same when the maps
are moved by rounding: other processors round in other ways.
"""

from pathlib import Path

import numpy as np
import oracle
import torch
from PIL import Image
from torch import Tensor, nn

from cluscam_lite import HookedModel, load_dataset, load_model
from cluscam_lite.models import ModelSpec

FOLDER = Path(__file__).parent
NETWORKS = ("scene_cnn", "scene_vit")
LAYERS = ("paper", "last")
N_SCENES = 2
ROUNDING, TRIALS = 1e-5, 10  # of the largest value of the maps


def pictures() -> list[Image.Image]:
    """The pictures of `scenes.npz`."""
    with np.load(FOLDER / "scenes.npz") as stored:
        return [Image.fromarray(pixels) for pixels in stored["pictures"]]


def file_of(spec: ModelSpec, layer: str) -> Path:
    """The file of a network and layer; "paper" and "last" may be one layer, and then are one file."""
    return FOLDER / f"{spec.name}-{spec.layer(layer)}.npz"


def inputs(spec: ModelSpec) -> Tensor:
    """The pictures as the network sees them, (2, 3, H, W)."""
    return torch.stack([spec.preprocess()(picture) for picture in pictures()])


def stable(module: nn.Module, spec: ModelSpec, x: Tensor) -> bool:
    """Whether the groups of one image (3, H, W) stay the same when the maps of each layer are moved by rounding."""
    generator = torch.Generator().manual_seed(0)
    for layer in LAYERS:
        maps = HookedModel(module, spec.layer(layer)).forward(x[None])[0][0]
        noise = [torch.randn(maps.shape, generator=generator) * ROUNDING * maps.abs().max() for _ in range(TRIALS)]
        moved = [oracle.full_size_maps(maps + by, x.shape[-2:]).flatten(1) for by in (torch.zeros_like(maps), *noise)]
        first, *others = (oracle.brute_force_labels(points, spec.n_clusters, 0) for points in moved)
        if not all(torch.equal(first, other) for other in others):
            return False
    return True


def golden(module: nn.Module, spec: ModelSpec, layer: str, x: Tensor) -> dict[str, np.ndarray]:
    """Algorithm 1 on every picture, each array with one row a picture."""
    maps, output = HookedModel(module, spec.layer(layer)).forward(x)
    targets = output.argmax(1)
    settings = spec.n_clusters, spec.drop_ratio
    rows = [
        oracle.cluscam(lambda z: module(z).detach(), *image, *settings) for image in zip(maps, x, targets, strict=True)
    ]
    numbers = {name: torch.stack([row[name] for row in rows]) for name in ("scores", "weights", "saliency")}
    return {
        "targets": targets.numpy().astype(np.int16),
        "labels": torch.stack([row["labels"] for row in rows]).numpy().astype(np.int16),
        **{name: values.numpy().astype(np.float32) for name, values in numbers.items()},
    }


def main() -> None:
    networks = [load_model(name) for name in NETWORKS]
    chosen: list[np.ndarray] = []
    for sample in load_dataset("scenes"):
        if all(stable(n.module, n.spec, n.spec.preprocess()(sample.image)) for n in networks):
            chosen.append(np.asarray(sample.image))
            print(sample.image_id)
        if len(chosen) == N_SCENES:
            break
    np.savez_compressed(FOLDER / "scenes.npz", pictures=np.stack(chosen))
    for network in networks:
        for layer in LAYERS:
            found = golden(network.module, network.spec, layer, inputs(network.spec))
            np.savez_compressed(file_of(network.spec, layer), **found)


if __name__ == "__main__":
    main()
