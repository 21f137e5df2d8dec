"""Bootstrap intervals, of one sample or of many at once, and permutation tests."""
