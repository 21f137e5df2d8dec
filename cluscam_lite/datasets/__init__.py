"""Data sets: drawn scenes and phantoms, free photographs, ILSVRC, Alzheimer slices, and any folder of images."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..errors import CluscamError, check_known
from ..files import PathLike
from .images import open_image
from .named import load_image
from .sample import Sample, Samples

__all__ = ["Sample", "Samples", "dataset_names", "load_dataset", "load_image", "open_image"]

# what each data set understands beside `n`
OPTIONS = {
    "scenes": {"part", "setting", "seed"},
    "badges": {"part", "setting", "seed"},
    "phantoms": {"part", "seed"},
    "photographs": {"setting"},
    "ilsvrc": {"part", "path", "source", "data_root"},
    "alzheimer_mri": {"part", "source", "data_root", "split"},
    "folder": {"path"},
}
# "module:function", imported when first asked for
LOADERS = {
    "scenes": "scenes.samples:load_scenes",
    "badges": "scenes.samples:load_badges",
    "phantoms": "phantoms.samples:load_phantoms",
    "photographs": "photographs:load_photographs",
    "ilsvrc": "ilsvrc.samples:load_ilsvrc",
    "alzheimer_mri": "alzheimer.samples:load_alzheimer",
    "folder": "folder:load_folder",
}


def dataset_names() -> list[str]:
    """The names of all data sets."""
    return list(OPTIONS)


def load_dataset(
    name: str,
    *,
    data_root: PathLike | None = None,
    path: PathLike | None = None,
    part: str | None = None,
    n: int | None = None,
    seed: int | None = None,
    source: str | None = None,
    setting: str | None = None,
    split: str | None = None,
) -> Samples:
    """A data set as a lazy sequence of `Sample`.

    Args:
        name: "scenes", icon scenes; "badges", scenes without an anchor, each with a badge added; "phantoms", brain
            phantoms; "photographs", free ones and collages of them; "ilsvrc"; "alzheimer_mri"; or "folder", any images.
        data_root: folder with "ilsvrc" and "alzheimer_mri", for these two; None takes ``CLUSCAM_DATA``.
        path: the images of "folder", or the official files of "ilsvrc".
        part: "train" or "test" (default), and "validation" of the phantoms; of "ilsvrc" a part of its `split.csv`; of
            "alzheimer_mri" see `load_alzheimer`.
        n: the first n images; None takes all, 100 scenes or phantoms, or 50 badges.
        seed: of scenes, badges and phantoms; None is 0.
        source: of "ilsvrc" (`load_ilsvrc`) and "alzheimer_mri" (`load_alzheimer`).
        setting: of scenes, badges and photographs: "single", "same" or "different", or None for all three in turn.
        split: of "alzheimer_mri": "paper" (default) or "components".

    Raises:
        UnknownName: a name, part, setting, split or source that does not exist.
        CluscamError: anything missing, unreadable or too small, or an option that the data set does not take.
    """
    check_known("data set", name, OPTIONS)
    given: dict[str, Any] = {"part": part, "path": path, "source": source, "setting": setting}
    given |= {"split": split, "seed": seed}
    for option, value in given.items():
        if value is not None and option not in OPTIONS[name]:
            takers = [other for other in OPTIONS if option in OPTIONS[other]]
            raise CluscamError(
                f"the data set {name!r} takes no {option}, got {value!r}; leave it out (it is for {', '.join(takers)})"
            )
    options = {key: value for key, value in given.items() if value is not None}
    options |= {"data_root": data_root} if "data_root" in OPTIONS[name] else {}
    module, function = LOADERS[name].split(":")
    load: Callable[..., Samples] = getattr(import_module(f".{module}", __name__), function)
    return load(n=n, **options)
