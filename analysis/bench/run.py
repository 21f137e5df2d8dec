"""A bench from the names of explainers to rows: networks, cases, a trial of each, then each on all cases."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from analysis.bench.cases import SHORTCUT_NETWORK, cases_of
from analysis.bench.explainers import TRIVIAL, Entry, entry_of
from analysis.bench.measured import rows_of, trial
from analysis.engine.progress import duration
from cluscam_lite import load_model
from cluscam_lite.device import placed
from cluscam_lite.errors import CluscamError
from cluscam_lite.models import LoadedModel, ModelSpec

LEAST, USUAL = 2, 16  # scenes of a part


@dataclass(frozen=True)
class Bench:
    """What a run gave: the rows of `measured.rows_of`, of all explainers, and the network."""

    rows: pd.DataFrame
    model: LoadedModel
    names: tuple[str, ...]


def entries_of(explainers: Sequence[str], beside: Sequence[str]) -> list[Entry]:
    """The explainers in the order in which they run: those beside, the trivial maps, yours.

    Raises UnknownName or CluscamError for one that does not exist, or that is named twice.
    """
    twice = [name for i, name in enumerate(explainers) if name in explainers[:i]]
    if twice:
        raise CluscamError(f"the explainer {twice[0]} is named twice; name each once")
    names = dict.fromkeys((*beside, *TRIVIAL, *explainers))
    return [entry_of(name) for name in names]


@contextmanager
def few_threads(spec: ModelSpec) -> Iterator[None]:
    """Within, one thread where the network is a small one of this project.

    Its passes are hardly quicker with more, and with a second busy process on the machine many times slower.
    """
    before = torch.get_num_threads()
    if spec.library != "embedded":
        yield
        return
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):  # of K-Means and NumPy
            yield
    finally:
        torch.set_num_threads(before)


def bench(entries: Sequence[Entry], spec: ModelSpec, n: int = USUAL, data_root: str | None = None) -> Bench:
    """Run explainers on n scenes of each part, and say how far it is, a line for each explainer.

    Args:
        entries: of `entries_of`.
        spec: of the network.
        n: scenes of each part, at least `LEAST`.
        data_root: where weights may lie.

    Raises:
        CluscamError: too few scenes, weights that are missing, or an explainer that fails.
    """
    if n < LEAST:
        raise CluscamError(f"the number of scenes is {n}; expected at least {LEAST}, since one says nothing of others")
    model, shortcut = load_model(spec, data_root=data_root), load_model(SHORTCUT_NETWORK)
    for one in (model, shortcut):
        placed(one.module)
    print(f"drawing {n} scenes of each part, and what each thing in them does to the network", flush=True)
    cases = list(cases_of(model, shortcut, n))
    for entry in reversed(entries):  # yours first
        trial(entry, cases[0])
    rows, start = [], time.monotonic()
    with tqdm(total=len(entries) * len(cases), unit="map", leave=False, dynamic_ncols=True, disable=None) as bar:
        for done, entry in enumerate(entries, 1):
            bar.set_description_str(f"[{done}/{len(entries)}] {entry.title}")
            began = time.monotonic()
            rows += rows_of(entry, cases, bar.update)
            left = (time.monotonic() - start) * (len(entries) - done) / done
            took = duration(time.monotonic() - began)
            end = f"about {duration(left)} left" if left else "none left"
            with tqdm.external_write_mode():
                print(f"[{done}/{len(entries)}] {entry.title}: {len(cases)} cases, {took}; {end}", flush=True)
    return Bench(pd.DataFrame(rows), model, tuple(entry.name for entry in entries))
