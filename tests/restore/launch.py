"""Runs the command line as the lab's account, also where only root may read the project or Python itself."""

import ctypes
import os
import sys

from exporter.__main__ import main as command_line

# prctl(2), capset(2), capabilities(7)
_PR_SET_KEEPCAPS = 8
_VERSION_3 = 0x20080522
_DAC_READ_SEARCH = 1 << 2


def main() -> None:
    """Take the uid, the gid and the command line's words from argv."""
    uid, gid, *words = sys.argv[1:]
    if os.geteuid() == 0 and uid != "0":
        _become(int(uid), int(gid))
    command_line(words)


def _become(uid: int, gid: int) -> None:
    """Keep of root's rights that of reading modules which are imported later; no program that is run inherits it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    # Twice effective, permitted, inheritable: the lower and the upper 32.
    sets = (ctypes.c_uint32 * 6)(_DAC_READ_SEARCH, _DAC_READ_SEARCH)
    if libc.capset((ctypes.c_uint32 * 2)(_VERSION_3, 0), sets):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    main()
