"""``cluscam models``, ``methods`` and ``datasets``: what there is, and whether it can be used here."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..dataroot import VARIABLE
from ..dataroot import data_root as find_data_root
from ..errors import CluscamError

DATASETS = {
    "scenes": "icon scenes: ten classes of glyphs on textured ground, generated, with boxes and exact masks",
    "badges": "icon scenes without an anchor, each with the badge that the network scene_shortcut takes for one",
    "phantoms": "brain phantoms: drawn slices in four grades of widened ventricles and sulci, with the exact mask",
    "photographs": "six free photographs that come with scikit-image and scikit-learn, and five collages of them",
    "ilsvrc": "ILSVRC 2012 validation images, 1,000 classes, with boxes (non-commercial research use)",
    "alzheimer_mri": "Falah/Alzheimer_MRI: 6,400 grey MRI slices of four classes, 128 x 128, without patients",
    "folder": "the images of any folder; its subfolders are the classes",
}
GET_ILSVRC = (
    f"put validation-*.parquet into ilsvrc2012_val/ of a data root ({VARIABLE}), or give the folder of the official "
    "images as path, or pip install 'cluscam-lite[hub]' and accept the terms of ILSVRC/imagenet-1k on its hub"
)
GET_ALZHEIMER = (
    f"put train-*.parquet and test-*.parquet into alzheimer_mri/ of a data root ({VARIABLE}), or "
    "pip install 'cluscam-lite[hub]' and get a network: they are then fetched from Falah/Alzheimer_MRI"
)

KIND_WORDS = {
    "cluscam": "the paper's own method",
    "rival": "method to compare with",
    "null": "null method, to tell what clusters add",
    "trivial": "trivial map, to tell what a measure is worth",
}
BELOW = {
    "models": ("note",),
    "methods": ("description", "needs", "place", "reference"),
    "datasets": ("what", "status"),
}


def print_list(what: str, data_root: str | None, as_json: bool) -> None:
    """Print the list of "models", "methods" or "datasets". Raises CluscamError for a bad data root."""
    if what == "methods":
        rows = method_rows()
    else:
        root = find_data_root(data_root)
        rows = model_rows(root) if what == "models" else dataset_rows(root)
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if what == "models":
        print(_table([{key: value for key, value in row.items() if key != "note"} for row in rows]))
        print("\nK clusters, a fraction r of them dropped, temperature tau (Eq. 10).\n")
    for row in rows:
        _print_entry(row["name"], [row[key] for key in BELOW[what] if row[key]])


def _print_entry(name: str, lines: list[str]) -> None:
    """The name, and what is said of it below, if anything."""
    if lines:
        print(name)
    for line in lines:
        print(textwrap.indent(textwrap.fill(line, 96, break_on_hyphens=False), "    "))


def model_rows(root: Path | None) -> list[dict[str, Any]]:
    """One row per network: name, title, family, K, r, tau, layers, tier, weights (where they come from), note."""
    from ..algorithm.weighting import temperature
    from ..models import get_spec, model_names

    rows = []
    for spec in map(get_spec, model_names()):
        tau = temperature(spec.n_clusters, spec.drop_ratio) if spec.temperature is None else spec.temperature
        rows.append(
            {
                "name": spec.name,
                "title": spec.title,
                "family": spec.family,
                "K": spec.n_clusters,
                "r": spec.drop_ratio,
                "tau": round(tau, 3),
                "layer_paper": spec.layer("paper"),
                "layer_last": spec.layer("last"),
                "tier": spec.tier,
                "weights": _weights(spec, root),
                "note": spec.note,
            }
        )
    return rows


def method_rows() -> list[dict[str, Any]]:
    """One row per method: what the registry knows, and in words: needs (gradients or not), place (kind, where from)."""
    from ..methods import METHODS

    keys = ("name", "title", "description", "reference", "kind", "paper", "gradients")
    needs = {True: "needs gradients", False: "needs forward passes only, no gradients"}
    places = {"": "not in the paper"} | {part: f"in the paper's {part}" for part in ("tables", "figures", "text")}
    return [
        {key: getattr(m, key) for key in keys}
        | {"needs": needs[m.gradients], "place": f"{KIND_WORDS[m.kind]}, {places[m.paper]}"}
        for m in METHODS.values()
    ]


def dataset_rows(root: Path | None) -> list[dict[str, Any]]:
    """One row per data set: name, what it is, available, status (how many images, or how to get it)."""
    from ..datasets import dataset_names

    rows = []
    for name in dataset_names():
        found = {"ilsvrc": _ilsvrc, "alzheimer_mri": _alzheimer, "photographs": _photographs}.get(name)
        available, status = found(root) if found else (True, "available, nothing to download")
        rows.append({"name": name, "what": DATASETS[name], "available": available, "status": status})
    return rows


def _photographs(root: Path | None) -> tuple[bool, str]:
    """Are their packages installed, with the files that were published?"""
    from ..datasets import load_dataset

    try:
        return True, f"available, {len([*load_dataset('photographs')])} images, nothing to download"
    except CluscamError as error:
        return False, f"not here: {error}"


def _ilsvrc(root: Path | None) -> tuple[bool, str]:
    """Is it in the data root? The hub is not asked: a list must not wait for a network."""
    from ..datasets import load_dataset

    if root is None:
        return False, f"not here (no data root is named); {GET_ILSVRC}"
    try:
        found = len(load_dataset("ilsvrc", data_root=root, source="dataroot"))
    except CluscamError:
        return False, f"not in the data root, or not readable there; {GET_ILSVRC}"
    return True, f"available in the data root, {found} images"


def _alzheimer(root: Path | None) -> tuple[bool, str]:
    """Is it in the data root? Only its facts are read, not its pictures."""
    from ..datasets.alzheimer.source import FOLDER, ROWS, rows_stored

    if root is None:
        return False, f"not here (no data root is named); {GET_ALZHEIMER}"
    if rows_stored(root / FOLDER) != ROWS:
        return False, f"not in the data root, or not whole there; {GET_ALZHEIMER}"
    return True, f"available in the data root, {sum(ROWS.values())} images"


def _weights(spec: Any, root: Path | None) -> str:
    from ..models.packages import PACKAGES
    from ..models.statedict import SUFFIXES

    if root and any((root / "weights" / f"{spec.name}{suffix}").is_file() for suffix in SUFFIXES):
        return "data root"
    if spec.library == "embedded":
        return "shipped"
    if spec.name in PACKAGES:
        return "pip package"
    return f"{spec.library} hub" if spec.weights_id else "data root only"


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """Columns as wide as their widest cell, numbers to the right."""
    heads = list(rows[0])
    texts = ([f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows)
    cells = [heads, *texts]
    widths = [max(len(line[c]) for line in cells) for c in range(len(heads))]
    right = [isinstance(rows[0][head], int | float) for head in heads]
    aligned = ([c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)] for line in cells)
    lines = ["  ".join(line).rstrip() for line in aligned]
    return "\n".join([*lines[:1], "-" * max(map(len, lines)), *lines[1:]])
