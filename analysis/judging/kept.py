"""The ledger, kept in a file until something that it is made from changes.

The bootstrap intervals of all claims take twenty seconds, and the first page, the verdicts and each `cluscam verdicts`
need the same ones.
"""

from contextlib import suppress
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
KEY = "made from"


def kept_ledger(folder: Path = REFERENCE) -> pd.DataFrame:
    """`ledger(folder)`, computed again only if the code, a version or a file in the folder has changed.

    If the file cannot be written, it is computed on each call.
    """
    key = digest_of([folder], folder.resolve())
    with suppress(OSError, pa.ArrowException):  # no file, or not a whole one
        found = pq.read_table(KEPT, use_threads=False).to_pandas(use_threads=False)
        if found.attrs.get(KEY) == key:
            return found
    found = ledger(folder)
    found.attrs[KEY] = key
    with suppress(OSError, CluscamError), atomic_path(output_folder(KEPT.parent) / KEPT.name) as temporary:
        pq.write_table(pa.Table.from_pandas(found), temporary)
    return found
