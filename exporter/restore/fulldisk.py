"""Whether a disk is full, by other programs' words for it or by what is left."""

import errno
import os
import re
from pathlib import Path

NUMBERS = (errno.ENOSPC, errno.EDQUOT)
# With what PostgreSQL and pgBackRest put in front of their words.
_WORDS = re.compile(
    r"(?:.*\b(?:LOG|WARN|WARNING|ERROR|FATAL|PANIC): +(?:\[\d+\]: )?)?"
    r"(.*(?:No space left on device|Disk quota exceeded))"
)


def words(line: str) -> str | None:
    """Return what a line says of a full disk, None where it says nothing of that."""
    found = _WORDS.match(line)
    return " ".join(found[1].split())[-300:] if found else None


def free(path: Path) -> int:
    """Return the bytes that may still be written there."""
    room = os.statvfs(path)
    return room.f_bavail * room.f_frsize
