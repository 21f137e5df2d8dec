"""Damaged files: bytes of a good one cut, flipped, doubled or replaced; and records with other values in them."""

import copy

from hypothesis import strategies as st

NUMBERS = [0, -1, 1, 1.5, 10**30, float("nan"), float("inf")]
VALUES = st.sampled_from([None, True, "", "x", "\x1b[31m", "../..", [], {}, [[]], [1], {"a": 1}, *NUMBERS])


@st.composite
def damaged(draw, good):
    """A few damages of the bytes `good`."""
    found = bytearray(good)
    for _ in range(draw(st.integers(1, 3))):
        at, n = draw(st.integers(0, max(0, len(found) - 1))), draw(st.integers(1, 64))
        kind = draw(st.sampled_from(["cut", "flip", "double", "replace", "drop", "zero"]))
        if kind == "cut":
            del found[at:]
        elif kind == "flip" and found:
            found[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "double":
            found[at:at] = found[at : at + n]
        elif kind == "replace":
            found[at : at + n] = draw(st.binary(min_size=n, max_size=n))
        elif kind == "drop":
            del found[at : at + n]
        else:
            found[at : at + n] = bytes(n)
    return bytes(found)


@st.composite
def mistyped(draw, good):
    """The record `good` with one to three of its values, at any depth, replaced or left out."""
    found = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        part = found
        while True:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(part[key], dict | list) and part[key] and draw(st.booleans()):
                part = part[key]
                continue
            if draw(st.integers(0, 3)) == 0:
                del part[key]
            else:
                part[key] = draw(VALUES)
            break
    return found
