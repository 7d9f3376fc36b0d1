"""The spool of asynchronous archiving: the errors that pgBackRest left there for PostgreSQL.

`<spool-path>/archive/<stanza>/out/` holds `<segment>.error` and `global.error` (src/command/archive/common.c). The
next attempt removes them before it begins, so they come and go every few seconds while archiving fails: what was
written in the last two minutes counts, still there or not. PostgreSQL tries again at least once a minute.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

# Seconds for which an error counts after it was written.
_RECENT = 120.0
_SUFFIX = ".error"


class Spool:
    """The errors in one *folder*. It is read beside the event loop: a file system that hangs holds up nobody."""

    def __init__(self, folder: Path, wall: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._wall = wall
        self._look: asyncio.Future[Mapping[str, float] | None] | None = None
        self._written: dict[str, float] = {}

    async def errors(self, *, within: float) -> int | None:
        """Count the errors of the last two minutes; None: there is no such folder, or no right to read it.

        None as well while the file system does not answer within so many seconds.
        """
        if self._look is None:
            self._look = _beside(lambda: _written(self._folder))
        done, _ = await asyncio.wait((self._look,), timeout=within)
        if not done:
            return None
        found, self._look = self._look.result(), None
        self._written |= found or {}
        oldest = self._wall() - _RECENT
        self._written = {name: written for name, written in self._written.items() if written >= oldest}
        return None if found is None else len(self._written)


def _written(folder: Path) -> Mapping[str, float] | None:
    """Return when each error was written, in seconds since the epoch."""
    found = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX):
                    try:
                        found[entry.name] = entry.stat().st_mtime
                    except FileNotFoundError:
                        continue
    except OSError:
        return None
    return found


def _beside(work: Callable[[], Mapping[str, float] | None]) -> asyncio.Future[Mapping[str, float] | None]:
    """Do *work* in a thread that nobody waits for at the end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Mapping[str, float] | None] = loop.create_future()

    def tell(found: Mapping[str, float] | None) -> None:
        if not future.done():
            future.set_result(found)

    def run() -> None:
        found = work()
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, found)

    threading.Thread(target=run, name="spool", daemon=True).start()
    return future
