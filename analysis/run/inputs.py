"""One hash of all inputs of a result: the packages' files, the versions, and further files and values."""

import hashlib
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from analysis.paths import ROOT
from analysis.run.provenance import package_versions

PACKAGES = ("cluscam_lite", "analysis")


def digest_of(folders: Iterable[Path], *about: Any) -> str:
    """SHA-256 of the packages' code and data, of the versions, of all files in `folders`, and of `about` (as JSON).

    A file counts by its path in the folder and its bytes. Caches and hidden files do not count.
    """
    digest = hashlib.sha256()
    versions = {"python": platform.python_version(), **package_versions()}
    digest.update(json.dumps([versions, *about], sort_keys=True, default=str).encode())
    for folder in [*(ROOT / package for package in PACKAGES), *folders]:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith("."):
                digest.update(str(file.relative_to(folder)).encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
