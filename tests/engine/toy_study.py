"""A study without a network, for the tests of the engine; as a program, the command line with this study in it.

`TOY_SECONDS` is how long a cell takes, `TOY_LOG` a file that gets the name of each cell that is begun, `TOY_KILL` the
moment at which the process kills itself: "KIND:N" for the N-th time that something of that kind is about to happen,
`TOY_DEADLY` the part of a cell's name that ends whoever makes it. `TOY_DEVICE` is the device that its rows name: asking
for it would import torch, which takes longer than all the rest.
"""

import os
import shutil
import signal
import sys
import time
import zlib
from collections import Counter

import numpy as np
import pandas as pd

from analysis.engine import Cell, chunks
from analysis.run import provenance
from cluscam_lite.datasets.sample import first

THERE = 24  # images that the toy data set has
PROFILE = {"profile": "toys", "models": ["cnn", "vit"], "n_images": 10, "seed": 0}
CELLS = 6  # of that profile: 4 + 4 + 2 images for each of the two models


class Toy:
    """Two rows per image: repeats of numbers that depend on the model, the image, K and the seed alone."""

    name, version, keys = "toy", 1, ("image_id", "repeat")

    def cells(self, profile):
        ids = first([f"image-{i:02d}" for i in range(THERE)], profile["n_images"], "the toy data set")
        shared = {"dataset": "toys", "part": "", "layer": "last", "method": "toycam", "seed": profile["seed"]}
        settings = {"K": profile.get("K", 3), "weights": "ab" * 32}
        return [
            Cell(self.name, self.version, model=model, images=images, settings=settings, **shared)
            for model in profile["models"]
            for images in chunks(ids, 4)
        ]

    def run(self, cell, progress):
        log(f"{cell.name} {os.getpid()}" if "TOY_PIDS" in os.environ else cell.name)
        kill("run")
        if (deadly := os.environ.get("TOY_DEADLY")) and deadly in cell.name:
            os.kill(os.getpid(), signal.SIGKILL)
        start = time.monotonic()
        time.sleep(float(os.environ.get("TOY_SECONDS", 0)))
        rows = []
        for done, image in enumerate(cell.images, 1):
            key = zlib.crc32(f"{cell.model} {image}".encode())
            values = np.random.default_rng([key, cell.seed, cell.settings["K"]]).normal(size=2)
            rows += [{"image_id": image, "repeat": i, "drop": value} for i, value in enumerate(values)]
            progress(done)
        return pd.DataFrame(rows).assign(forward_passes=7, seconds=time.monotonic() - start)


TOY = Toy()


def make_cell(**changes):
    fields = {"study": "toy", "version": 1, "dataset": "toys", "part": "pilot", "model": "cnn", "layer": "last"}
    return Cell(**fields | {"method": "toycam", "images": ("a", "b"), "settings": {"K": 3, "r": 0.37}} | changes)


def files(folder):
    """The names of all files but the lock."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.name != ".lock")


def parquets(folder):
    """The files of the cells that are done."""
    return sorted(path for path in (folder / "cells").glob("*.parquet") if not path.name.startswith("."))


def keep_some(folder, copy, kept):
    """Copy a folder of `PROFILE` without its manifest, with some of the cells, by number, only."""
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    (copy / "manifest.json").unlink()
    for i, cell in enumerate(TOY.cells(PROFILE)):
        if i not in kept:
            (copy / "cells" / f"{cell.name}.parquet").unlink()


seen = Counter()


def kill(kind):
    """End this process with SIGKILL if `TOY_KILL` says that it is the time."""
    seen[kind] += 1
    if os.environ.get("TOY_KILL") == f"{kind}:{seen[kind]}":
        os.kill(os.getpid(), signal.SIGKILL)


def log(name):
    if path := os.environ.get("TOY_LOG"):
        with open(path, "a") as file:
            file.write(f"{name}\n")


def named_device():
    """Take the device from `TOY_DEVICE`, here and in the workers, which import this module for the study."""
    if device := os.environ.get("TOY_DEVICE"):
        provenance._device = lambda: device


def program():
    """`cluscam` with the toy study, its writing of files cut in two by a possible death."""
    from pathlib import Path

    import pyarrow.parquet as pq

    from analysis.studies import registry as studies
    from cluscam_lite import files
    from cluscam_lite.cli import main

    write_table, write_text, replace = pq.write_table, Path.write_text, os.replace

    def half_a_table(table, path, **options):
        write_table(table, path, **options)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        kill("table")
        path.write_bytes(whole)

    def half_a_text(path, text, **options):
        write_text(path, text[: len(text) // 2], **options)
        kill("text")
        return write_text(path, text, **options)

    def replaced(old, new):
        replace(old, new)
        kill("replaced")

    pq.write_table, Path.write_text, files.os.replace = half_a_table, half_a_text, replaced
    os.environ.setdefault("TOY_DEVICE", "CPU")
    named_device()
    studies.REGISTRY["toy"] = "toy_study:TOY"
    return main(sys.argv[1:])


named_device()
if __name__ == "__main__":
    sys.exit(program())
