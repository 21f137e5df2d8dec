"""Slow checks: brute force, timing, and the accuracy of the real networks."""
