"""Whether a results folder belongs to the cells at hand; and if it does not, what differs."""

from collections.abc import Iterable, Sequence
from typing import Any

from analysis.engine.cell import Cell
from analysis.engine.locks import Locks
from analysis.engine.store import Damaged, Store, stray_cell
from cluscam_lite.errors import CluscamError

SHOWN = 3  # differences, and values of each, that a message names


def check_configuration(store: Store, cells: Sequence[Cell]) -> None:
    """Raise CluscamError, saying what differs, if the folder holds another configuration than `cells`."""
    if problem := _conflict(store, cells):
        kept = sum(store.whole(cell) for cell in cells)
        raise CluscamError(
            f"the folder {store.folder} holds results of another configuration: {problem}; choose another --out, "
            f"or --discard to remove what does not fit ({kept} of {len(cells)} cells are done and fit)"
        )


def settle(store: Store, locks: Locks, cells: Sequence[Cell], discard: bool) -> None:
    """Make this the folder of these `cells`; with `discard`, remove what is not of them. The caller has the mutex.

    Raises CluscamError if it holds another configuration, or if others are at work in what is to be discarded.
    """
    if discard and _conflict(store, cells):
        if not locks.alone():
            raise CluscamError(
                f"another process is at work in {store.folder} with another configuration; end it before --discard"
            )
        store.configure(cells)
    check_configuration(store, cells)
    if store.configuration() is None:
        store.configure(cells)
    store.cells.mkdir(exist_ok=True)  # a user may have removed the folder of the rows


def _conflict(store: Store, cells: Sequence[Cell]) -> str | None:
    """What differs between the folder and `cells`, None if nothing does."""
    try:
        there = store.configuration()
    except Damaged as damage:
        return str(damage)
    if there is not None and [cell.hash for cell in there] != [cell.hash for cell in cells]:
        return _differences(there, cells)
    if strays := store.strays(cells):
        found = [stray_cell(path) for path in strays]
        known = [cell for cell in found if cell is not None]
        return _differences(known, cells) if known else f"the file {strays[0].name} is none of its cells"
    manifest = store.manifest()
    if manifest is not None and set(manifest["sha256"]) != {cell.hash for cell in cells}:
        return "its manifest.json lists other cells"
    return None


def _differences(there: Iterable[Cell], here: Iterable[Cell]) -> str:
    """The fields whose values differ, over all cells, with the values of both sides."""
    old, new = _values(there), _values(here)
    images_there, images_here = old.pop("images"), new.pop("images")
    found = []
    if set(images_there) != set(images_here):
        found.append(f"it is for {len(images_there)} images and here for {len(images_here)}, not the same ones")
    for name in {**new, **old}:
        theirs, ours = old.get(name, []), new.get(name, [])
        if theirs != ours:
            shown = [_short(theirs), _short(ours)]
            told_apart = shown[0] != shown[1]
            found.append(f"{name} is {shown[0]} there and {shown[1]} here" if told_apart else f"{name} differs")
    if not found:
        return "the same values and images are put into other cells"
    more = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f", and {more} more" if more > 0 else "")


def _values(cells: Iterable[Cell]) -> dict[str, list[Any]]:
    """Field -> its distinct values over the cells, in order. Settings count as fields."""
    values: dict[str, list[Any]] = {"images": []}
    for cell in cells:
        fields = cell.to_dict()
        fields |= fields.pop("settings")
        for name, value in fields.items():
            known = values.setdefault(name, [])
            known.extend(one for one in (value if name == "images" else [value]) if one not in known)
    return values


def _short(values: Sequence[Any]) -> str:
    if not values:
        return "not set"
    texts = [repr(value) if value == "" else str(value) for value in values[:SHOWN]]
    return ", ".join(text if len(text) <= 24 else f"{text[:21]}..." for text in texts) + (
        f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    )
