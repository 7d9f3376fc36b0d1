"""How much room a filesystem has, asked so that one on a dead network disk holds up nobody."""

import asyncio
import os
from pathlib import Path
from typing import Final

from exporter.aside import beside
from exporter.model.repository import Capacity

# What hangs in the kernel cannot be ended: a path has at most one such thread, and none holds up our own end.
_asked: Final[dict[tuple[asyncio.AbstractEventLoop, str], "asyncio.Future[Capacity]"]] = {}


async def capacity(path: str, *, within: float) -> Capacity:
    """Return what the filesystem of *path* has room for; raises TimeoutError or OSError."""
    key = asyncio.get_running_loop(), path
    asked = _asked.get(key)
    if asked is None:
        asked = _asked[key] = beside(path, lambda: _counted(os.statvfs(Path(path))))
        asked.add_done_callback(lambda _: _asked.pop(key))
    done, _ = await asyncio.wait((asked,), timeout=within)
    if not done:
        raise TimeoutError(f"{path}: the filesystem does not answer: see whether its server is up")
    return asked.result()


def _counted(found: os.statvfs_result) -> Capacity:
    """Count as df does: what is reserved for root is neither used nor available."""
    inodes = found.f_files or None
    return Capacity(
        size=found.f_blocks * found.f_frsize,
        used=(found.f_blocks - found.f_bfree) * found.f_frsize,
        available=found.f_bavail * found.f_frsize,
        inodes_used=None if inodes is None else inodes - found.f_ffree,
        inodes_available=None if inodes is None else found.f_favail,
        filesystem=found.f_fsid,
    )
