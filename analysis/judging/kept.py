"""The ledger of the last time, as long as nothing that it is made from has changed.

Bootstrap intervals of all claims take half a minute; the first page, the verdicts and each `cluscam verdicts` ask for
the same ones.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.judging.ledger import ledger
from analysis.paths import REFERENCE, ROOT
from analysis.run.inputs import digest_of
from cluscam_lite.errors import CluscamError
from cluscam_lite.files import atomic_path, output_folder

KEPT = ROOT / "out" / "ledger.parquet"
KEY = b"made from"


def kept_ledger(folder: Path = REFERENCE) -> pd.DataFrame:
    """`ledger(folder)`, computed only if code, versions or any file in the folder is not as it was the last time."""
    key = digest_of([folder], folder.resolve()).encode()
    found = _kept(key)
    if found is None:
        found = ledger(folder)
        _keep(found, key)
    return found


def _kept(key: bytes) -> pd.DataFrame | None:
    try:
        table = pq.read_table(KEPT)
    except (OSError, pa.ArrowException):  # none, or not whole: it is made again
        return None
    return table.to_pandas() if table.schema.metadata.get(KEY) == key else None


def _keep(found: pd.DataFrame, key: bytes) -> None:
    """Write it for the next time; where nothing can be written, the next time takes as long."""
    table = pa.Table.from_pandas(found)
    try:
        with atomic_path(output_folder(KEPT.parent) / KEPT.name) as temporary:
            pq.write_table(table.replace_schema_metadata(table.schema.metadata | {KEY: key}), temporary)
    except (CluscamError, OSError):
        return
