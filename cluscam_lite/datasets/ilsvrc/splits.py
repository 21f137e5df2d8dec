"""`split.csv`: which part of a study an image belongs to, and its place in that part.

Columns `image_id`, `part`, `order`. A study of N images takes the first N of its part, so that every study is a
prefix of every larger one.

The parts of `DRAWN` need no such file: they are drawn from all 50,000 validation images, for whoever has them. They are
in the order of a hash of the images' names, so that a prefix is a random sample, and leave out the first 1,000 images,
which this project was written with.
"""

import csv
import hashlib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from ...errors import CluscamError, check_known

FILE = "split.csv"
COLUMNS = {"image_id", "part", "order"}

VALIDATION, LOOKED_AT = 50_000, 1_000  # images of the validation set; those that this project was written with
# part -> its images, in the order of the hash: what methods are compared on, and what K and r are chosen on
DRAWN = {"paper": slice(0, 2_000), "paper_tune": slice(2_000, 3_000)}


@lru_cache(maxsize=len(DRAWN))
def drawn_ids(part: str) -> tuple[str, ...]:
    """The images of a part of `DRAWN`, in its order."""
    names = [f"ILSVRC2012_val_{number:08d}" for number in range(LOOKED_AT + 1, VALIDATION + 1)]
    return tuple(sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[DRAWN[part]])


def drawn_here(part: str, known: Collection[str], n: int | None = None) -> list[str]:
    """The first `n` images of a part of `DRAWN` (None: all). Raises CluscamError unless `known` has them."""
    ids = [*drawn_ids(part)][: n if n is None or n > 0 else None]
    here = sum(image_id in known for image_id in ids)
    if here < len(ids):
        raise CluscamError(
            f"the part {part!r} of ILSVRC asks for {len(ids):,} of the validation images, and {here:,} are here; "
            f"put all {VALIDATION:,} (the official files, or Parquet) into ilsvrc2012_val/ of a data root"
        )
    return ids


def ids_of_part(folder: Path, part: str, known: set[str]) -> list[str]:
    """The images of `part` in their order, after `split.csv` in `folder`; `known` are the images that exist.

    Raises CluscamError if there is no such file or it does not fit the images, UnknownName for another part.
    """
    path = folder / FILE
    if not path.is_file():
        raise CluscamError(
            f"part {part!r} was asked for, but there is no {FILE} in {folder} to say which images it has; "
            "leave the part out, or put the file there"
        )
    rows = _rows(path)
    parts = sorted({row[1] for row in rows})
    check_known("part", part, parts)
    ids = [image_id for _, _, image_id in sorted(row for row in rows if row[1] == part)]
    absent = [image_id for image_id in ids if image_id not in known]
    if absent:
        raise CluscamError(
            f"{path} lists {len(absent)} images of part {part!r} that are not in the data (first: {absent[0]}); "
            "put the split and the images of one release side by side"
        )
    return ids


def _rows(path: Path) -> list[tuple[int, str, str]]:
    """(order, part, image_id) of every line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if COLUMNS.difference(reader.fieldnames or ()):
                raise ValueError("columns")
            return [(int(row["order"]), row["part"], row["image_id"]) for row in reader]
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise CluscamError(
            f"{path} cannot be read as a split; it must be a CSV file with the columns image_id, part and order"
        ) from error
