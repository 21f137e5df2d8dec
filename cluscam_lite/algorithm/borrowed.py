"""A network, lent to one thread at a time: whoever hooks, patches or switches one borrows it for that long."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

from .maps.parts import maps_in, with_maps

Lock = Any  # threading.RLock is a function
Hook = Callable[[nn.Module, Any, Any], Any]

_locks: WeakKeyDictionary[nn.Module, tuple[int, Lock]] = WeakKeyDictionary()
_guard, _numbers = threading.Lock(), itertools.count()
_process = threading.RLock()


class _Held(threading.local):
    """The networks that a thread has borrowed."""

    def __init__(self) -> None:
        self.networks: set[int] = set()


_held = _Held()


@contextmanager
def borrowed(network: nn.Module) -> Iterator[None]:
    """Have a network to oneself: other threads that want it, or a part of it, wait here until it is given back.

    A thread may borrow what it has already. Everything in this package that changes a network for a while does so
    within; a caller who runs or trains the same network in another thread does well to borrow it too.
    """
    if id(network) in _held.networks:
        yield
        return
    with ExitStack() as stack:
        for lock in _locks_of(network):
            stack.enter_context(lock)
        _held.networks.add(id(network))
        try:
            yield
        finally:
            _held.networks.discard(id(network))


def _locks_of(network: nn.Module) -> list[Lock]:
    """One lock for each module, for networks that share parts, in an order that all threads take them in."""
    with _guard:
        found = []
        for module in network.modules():
            numbered = _locks.get(module)
            if numbered is None:
                numbered = _locks[module] = next(_numbers), threading.RLock()
            found.append(numbered)
    return [lock for _, lock in sorted(found, key=lambda numbered: numbered[0])]


def process_borrowed() -> Any:
    """A lock for what belongs to no network but to the whole process, such as a module's globals or PyTorch's flags."""
    return _process


@contextmanager
def hooked_here(layer: nn.Module, hook: Hook, whole: bool = False) -> Iterator[None]:
    """A forward hook that sees the passes of this thread alone; and, unless `whole`, of a tuple the maps alone."""
    mine = threading.get_ident()

    def here(module: nn.Module, inputs: Any, output: Any) -> Any:
        if threading.get_ident() != mine:
            return None
        if whole:
            return hook(module, inputs, output)
        instead = hook(module, inputs, maps_in(output))
        return None if instead is None else with_maps(output, instead)

    with layer.register_forward_hook(here):
        yield


@contextmanager
def switched_off(parts: Iterable[Any], flag: str) -> Iterator[None]:
    """Set a flag to False on all parts that have it True, and back to True afterwards."""
    on = [part for part in parts if getattr(part, flag, False)]  # what is frozen by TorchScript has no mode
    try:
        for part in on:
            setattr(part, flag, False)
        yield
    finally:
        for part in on:
            setattr(part, flag, True)


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Borrow a network, put every submodule in eval mode, and back as it was afterwards."""
    with borrowed(module), switched_off(module.modules(), "training"):
        yield


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Borrow a network whose parameters ask for no gradient, so that a backward pass does no more than it must."""
    with borrowed(module), switched_off(module.parameters(), "requires_grad"):
        yield
