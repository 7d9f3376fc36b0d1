"""The spool of asynchronous archiving: the errors that pgBackRest left there for PostgreSQL.

`<spool-path>/archive/<stanza>/out/` holds `<segment>.error` and `global.error` (src/command/archive/common.c). The
next attempt removes them before it begins, so they come and go every few seconds while archiving fails: what was
written in the last two minutes counts, still there or not, until its segment's `.ok` tells that it went well.
PostgreSQL tries again at least once a minute.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from exporter.aside import beside

# Seconds for which an error counts after it was written.
_RECENT = 120.0
_ERROR, _OK = ".error", ".ok"
# The error of the whole process, which no segment's `.ok` answers but any.
_GLOBAL = "global"

Written = Mapping[str, Mapping[str, float]]
"""When the files of each suffix were written, by segment, in seconds since the epoch."""


class Spool:
    """The errors in one *folder*. It is read beside the event loop: a file system that hangs holds up nobody."""

    def __init__(self, folder: Path, wall: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._wall = wall
        self._look: asyncio.Future[Written | None] | None = None
        self._errors: dict[str, float] = {}

    async def errors(self, *, within: float) -> int | None:
        """Count the errors of the last two minutes; None: there is no such folder, or no right to read it.

        None as well while the file system does not answer within so many seconds.
        """
        if self._look is None:
            self._look = beside(str(self._folder), _written, self._folder)
        done, _ = await asyncio.wait((self._look,), timeout=within)
        if not done:
            return None
        found, self._look = self._look.result(), None
        if found is None:
            return None
        self._errors |= found[_ERROR]
        oldest = self._wall() - _RECENT
        self._errors = {
            segment: written
            for segment, written in self._errors.items()
            if written >= oldest and not _answered(segment, written, found[_OK])
        }
        return len(self._errors)


def _answered(segment: str, written: float, went_well: Mapping[str, float]) -> bool:
    if segment == _GLOBAL:
        return max(went_well.values(), default=0.0) > written
    return went_well.get(segment, 0.0) > written


def _written(folder: Path) -> Written | None:
    found: dict[str, dict[str, float]] = {_ERROR: {}, _OK: {}}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                segment, dot, suffix = entry.name.rpartition(".")
                with contextlib.suppress(FileNotFoundError):
                    if dot + suffix in found:
                        found[dot + suffix][segment] = entry.stat().st_mtime
    except OSError:
        return None
    return found
