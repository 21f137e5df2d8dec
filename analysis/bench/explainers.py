"""What is benched: a registered method, or anyone's function ``(model, x, target) -> map``, called and checked."""

import importlib
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from analysis.studies.cost.counting import counting
from analysis.studies.explaining import seed_of
from cluscam_lite.algorithm.masks import min_max
from cluscam_lite.errors import CluscamError, reason_of, unknown
from cluscam_lite.files import as_path
from cluscam_lite.methods import method, method_info
from cluscam_lite.models import LoadedModel
from cluscam_lite.models.elsewhere.own import function_in, run_file

if TYPE_CHECKING:
    from cluscam_lite.methods import Explainer

EXPECTED = "expected a function (model, x (1, 3, H, W), target) that gives a map (H, W) or (1, H, W)"
YOURS = "yours"
FIRST = ("cluscam", "gradcam", "gradcampp", "xgradcam", "layercam")  # ours and grad-cam's, the first entries
NULLS = ("smooth", "donor")  # null methods
TRIVIAL = ("centre", "edges", "random")  # maps that know nothing of the network


@dataclass(frozen=True)
class Found:
    """A map (H, W) in [0, 1], whether it had no contrast and is all zeros, and what went through the network.

    `forward` and `backward` count images. Of a registered method they are its own count, which knows of passes through
    a part of the network.
    """

    saliency: Tensor
    uniform: bool
    forward: int
    backward: int


@dataclass
class Entry:
    """One explainer of the bench.

    Attributes:
        name: as it was asked for.
        title, kind: as in `cluscam_lite.methods.MethodInfo`; the kind of a function is "yours".
        function: anyone's; None for a registered method.
    """

    name: str
    title: str
    kind: str
    function: Callable[..., Any] | None = None
    _networks: dict[int, nn.Module] = field(default_factory=dict)

    def map(self, model: LoadedModel, x: Tensor, target: int, seed: int, image_id: str) -> Found:
        """The map of one image. What is random in it depends on the seed and the image alone.

        Args:
            model: the network, in eval mode. A function gets a copy of its own, which it may change.
            x: (1, 3, H, W).
            target: the class to explain.
            seed: 0 for the first map; another asks for the map that other random numbers give.
            image_id: names the image in messages.

        Raises:
            CluscamError: a function that raises, or gives no finite map of the image's size.
            NotApplicable: a registered method that cannot explain the network.
        """
        if self.function is None:
            e = self._registered(model, seed, image_id)(x, target)
            return Found(e.saliency[0].cpu().float(), bool(e.uniform[0]), e.forward_passes, e.backward_passes)
        if id(model) not in self._networks:
            self._networks[id(model)] = deepcopy(model.module)
        network = self._networks[id(model)].eval()
        with seeded(seed_of(self.name, seed, image_id)), counting(network) as count:
            try:
                given = self.function(network, x.clone(), target)
            except (Exception, SystemExit) as error:
                why = reason_of(error) if isinstance(error, Exception) else f"exit status {error}"
                raise CluscamError(
                    f"the explainer {self.name} fails on {image_id} with {type(error).__name__}: {why}; {EXPECTED}"
                ) from error
        saliency, uniform = checked_map(given, x, self.name, image_id)
        return Found(saliency, uniform, count.forward, count.backward)

    def _registered(self, model: LoadedModel, seed: int, image_id: str) -> "Explainer":
        info = method_info(self.name)
        of_image = info.kind == "trivial" or self.name == "smooth"  # what has no image in it gets a seed of its name
        own = seed_of(self.name, seed, image_id) if of_image else seed
        settings = {"seed": own} if "seed" in info.parameters else {}
        return method(self.name, model.module, model.spec, "paper", **settings)


def entry_of(name: str) -> Entry:
    """The explainer of ``module:function``, ``FILE.py:function``, or a registered method's name.

    Raises:
        UnknownName: no such method, module or function; the message has the nearest names.
        CluscamError: a module that cannot be imported.
    """
    if ":" in name:
        return Entry(name, name, YOURS, function_of(name))
    try:
        info = method_info(name)
    except CluscamError as error:
        raise CluscamError(f"{error}; or give a function of yours as module:function") from None
    return Entry(name, info.title, info.kind)


def function_of(name: str) -> Callable[..., Any]:
    """The function of ``module:function`` or ``FILE.py:function``; modules are found from the current folder on.

    Raises as `entry_of`.
    """
    place, _, function = name.rpartition(":")
    if place.endswith(".py"):
        file = as_path(place)
        if not file.is_file():
            raise CluscamError(f"there is no file {file}; give FILE.py:FUNCTION, or module:function")
        return function_in(run_file(file), function, file.name)
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise CluscamError(f"the module {place} cannot be imported: {reason_of(error)}; install it") from error
        known = [path.stem for path in Path.cwd().glob("*.py")]
        raise unknown("module", place, known, "modules are looked for here and among installed packages") from None
    except Exception as error:
        raise CluscamError(
            f"the module {place} cannot be imported: {type(error).__name__}: {reason_of(error)}; mend it"
        ) from error
    finally:
        sys.path.remove(here)
    return function_in(module, function, place)


def checked_map(given: Any, x: Tensor, name: str, image_id: str) -> tuple[Tensor, bool]:
    """A map of any range, min-max normalised to [0, 1] as every map is: (H, W), and whether it had no contrast.

    Raises CluscamError for anything but finite numbers (H, W) or (1, H, W) of the image's size.
    """
    start = f"the explainer {name} gives"
    if isinstance(given, np.ndarray) and given.dtype.kind in "biuf":
        given = torch.from_numpy(given.copy())
    if not isinstance(given, Tensor) or given.is_complex():
        raise CluscamError(f"{start} a {type(given).__name__} for {image_id}; {EXPECTED}, a tensor or NumPy array")
    size = tuple(x.shape[-2:])
    if tuple(given.shape) not in (size, (1, *size)):
        raise CluscamError(f"{start} shape {tuple(given.shape)} for {image_id} of {size[0]} x {size[1]}; {EXPECTED}")
    values = given.detach().cpu().double().reshape(1, *size)
    if not torch.isfinite(values).all():
        raise CluscamError(f"{start} NaN or infinite values for {image_id}; expected finite numbers, of any range")
    maps, uniform = min_max(values)
    return maps[0].float(), bool(uniform)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within, the random numbers of PyTorch, NumPy and Python start from `seed`.

    Afterwards they are as before, and so is whether PyTorch keeps gradients: an explainer may have switched that.
    """
    python, numpy, gradients = random.getstate(), np.random.get_state(), torch.is_grad_enabled()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            torch.set_grad_enabled(gradients)
