"""A network, lent to one thread at a time: whoever hooks, patches or switches one borrows it for that long.

`borrowed` has the locks, `eval_mode` and `frozen` switch a network as well, `hooked_here` puts a hook on a layer. Each
is a context manager, and leaves the network as it was, whenever Ctrl-C comes. Python looks for signals between two of
its own instructions, and never within a call into C. So each change is one call into C that walks a `map` (`_all`): it
is done wholly or not at all.
"""

import itertools
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from itertools import compress, repeat
from operator import call, methodcaller
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


class _Change(ABC):
    """A change of a network for a while. `_undo` must be safe to call twice, and before `_do`.

    It is no `contextlib.contextmanager`: that can be interrupted after the change and before the block.
    """

    @abstractmethod
    def _do(self) -> None: ...

    @abstractmethod
    def _undo(self) -> None: ...

    def __enter__(self) -> None:
        try:
            self._do()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self._undo()
        except BaseException:  # again, if an interrupt came before it was done
            self._undo()
            raise


class borrowed(_Change):
    """Have a network to oneself: other threads that want it, or a part of it, wait here until it is given back.

    A thread may borrow what it has already. Everything in this package that changes a network for a while does so
    within; a caller who runs or trains the same network in another thread does well to borrow it too.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._locks: list[Lock] = []
        self._back: Iterable[None] = ()  # each lock that was taken is given back once, however often this is asked

    def _do(self) -> None:
        if id(self._network) in _held.networks:
            return
        taken: list[bool] = []  # one entry for each lock that is ours by now
        self._locks = _locks_of(self._network)
        # `compress` is lazy: when `_undo` walks it, it gives back exactly the locks that were taken until then
        self._back = map(methodcaller("release"), compress(self._locks, taken))
        taken.extend(map(methodcaller("acquire"), self._locks))
        _held.networks.add(id(self._network))

    def _undo(self) -> None:
        if self._locks:
            _held.networks.discard(id(self._network))
            _all(self._back)


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


class hooked_here(_Change):
    """A forward hook that sees the passes of this thread alone.

    If the layer gives a tuple, the hook gets the maps in it, and what it gives replaces them; with `whole` all of it.
    """

    def __init__(self, layer: nn.Module, hook: Hook, whole: bool = False) -> None:
        self._layer = layer
        mine = threading.get_ident()

        def here(module: nn.Module, inputs: Any, output: Any) -> Any:
            if threading.get_ident() != mine:
                return None
            if whole:
                return hook(module, inputs, output)
            instead = hook(module, inputs, maps_in(output))
            return None if instead is None else with_maps(output, instead)

        self._here = here

    def _do(self) -> None:
        self._layer.register_forward_hook(self._here)

    def _undo(self) -> None:
        hooks = self._layer._forward_hooks  # the handle may not have reached us
        _all(map(hooks.pop, [key for key, hook in hooks.items() if hook is self._here]))


class switched_off(_Change):
    """Set a flag to False on all parts that have it True, and back to True afterwards."""

    def __init__(self, parts: Iterable[Any], flag: str) -> None:
        self._parts, self._flag = parts, flag
        self._on: list[Any] = []
        self._setters: list[Callable[..., None]] = []

    def _do(self) -> None:
        # what is frozen by TorchScript has no mode
        self._on = [part for part in self._parts if getattr(part, self._flag, False)]
        plain: Any = nn.Module.__setattr__  # is written in Python, and would do no more here than `object`'s
        self._setters = [object.__setattr__ if type(part).__setattr__ is plain else setattr for part in self._on]
        self._set(False)

    def _undo(self) -> None:
        self._set(True)

    def _set(self, value: bool) -> None:
        _all(map(call, self._setters, self._on, repeat(self._flag), repeat(value)))


class _Lent(_Change):
    """A network borrowed with a flag of its parts switched off."""

    def __init__(self, network: nn.Module, parts: Iterable[Any], flag: str) -> None:
        self._borrowed, self._off = borrowed(network), switched_off(parts, flag)

    def _do(self) -> None:
        self._borrowed.__enter__()
        self._off.__enter__()

    def _undo(self) -> None:
        try:
            self._off.__exit__()
        finally:
            self._borrowed.__exit__()


class eval_mode(_Lent):
    """Borrow a network, put every submodule in eval mode, and back as it was afterwards."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, network.modules(), "training")


class frozen(_Lent):
    """Borrow a network whose parameters ask for no gradient, so that a backward pass does no more than it must."""

    def __init__(self, network: nn.Module) -> None:
        # those that were made in inference mode could not be switched on again
        parameters = [parameter for parameter in network.parameters() if not parameter.is_inference()]
        super().__init__(network, parameters, "requires_grad")


def _all(calls: Iterable[Any]) -> None:
    """Carry out what a `map` of functions in C stands for: all of it, before Python looks for signals again."""
    deque(calls, maxlen=0)
