"""Which code a process runs: two processes of the same code make the same rows."""

import hashlib
from functools import cache
from pathlib import Path

import analysis
import cluscam_lite
from analysis.run.provenance import git_state

SUFFIXES = (".py", ".csv", ".yaml", ".json", ".safetensors")


@cache
def code_hash() -> str:
    """SHA-256, hexadecimal, of the names and bytes of all files of both packages that can shape a row."""
    digest = hashlib.sha256()
    for package in (cluscam_lite, analysis):
        folder = Path(package.__file__).parent
        for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES):
            content = path.read_bytes()
            digest.update(f"{package.__name__}/{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def code_title() -> str:
    """The code in words, for messages: the version, the commit if there is one, the start of the hash."""
    commit = git_state()["commit"]
    named = "" if commit == "unknown" else f", commit {commit[:8]}"
    return f"{cluscam_lite.__version__}{named}, code {code_hash()[:8]}"
