"""The images of the command line: a file, a drawn scene or a free photograph, brought to a network's input."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..datasets.images import open_image
from ..datasets.named import PHOTOGRAPH, SCENE, scene_number
from ..errors import CluscamError
from ..files import as_path, sha256
from ..models import Preprocess

SUFFIXES = (".png", ".clusters.png", ".seeds.png", ".npz", ".npy", ".json")  # of the files of one image


@dataclass(frozen=True)
class Picture:
    """An image that was opened and brought to the network's input: x (3, H, W), and what the report says of it."""

    stem: str
    x: Tensor
    facts: dict[str, Any]


def open_picture(name: str, preprocess: Preprocess) -> Picture:
    """The image of a file, the icon scene of ``scene:N``, or the free photograph of ``photograph:NAME``.

    Raises CluscamError if there is no such image.
    """
    if name.startswith(SCENE):
        return _scene_picture(name, preprocess)
    if name.startswith(PHOTOGRAPH):
        return _photograph_picture(name, preprocess)
    path = as_path(name)
    image = open_image(path)
    shown = os.fsencode(path.name).decode("utf-8", "replace")
    facts = {"name": shown, "sha256": sha256(path), "width": image.width, "height": image.height}
    return Picture(path.stem, preprocess(image), facts)


def _scene_picture(name: str, preprocess: Preprocess) -> Picture:
    from ..datasets.scenes.scene import BASE, SCENE_CLASSES, render, scene_at

    number = scene_number(name)
    # drawn as large as the network needs it, so that it need not be enlarged
    scene = scene_at(number, size=max(BASE, preprocess.resize or preprocess.size))
    image = render(scene)
    objects = [SCENE_CLASSES[thing.label] for thing in scene.objects]
    facts: dict[str, Any] = {"name": name, "sha256": None, "width": image.width, "height": image.height}
    facts["scene"] = {"seed": scene.seed, "setting": scene.setting, "objects": objects}
    return Picture(f"scene-{number}", preprocess(image), facts)


def _photograph_picture(name: str, preprocess: Preprocess) -> Picture:
    from ..datasets.photographs import photograph

    found = photograph(name.removeprefix(PHOTOGRAPH))
    facts = {"name": name, "sha256": None, "width": found.width, "height": found.height}
    return Picture(found.image_id, preprocess(found.image), facts)


def distinct_stems(stems: Sequence[str]) -> list[str]:
    """The stems with -2, -3, ... where two would give a file of the same name (upper and lower case are one)."""
    taken: set[str] = set()
    chosen = []
    for stem in stems:
        name, n = stem, 1
        while taken & (files := {f"{name}{suffix}".casefold() for suffix in SUFFIXES}):
            n += 1
            name = f"{stem}-{n}"
        taken |= files
        chosen.append(name)
    return chosen


def check_output(out: Path, images: Sequence[str]) -> None:
    """Refuse the folder of an image: an overlay has the name of its image and could replace it."""
    for name in images:
        if not name.startswith((SCENE, PHOTOGRAPH)) and as_path(name).resolve().parent == out.resolve():
            raise CluscamError(f"the output folder {out} is that of the image {name}; choose another folder")
