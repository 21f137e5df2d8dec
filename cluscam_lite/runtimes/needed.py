"""Packages that only these runtimes need."""

from importlib import import_module
from typing import Any

from ..errors import CluscamError


def needed(package: str, extra: str, what: str) -> Any:
    """The imported package. Raises CluscamError, which names the extra, if it is not installed or does not load."""
    try:
        return import_module(package)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == package
        why = "is not installed" if missing else f"does not load ({error})"
        raise CluscamError(
            f"{what} needs the package {package}, which {why}; pip install 'cluscam-lite[{extra}]'"
        ) from None
