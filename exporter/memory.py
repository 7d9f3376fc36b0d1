"""Memory that large answers take goes back to the system when they are gone."""

import ctypes

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
