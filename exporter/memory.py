"""Large answers: what they take goes back to the system, and what is kept of them holds nobody up."""

import ctypes
import gc

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE = 1 << 20  # bytes


def return_large_blocks() -> None:
    """Give each block of a megabyte or more a mapping of its own, which grows in place and is returned when freed.

    glibc begins so and raises that bound to 32 MiB as soon as such a block is freed (mallopt(3), "dynamic mmap
    threshold"). A growing answer of pgBackRest then leaves holes in the heap that stay ours for good. Other C
    libraries have no such bound.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


def spare_from_collections() -> None:
    """Leave all objects of now out of Python's searches for cycles: among 100,000 backups one takes 0.1 s.

    They still go when nobody refers to them (gc.freeze). Cycles of now would stay, so this is for rare moments.
    """
    gc.freeze()
