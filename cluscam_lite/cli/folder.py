"""``cluscam explain FOLDER``: any number of images, opened while others are explained, resumable at any moment.

An image is done when its report is there, which is written last and names the hash of the file. The index page and the
table are made of the reports, so that a run in several parts leaves the same files as one that was never stopped.
"""

import argparse
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from ..datasets.folder import SUFFIXES as IMAGES
from ..datasets.folder import images_within, unread_within
from ..errors import CluscamError, printable
from ..files import as_path, atomic_path, is_text, sha256
from ..methods import settings_of
from ..models.loaded import Origin
from ..packages import from_extra
from ..records import parsed_json
from ..show.report import model_report, to_json, versions
from ..stability import over_seeds
from .common import made_folder, say, short_warnings
from .ending import SomeSkipped
from .job import Job
from .overview import INDEX, NUMBERS, write_overview
from .pictures import Picture, open_picture
from .record import agree, at_work_in, check_out
from .written import report_of, write_map

if TYPE_CHECKING:
    from ..explanation import Explanation
    from ..methods import Explainer
    from ..stability import Stability

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 4  # images that are opened, or written, while one is explained
EACH = 2.0  # seconds between two lines of progress


@dataclass(frozen=True)
class Broken:
    """An image that cannot be read, and why."""

    name: str
    reason: str


def folder_of(arguments: argparse.Namespace) -> Path | None:
    """The folder of images that is asked for, None where it is single images.

    Raises CluscamError for a folder beside other images, and for options that do not go with what is asked for.
    """
    for what, given in (("an image", arguments.images), ("--out", [arguments.out])):
        if "" in given:
            raise CluscamError(f"{what} is empty; name a file or folder, . for this one")
    folders = [path for name in arguments.images if (path := as_path(name)).is_dir()]
    if folders and len(arguments.images) > 1:
        raise CluscamError(f"{folders[0]} is a folder; give one folder alone, or images alone")
    if not folders and arguments.at_once is not None:
        raise CluscamError("--at-once goes with a folder of images; leave it out")
    return folders[0] if folders else None


def image_names(folder: Path) -> list[str]:
    """The images in a folder, to any depth, as sorted paths inside it. Raises CluscamError if there is none."""
    names = sorted(path.relative_to(folder).as_posix() for path in images_within(folder))
    if not names:
        raise CluscamError(f"the folder {folder} has no images ({', '.join(sorted(IMAGES))}); choose another")
    return names


def explain_folder(folder: Path, job: Job, arguments: argparse.Namespace) -> None:
    """Explain every image of a folder that is not done, then write the index page and the table.

    Raises CluscamError for a mistake, and SomeSkipped at the end if images could not be read.
    """
    with from_extra("data"):
        import pyarrow  # noqa: F401  (or the table would fail after hours)
    names, out = image_names(folder), as_path(arguments.out)
    check_out(out, folder)
    if left := [printable(path.relative_to(folder).as_posix()) for path in unread_within(folder)]:
        say(f"left out, in formats that are not read: {len(left)}, {', '.join(left[:3])}{', ...' * (len(left) > 3)}")
    with made_folder(out), at_work_in(out) as partial, short_warnings():
        model, explainer = job.load(arguments)
        agree(out, _record(job, model, explainer, arguments), partial)
        run = Run(folder, out, partial, job, model, explainer, arguments)
        broken = run.explain(names)
        lost = {one.name for one in broken}
        whole = [name for name in names if name not in lost]
        write_overview(out, partial, whole, [(printable(one.name), one.reason) for one in broken], job.figures)
    say(f"wrote {out / INDEX} and {out / NUMBERS}: {len(whole)} images, {run.fresh} of them explained now")
    if gone := left_over(out, whole):
        shown = ", ".join(map(printable, gone[:3])) + ", ..." * (len(gone) > 3)
        say(f"not in them: {len(gone)} older results in {out / 'images'}, of images that are gone or broken: {shown}")
    if broken:
        raise SomeSkipped(
            f"{len(broken)} of {len(names)} images could not be read and were skipped, the first of them "
            f"{broken[0].name}; all are named above and in the index: mend them and start the same command again"
        )


def left_over(out: Path, names: Sequence[str]) -> list[str]:
    """The images of which reports lie in the folder of a run, although they are not among these names."""
    images = out / "images"
    found = (path.relative_to(images).as_posix().removesuffix(".json") for path in images.rglob("*.json"))
    return sorted(set(found) - set(names))


