"""WAL segment arithmetic: names, timelines and their histories, positions and the segment size.

A segment's name is three hexadecimal numbers of eight digits: timeline, upper half of the position, and
the segment's number inside that half (PostgreSQL, src/include/access/xlog_internal.h, XLogFileName).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_NAME = re.compile(r"[0-9A-F]{24}\Z")
_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})\Z")
_LOWER_HALF = 0xFFFFFFFF

# initdb --wal-segsize takes powers of two from 1 MiB to 1 GiB (PostgreSQL 11 and later).
_SEGMENT_SIZES = tuple(1 << power for power in range(20, 31))


@dataclass(frozen=True, slots=True)
class Segment:
    """A parsed segment name; ordered as PostgreSQL orders them: by timeline, then by position."""

    timeline: int
    high: int
    low: int

    def number(self, segment_size: int) -> int:
        """Return the position counted in segments of *segment_size* bytes, whatever the timeline."""
        return self.high * ((1 << 32) // segment_size) + self.low


def parse(name: str) -> Segment | None:
    """Return the segment called *name*, or None when that is not the name of a segment."""
    if not _NAME.match(name):
        return None
    return Segment(int(name[:8], 16), int(name[8:16], 16), int(name[16:], 16))


def position(lsn: str) -> int | None:
    """Return an LSN such as 0/3000028 as bytes, or None when that is none."""
    matched = _LSN.match(lsn)
    return (int(matched[1], 16) << 32) + int(matched[2], 16) if matched else None


def lsn(position: int) -> str:
    """Return bytes as an LSN."""
    return f"{position >> 32:X}/{position & _LOWER_HALF:X}"


def bytes_between(first: str | None, last: str | None, segment_size: int | None) -> int | None:
    """Return the bytes of WAL from the segment *first* to *last*, both included; None where they are not known."""
    start, end = parse(first or ""), parse(last or "")
    if start is None or end is None or segment_size is None:
        return None
    return max(0, end.number(segment_size) - start.number(segment_size) + 1) * segment_size


def infer_segment_size(starts: Iterable[tuple[str, str]]) -> int | None:
    """Return the segment size in bytes that explains *starts*, or None while several do or none does.

    *starts* are pairs of a backup's start LSN and the name of the segment holding it: the LSN's lower half
    divided by the size is the segment's lower number, which few sizes and mostly one satisfy. Give the newest
    first: what settles it is not asked of older ones, which pg_resetwal --wal-segsize may have left behind.
    """
    sizes: tuple[int, ...] = _SEGMENT_SIZES
    seen = False
    for start, name in starts:
        at, segment = position(start), parse(name)
        if at is None or segment is None:
            continue
        seen = True
        high, low = at >> 32, at & _LOWER_HALF
        sizes = tuple(size for size in sizes if (high, low // size) == (segment.high, segment.low))
        if len(sizes) <= 1:
            break
    return sizes[0] if seen and len(sizes) == 1 else None


class Switch(NamedTuple):
    """One line of a timeline's history: an earlier *timeline*, and the position (LSN) at which it was left."""

    timeline: int
    lsn: int


def read_history(text: str) -> tuple[Switch, ...]:
    """Return what a .history file says, oldest first; raises ValueError where a line is none of it.

    PostgreSQL, src/backend/access/transam/timeline.c, readTimeLineHistory: timeline, LSN and a reason, parted by
    tabs; empty lines and those that begin with # say nothing.
    """
    switches = []
    for line in text.splitlines():
        words = line.split(None, 2)
        if not words or words[0].startswith("#"):
            continue
        at = position(words[1]) if len(words) > 1 else None
        if at is None or not words[0].isascii() or not words[0].isdecimal():
            raise ValueError(f"{line[:80]!r} is no line of a timeline's history")
        switches.append(Switch(int(words[0]), at))
    return tuple(switches)
