"""glibc's allocator set to keep big blocks, so that the system need not hand them out and zero them for each pass.

A small CNN takes down to half the time with it. Other C libraries are left as they are.
"""

import ctypes

# as a process finds them when it starts (the Makefile has them, too), and as `mallopt` takes them
KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "268435456"}
_OPTIONS = {"MALLOC_MMAP_MAX_": -4, "MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_TOP_PAD_": -2}  # of malloc.h
_MOST = 2**31 - 1  # mallopt takes C's int


def keep_memory() -> bool:
    """Have this process keep big blocks from now on, whatever it was started with; whether the C library can.

    Dask starts its workers with a setting that gives every block back, which doubles the time of a small CNN.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS and musl have no mallopt; Windows has no CDLL(None)
        return False
    return all([bool(mallopt(_OPTIONS[name], min(int(value), _MOST))) for name, value in KEEP.items()])
