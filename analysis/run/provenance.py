"""Where a result comes from: code, versions, machine, parameters, weights and data, without paths and host names."""

import hashlib
import html
import json
import os
import platform
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from analysis.paths import ROOT
from analysis.run.parameters import PROFILES, profile_parameters

VERSIONED = (
    "cluscam-lite", "torch", "torchvision", "timm", "scikit-learn", "scipy", "numpy", "pandas", "statsmodels", "pillow",
    "matplotlib", "safetensors", "pyarrow", "papermill", "jupyter-book",
)  # fmt: skip
HASHED_IMAGES = 8  # images whose pixels enter a data set's fingerprint


def provenance(
    models: Iterable[Any] = (), dataset: Any = None, parameters: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A record of everything that a run depends on, as JSON types.

    `models` are LoadedModels (`cluscam_lite.models.load_model`), `dataset` is a data set of `cluscam_lite.datasets`,
    `parameters` are the notebook's. Paths are cut to their last part, and no name of a user or host is recorded.
    """
    parameters = dict(parameters or {})
    record = {
        **git_state(),
        "time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "device": _device(),
        "versions": package_versions(),
        "seed": parameters.get("seed"),
        "parameters": parameters,
        "models": {m.spec.name: {"source": m.source, "sha256": m.sha256} for m in models},
        "dataset": _fingerprint(dataset) if dataset is not None else None,
    }
    return _without_paths(record)


def git_state() -> dict[str, Any]:
    """The commit, and whether files differ from it; both "unknown" outside the project's own git repository.

    Files in `results/` do not count: a run that writes rows there has not modified the code.
    """
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != ROOT:
        return {"commit": "unknown", "modified": "unknown"}
    changes = _git("status", "--porcelain", "--", ".", ":(exclude)results")
    return {
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "modified": "unknown" if changes is None else bool(changes),
    }


def file_history(path: Path) -> list[tuple[str, str]]:
    """The commits that changed a file, as (hash, time "YYYY-MM-DD HH:MM:SS UTC"), the oldest first.

    Empty outside the project's own git repository, in a shallow clone, whose history is cut off, and for a file that it
    does not hold.
    """
    if git_state()["commit"] == "unknown" or _git("rev-parse", "--is-shallow-repository") != "false":
        return []
    when = ("--date=format-local:%Y-%m-%d %H:%M:%S UTC", "--format=%H %cd", "--reverse")
    found = _git("log", *when, "--", path.relative_to(ROOT).as_posix(), TZ="UTC")
    return [(line[:40], line[41:]) for line in (found or "").splitlines()]


def _git(*arguments: str, **variables: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True, env=os.environ | variables
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def package_versions() -> dict[str, str]:
    """Versions of the packages that affect results, as far as they are installed."""
    versions = {}
    for name in VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads"


def _fingerprint(dataset: Any) -> dict[str, Any]:
    """Name, size and SHA-256 of a data set: of all image ids, and of the pixels of its first few images."""
    ids = hashlib.sha256("\n".join(map(str, dataset.ids)).encode()).hexdigest()
    pixels = hashlib.sha256()
    first = min(HASHED_IMAGES, len(dataset))
    for i in range(first):
        image = dataset[i].image
        pixels.update(str(image.size).encode() + image.tobytes())
    return {
        "name": dataset.name,
        "images": len(dataset),
        "sha256 of the ids": ids,
        f"sha256 of the pixels of the first {first}": pixels.hexdigest(),
    }


def _without_paths(value: Any) -> Any:
    """`value` with each path in its strings that starts at a root or a home cut to its last part."""
    if isinstance(value, Mapping):
        return {key: _without_paths(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(part) for part in value]
    if not isinstance(value, str):
        return value
    if Path(value).is_absolute() or value.startswith(("~", "..")):
        return Path(value).name
    return re.sub(r"(?<!\S)(?:~|\.\.|[A-Za-z]:)?[/\\](?:[^/\\\s]+[/\\])*([^/\\\s]+)", r"\1", value)


def as_table(record: Mapping[str, Any]) -> Any:
    """The record as a table of two columns (an `IPython.display.HTML`). Long values wrap on narrow screens."""
    from IPython.display import HTML

    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left;overflow-wrap:anywhere">{html.escape(str(value))}</td></tr>'
        for name, value in _flat(record)
    )
    return HTML(f'<table class="dataframe"><tbody>{rows}</tbody></table>')


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}: ")
        elif value not in (None, "", {}, []):
            yield f"{prefix}{name}", value


def how_to_reproduce(record: Mapping[str, Any]) -> Any:
    """The commands that make the same run again, as an `IPython.display.Markdown` block."""
    from IPython.display import Markdown

    lines = []
    if record["commit"] != "unknown":
        lines.append(f"git checkout {record['commit']}")
        if record["modified"] is True:
            lines.append("# the run was made with changes that this commit does not hold")
    parameters = {name: value for name, value in record["parameters"].items() if name != "data_root"}
    if parameters.get("dataset", "scenes") != "scenes":
        lines.append("export CLUSCAM_DATA=DATA_ROOT  # the folder with weights/ and the data sets")
    return Markdown("\n".join(["```bash", *lines, *_run_commands(parameters), "```"]))


def _run_commands(parameters: Mapping[str, Any]) -> list[str]:
    """`make book` with the profile of these parameters; if there is none, with the default one and what differs."""
    profile = parameters.get("profile", "")
    if not (PROFILES / f"{profile}.yaml").is_file():
        profile = "embedded"
    base = profile_parameters(profile)
    options = [
        f"-p {name} {shlex.quote(_yaml(value))}" for name, value in parameters.items() if base.get(name) != value
    ]
    if not options:
        return [f"make book PROFILE={profile}"]
    return [
        "make setup",
        " ".join([".venv/bin/python -m analysis.run.notebooks --profile", profile, *options]),
        ".venv/bin/jupyter-book build .",
    ]


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)  # JSON is YAML
