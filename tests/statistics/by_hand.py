"""Samples and tails whose values are known in closed form."""

import math


def t3_tail(t):
    """P(T > t) with 3 degrees of freedom, in closed form."""
    return 0.5 - (math.sqrt(t * t / 3) / (1 + t * t / 3) + math.atan(t / math.sqrt(3))) / math.pi


def with_d_z(shape, d):
    """A sample of the given shape with exactly this d_z."""
    return (shape - shape.mean()) / shape.std(ddof=1) + d
