"""Rows of ILSVRC's Parquet files that cannot be meant so are refused, by their number, before anything runs."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluscam_lite.datasets.ilsvrc.parquet import ParquetImages
from cluscam_lite.errors import CluscamError


def written(folder, column=None, value=None):
    """A file of five rows in groups of two, whose row 3 has another value."""
    rows = [{"image_id": f"i{i}", "image": {"bytes": b"x", "path": ""}, "label": i} for i in range(5)]
    rows = [row | {"width": 9, "height": 9, "boxes": [[0.0, 0.0, 1.0, 1.0]]} for row in rows]
    if column is not None:
        if isinstance(value, str) != isinstance(rows[3][column], str):  # a column is of one type
            rows = [row | {column: str(row[column])} for row in rows]
        rows[3][column] = value
    pq.write_table(pa.Table.from_pylist(rows), folder / "validation-0.parquet", row_group_size=2)
    return folder


@pytest.mark.parametrize(
    "column, value, words",
    [
        ("label", -1, "has the label -1; expected a whole number from 0 to 999"),
        ("label", 1000, "has the label 1000; expected a whole number"),
        ("label", 10**9, "has the label 1000000000; expected a whole number"),
        ("label", "cat", "has the label '.*'; expected a whole number"),
        ("width", 0, "has the width 0; expected the original's in pixels, at least 1"),
        ("height", -4, "has the height -4; expected the original's in pixels"),
        ("width", None, "has the width None; expected the original's in pixels"),
        ("image_id", "i1", "has the image_id 'i1', which .*validation-0.parquet has already; give each image once"),
        ("image_id", "", "has the image_id ''; expected a text"),
    ],
)
def test_a_row_that_cannot_be_meant_so_is_named(tmp_path, column, value, words):
    row = 0 if value == "cat" else 3  # labels as text are refused at the first
    with pytest.raises(CluscamError, match=f"row {row} of .*validation-0.parquet.* {words}"):
        ParquetImages(written(tmp_path, column, value))


def test_good_rows_and_a_label_that_is_not_known_are_taken(tmp_path):
    assert ParquetImages(written(tmp_path)).ids == ["i0", "i1", "i2", "i3", "i4"]
    assert len(ParquetImages(written(tmp_path, "label", None)).ids) == 5
