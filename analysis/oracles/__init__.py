"""Oracles and slow checks: brute force, timing, and the accuracy of the real networks."""
