"""Rows of a data set on the Hugging Face hub, by the package `datasets`, which keeps them in the hub's cache."""

from typing import Any

from ..errors import CluscamError, reason_of
from ..packages import reachable


def hub_rows(repository: str, needs: str, out_of_reach: str, advice: str, **options: Any) -> Any:
    """A `datasets.Dataset` with the column "image"; its pictures are not decoded.

    Args:
        repository: its name on the hub.
        needs: what to say where `datasets` is not installed.
        out_of_reach: what to say where there is no network.
        advice: what to do where the download fails.
        options: of `datasets.load_dataset`.

    Raises:
        CluscamError: any of these.
    """
    try:
        import datasets
        import huggingface_hub
    except ImportError as error:
        raise CluscamError(needs) from error
    # with HF_HUB_OFFLINE set, a copy in the hub's cache is used without asking
    if not huggingface_hub.constants.HF_HUB_OFFLINE and not reachable(huggingface_hub.constants.ENDPOINT):
        raise CluscamError(out_of_reach)
    try:
        rows = datasets.load_dataset(repository, **options)
    except Exception as error:  # the client has a dozen errors for a gate, a lost connection, a full disk
        raise CluscamError(f"{repository} could not be loaded from the hub ({reason_of(error)}); {advice}") from error
    return rows.cast_column("image", datasets.Image(decode=False))
