"""The engine of all studies: a study is cut into cells, and each cell is computed once and stored as a file of its own.

A study is any object with a name, a version, the keys of its rows, and two methods: its cells, and the rows of a cell:

    class Confidence:
        name, version, keys = "confidence", 1, ("image_id",)
        columns = {"image_id": "str", "probability": "float64"}

        def cells(self, profile):
            shared = {"dataset": profile["dataset"], "part": "", "layer": "", "method": "top1"}
            ids = load_dataset(profile["dataset"], n=profile["n_images"]).ids
            return [
                Cell(self.name, self.version, model=model, images=images, settings={"weights": sha256}, **shared)
                for model, sha256 in ((name, load_model(name).sha256) for name in profile["models"])
                for images in chunks(ids, 20)
            ]

        def run(self, cell, progress):
            network = load_model(cell.model)
            rows = []
            for image_id in cell.images:
                rows.append({"image_id": image_id, "probability": confidence(network, cell.dataset, image_id)})
                progress(len(rows))
            return pd.DataFrame(rows)

`run(study, profile, folder)` makes what is missing, `read(study, folder)` gives all rows in the order of the cells.
The command `cluscam study NAME --profile P` runs the studies that `analysis.studies.registry` lists.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.engine.cell import Cell, chunks
    from analysis.engine.cluster.choice import Cluster
    from analysis.engine.contract import Study
    from analysis.engine.reading import Status, read, status
    from analysis.engine.runner import run

__all__ = ["Cell", "Cluster", "Status", "Study", "chunks", "read", "run", "status"]

_MODULES = {
    "Cell": "cell",
    "chunks": "cell",
    "Cluster": "cluster.choice",
    "Study": "contract",
    "run": "runner",
}  # the others: reading


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` when it is asked for: `cluscam study --help` needs neither pandas nor PyTorch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'reading')}"), name)
