"""Data sets: icon scenes, plain and with badges, brain phantoms, ILSVRC, Alzheimer slices, and any folder of images."""

from ..errors import CluscamError, unknown
from ..files import PathLike
from .images import open_image
from .sample import Sample, Samples

__all__ = ["Sample", "Samples", "dataset_names", "load_dataset", "open_image"]

# what each data set understands beside `n`
OPTIONS = {
    "scenes": {"part", "setting", "seed"},
    "badges": {"part", "setting", "seed"},
    "phantoms": {"part", "seed"},
    "ilsvrc": {"part", "path", "source", "data_root"},
    "alzheimer_mri": {"part", "source", "data_root", "split"},
    "folder": {"path"},
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
    seed: int = 0,
    source: str | None = None,
    setting: str | None = None,
    split: str | None = None,
) -> Samples:
    """A data set as a lazy sequence of `Sample`.

    "scenes": `n` (default 100) icon scenes of `seed`; `part` "test" (default) or "train"; `setting` "single",
    "same" or "different", or None for all three in turn. "badges": the same for `n` (default 50) scenes without an
    anchor, each with a badge added. "phantoms": `n` (default 100) brain phantoms of `seed`; `part` "test" (default),
    "train" or "validation". "alzheimer_mri": see `load_alzheimer` for `part`, `source` and `split` ("paper", the
    default, or "components"). "ilsvrc": see `load_ilsvrc` for `part`, `path` and `source`. "folder": the images in
    `path`. `n` takes the first n. Raises UnknownName for a name, part, setting, split or source that does not exist,
    CluscamError for anything missing, unreadable or too small.
    """
    if name not in OPTIONS:
        raise unknown("data set", name, OPTIONS)
    given = {"part": part, "path": path, "source": source, "setting": setting, "split": split}
    for option, value in given.items():
        if value is not None and option not in OPTIONS[name]:
            takers = [other for other in OPTIONS if option in OPTIONS[other]]
            raise CluscamError(
                f"the data set {name!r} takes no {option}, got {value!r}; leave it out (it is for {', '.join(takers)})"
            )
    if name == "folder":
        from .folder import load_folder

        return load_folder(path, n)
    if name == "ilsvrc":
        from .ilsvrc.samples import load_ilsvrc

        return load_ilsvrc(data_root, path, part, n, source)
    if name == "alzheimer_mri":
        from .alzheimer.samples import load_alzheimer

        return load_alzheimer(data_root, part, n, source, split or "paper")
    if name == "phantoms":
        from .phantoms.samples import load_phantoms

        return load_phantoms(part or "test", n, seed)
    from .scenes.samples import load_badges, load_scenes

    load = load_badges if name == "badges" else load_scenes
    return load(part or "test", n, seed, setting)
