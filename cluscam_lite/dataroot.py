"""The data root: one folder with weights and data sets, for machines without a network.

<root>/weights/<model>.safetensors    weights of any registered network
<root>/ilsvrc2012_val/*.parquet       the validation images of ILSVRC 2012
<root>/alzheimer_mri/*.parquet        the Alzheimer slices
"""

import os
from pathlib import Path

from .errors import CluscamError
from .files import PathLike, as_path

VARIABLE = "CLUSCAM_DATA"


def data_root(path: PathLike | None = None) -> Path | None:
    """The folder with weights and data sets.

    Args:
        path: the folder; None takes the environment variable ``CLUSCAM_DATA``.

    Returns:
        The folder, or None where none is named.

    Raises:
        CluscamError: what is named is no folder.
    """
    named = path or os.environ.get(VARIABLE)
    if not named:
        return None
    root = as_path(named)
    if not root.is_dir():
        raise CluscamError(
            f"the data root {root} is not a folder; set {VARIABLE} (or the option) to one with weights/ and data sets"
        )
    return root
