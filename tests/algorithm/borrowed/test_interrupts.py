"""Ctrl-C while a network is borrowed, hooked or switched: it is given back as it was, and no lock is kept."""

import sys
import threading

import pytest
from torch import nn

from cluscam_lite.algorithm import borrowed as module
from cluscam_lite.algorithm.borrowed import borrowed, eval_mode, frozen, hooked_here


def network():
    made = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sequential(nn.BatchNorm2d(1), nn.Dropout())).train()
    made[1][1].eval()
    made[0].bias.requires_grad_(False)
    return made


def state(net):
    flags = [part.training for part in net.modules()] + [p.requires_grad for p in net.parameters()]
    return flags, [len(part._forward_hooks) for part in net.modules()]


def free(net):
    """Whether another thread gets the network at once."""
    got = []

    def ask():
        taken = [lock for lock in module._locks_of(net) if lock.acquire(blocking=False)]
        got.append(len(taken) == len(list(net.modules())))
        for lock in taken:
            lock.release()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return got[0]


USES = {
    "borrowed": borrowed,
    "eval_mode": eval_mode,
    "frozen": frozen,
    "hooked_here": lambda net: hooked_here(net[0], lambda *_: None),
}


def interrupted_at(n, use):
    """Raise KeyboardInterrupt at line n that the module comes to; False if it comes to fewer.

    Left out are the first lines of giving back, where Python offers no way, and the list of locks, which changes
    nothing (a signal, unlike this, cannot come between the end of its `with` and the release).
    """
    net = network()
    before, count = state(net), 0

    def trace(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename != module.__file__:
            return None
        if event == "line" and frame.f_code.co_name not in ("__exit__", "_surely", "_locks_of"):
            count += 1
            if count == n:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        with use(net):
            pass
        return False
    except KeyboardInterrupt as error:
        sys.settrace(None)
        assert error.__traceback__ is not None  # what holds the frames is still there
        assert state(net) == before and not module._held.networks and free(net), n
        return True
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("name", USES)
def test_at_every_line(name):
    n = 1
    while interrupted_at(n, USES[name]):
        n += 1
    assert n > 4


@pytest.mark.parametrize("name", USES)
def test_without_an_interrupt_all_is_given_back(name):
    net = network()
    before = state(net)
    with USES[name](net), USES[name](net):
        assert free(net) == (name == "hooked_here")
        if name != "borrowed":
            assert state(net) != before
    assert state(net) == before and free(net)
