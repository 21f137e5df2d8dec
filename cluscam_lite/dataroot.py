"""The data root: one folder with weights and data sets, for machines without a network.

<root>/weights/<model>.safetensors
<root>/ilsvrc2012_val/*.parquet
"""

import os
from pathlib import Path

from .errors import CluscamError

VARIABLE = "CLUSCAM_DATA"


def data_root(path: str | os.PathLike | None = None) -> Path | None:
    """The data root: `path`, else the environment variable ``CLUSCAM_DATA``, else None.

    Raises CluscamError if one is named that is not a folder.
    """
    named = path or os.environ.get(VARIABLE)
    if not named:
        return None
    root = Path(named).expanduser()
    if not root.is_dir():
        raise CluscamError(
            f"the data root {root} is not a folder; set {VARIABLE} (or the option) to one with weights/ and data sets"
        )
    return root
