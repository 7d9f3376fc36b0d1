"""Whether a disk is full, by numbers of errors and by other programs' words."""

import errno
import re

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
