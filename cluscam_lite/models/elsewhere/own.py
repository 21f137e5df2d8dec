"""The network that a function in a file builds."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from ...errors import CluscamError, reason_of, unknown
from ...files import as_path
from ..loaded import LoadedModel, network_hash, with_random_weights
from ..spec import ModelSpec
from .usual import Usual

OWN = "python"  # the `library` of a network that a function in a file builds


@dataclass(frozen=True)
class OwnBuild:
    """The function of a file that builds a network, called without arguments; raises CluscamError if it fails."""

    file: Path
    function: Callable[[], Any]
    name: str

    def __call__(self) -> nn.Module:
        """The network, whatever the function gives it as weights."""
        try:
            network = self.function()
        except Exception as error:
            raise CluscamError(
                f"{self.name}() of {self.file.name} fails with {type(error).__name__}: {reason_of(error)}; expected a "
                "function that is called without arguments and gives the network"
            ) from error
        if not isinstance(network, nn.Module):
            raise CluscamError(
                f"{self.name}() of {self.file.name} gives a {type(network).__name__}; expected a torch module, the "
                "network"
            )
        return network


def load_own(spec: ModelSpec, seed: int = 0) -> LoadedModel:
    """The network of a function in a file, with the weights that the function gives it; `seed` of what it draws."""
    build = spec.build
    assert isinstance(build, OwnBuild)  # of every spec whose library is `OWN`
    network = with_random_weights(build, seed)
    source = f"built by {build.name} of {build.file.name} (seed {seed})"
    return LoadedModel(spec, network, source, network_hash(network, build.file))


def of_file(path: str, function: str) -> Usual:
    file = as_path(path)
    if not file.is_file():
        raise CluscamError(f"there is no file {file}; give FILE.py:FUNCTION, a function that builds the network")
    return Usual(OwnBuild(file, function_in(run_file(file), function, file.name), function))


def function_in(module: ModuleType, name: str, where: str) -> Callable[..., Any]:
    """The function of a module; `where` names the module in messages. Raises UnknownName if there is none."""
    found = getattr(module, name, None)
    if not callable(found):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown(f"function of {where}", name, functions)
    if isinstance(found, nn.Module):
        raise CluscamError(
            f"{name} of {where} is a network, and no function; write one that gives it: def build(): ..."
        )
    function: Callable[..., Any] = found
    return function


def run_file(file: Path) -> ModuleType:
    """The module of a file, with its folder first among the places that it imports from, as Python runs a script.

    Raises CluscamError if the file fails.
    """
    spec = importlib.util.spec_from_file_location(f"_cluscam_{file.stem}", file)
    assert spec is not None and spec.loader is not None  # the name ends with .py
    module = importlib.util.module_from_spec(spec)
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CluscamError(f"{file.name} cannot be run: {type(error).__name__}: {reason_of(error)}; mend it") from error
    finally:
        sys.path.remove(folder)
    return module