class Run:
    """A run over a folder: which images are done, and explaining those that are not."""

    def __init__(
        self,
        folder: Path,
        out: Path,
        partial: Path,
        job: Job,
        model: Origin,
        explainer: "Explainer",
        arguments: argparse.Namespace,
    ) -> None:
        self.folder, self.out, self.partial = folder, out, partial
        self.job, self.model, self.explainer = job, model, explainer
        self.device, self.seeds = arguments.device, arguments.seeds
        self.at_once = arguments.at_once or 1
        self.fresh = 0  # images explained in this run

    def explain(self, names: Sequence[str]) -> list[Broken]:
        """Explain what is not done; the images that cannot be read."""
        groups = [names[start : start + self.at_once] for start in range(0, len(names), self.at_once)]
        progress, broken = _Progress(len(names)), list[Broken]()
        writing: deque[Future[None]] = deque()
        with _thread() as reader, _thread() as writer:
            for group, opened in _ahead(reader, self.open_group, groups):
                progress.done(len(group) if opened is None else 0)
                if opened is None:
                    continue
                pictures = [one for one in opened if isinstance(one, Picture)]
                for one in opened:
                    if isinstance(one, Broken):
                        broken.append(one)
                        print(printable(f"cluscam: skipped {one.name}: {one.reason}"), file=sys.stderr, flush=True)
                if pictures:
                    for work in self.explain_group(pictures):
                        writing.append(writer.submit(work))
                while len(writing) > AHEAD * self.at_once:
                    writing.popleft().result()
                self.fresh += len(pictures)
                progress.explained(len(group), group[-1])
            for future in writing:
                future.result()
        return broken

    def open_group(self, group: Sequence[str]) -> list[Picture | Broken] | None:
        """The images of a group; None if all of them are done, and only those that cannot be read if the others are."""
        missing = [name for name in group if not self._is_done(name)]
        if not missing:
            return None
        opened = {name: self._open(name) for name in group}
        if all(isinstance(opened[name], Broken) for name in missing):
            return [opened[name] for name in missing]
        return list(opened.values())  # together as the first time, so that a map does not depend on where a run stopped

    def explain_group(self, pictures: Sequence[Picture]) -> list[Callable[[], None]]:
        """Explain images together; what is left to do for each of them, for another thread: drawing and writing."""
        x = torch.stack([picture.x for picture in pictures]).to(self.device)
        stability = over_seeds(self.explainer, x, self.seeds, self.job.target) if self.seeds else None
        e = self.explainer(x, self.job.target) if stability is None else stability.explanations[0]
        return [self._writing(picture, e, stability, i) for i, picture in enumerate(pictures)]

    def _writing(self, picture: Picture, e: "Explanation", stability: "Stability | None", i: int) -> Callable[[], None]:
        def write() -> None:
            report = report_of(picture, e, self.job, self.model, self.explainer, stability, i)
            paths = self._paths(picture.facts["name"])
            with ExitStack() as stack:  # the report last: it says that the others are there
                temporary = {}
                for path in paths.values():
                    path.parent.mkdir(parents=True, exist_ok=True)
                for suffix in reversed(paths):  # the last to be entered is the first to appear
                    temporary[suffix] = stack.enter_context(atomic_path(paths[suffix], self.partial))
                if ".png" in paths:
                    from ..show.strip import save_strip

                    preprocess = self.job.preprocess
                    save_strip(temporary[".png"], picture.x, e.saliency[i], preprocess.mean, preprocess.std)
                if self.job.maps is not None:
                    write_map(temporary[f".{self.job.maps}"], e, i)
                temporary[".json"].write_text(to_json(report), encoding="utf-8")

        return write

    def _paths(self, name: str) -> dict[str, Path]:
        """Suffix -> file of one image, the report last."""
        suffixes = [".png"] if self.job.figures else []
        suffixes += [f".{self.job.maps}"] if self.job.maps else []
        return {suffix: self.out / "images" / f"{name}{suffix}" for suffix in (*suffixes, ".json")}

    def _is_done(self, name: str) -> bool:
        """Whether all files of an image are there, and it is still the image that they are of."""
        paths = self._paths(name)
        if not all(path.is_file() for path in paths.values()):
            return False
        try:
            report: dict[str, Any] = parsed_json(paths[".json"].read_bytes())
            same: bool = report["image"]["sha256"] == sha256(self.folder / name)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return same

    def _open(self, name: str) -> Picture | Broken:
        if not is_text(name):
            return Broken(name, "its name is not UTF-8, as the names in the results are; rename it")
        try:
            picture = open_picture(str(self.folder / name), self.job.preprocess)
        except (CluscamError, OSError) as error:
            return Broken(name, str(error).replace(str(self.folder / name), name))
        return replace(picture, facts=picture.facts | {"name": name})


class _Progress:
    """Lines of progress, not more often than every few seconds, with the time that is left."""

    def __init__(self, total: int) -> None:
        self.total, self.count, self.fresh = total, 0, 0
        self.start = self.last = time.perf_counter()

    def done(self, n: int) -> None:
        """Count images that were done before."""
        self.count += n

    def explained(self, n: int, last: str) -> None:
        """Count images that are done now, with the name of the last."""
        self.count, self.fresh = self.count + n, self.fresh + n
        now = time.perf_counter()
        if now - self.last < EACH and self.count < self.total:
            return
        self.last = now
        rate = self.fresh / (now - self.start)
        left = (self.total - self.count) / rate
        say(f"[{self.count}/{self.total}] {last}; {60 * rate:.0f} images a minute, about {_time(left)} left")


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def _ahead(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """The items in their order, each with what `work` makes of it in another thread, a few items ahead."""
    waiting: deque[tuple[T, Future[R]]] = deque()
    for item in items:
        waiting.append((item, pool.submit(work, item)))
        if len(waiting) > AHEAD:
            first, future = waiting.popleft()
            yield first, future.result()
    for first, future in waiting:
        yield first, future.result()


@contextmanager
def _thread() -> Iterator[ThreadPoolExecutor]:
    """One thread; what has not begun when the block ends with an error is not begun any more."""
    pool = ThreadPoolExecutor(1)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _record(job: Job, model: Origin, explainer: "Explainer", arguments: argparse.Namespace) -> dict[str, Any]:
    """All settings that the files depend on."""
    method = {"name": job.info.name, "layer": job.spec.layer(arguments.layer)}
    return {
        "schema": 1,
        "model": model_report(model, job.preprocess),
        "method": method | settings_of(job.info.name, explainer),
        "target": job.target,
        "seeds": arguments.seeds,
        "maps": job.maps,
        "figures": job.figures,
        "at_once": arguments.at_once or 1,
        "device": arguments.device,
        "versions": versions(),
    }
