"""`split.csv`: which part of a study an image belongs to, and its place in that part.

Columns `image_id`, `part`, `order`. A study of N images takes the first N of its part, so that every study is a
prefix of every larger one.
"""

import csv
from pathlib import Path

from ...errors import CluscamError, check_known

FILE = "split.csv"
COLUMNS = {"image_id", "part", "order"}


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
