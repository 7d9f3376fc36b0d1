"""Finds the server that archives among those of one connection string, and keeps the connection to it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exporter.postgresql import complaints
from exporter.postgresql.archiving import QUERY, Answer, decode
from exporter.postgresql.complaints import ServerError
from exporter.postgresql.server import Connection, Server, servers

# Seconds between two looks that find nothing: doubled each time, so that a dead or a refusing server is left in peace,
# and short enough that a new primary is found within half a minute.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Found:
    """What the *server* answered, and when by our clock: the middle of the time that it took, and that time."""

    server: Server
    answer: Answer
    asked: float
    took: float


class Primary:
    """The way to the server that archives. One connection is kept, until its server is no primary any more."""

    def __init__(
        self,
        conninfo: str,
        wall: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._conninfo = conninfo
        self._wall = wall
        self._elapsed = elapsed
        self._kept: Connection | None = None
        self._sole = False
        self._pause = _FIRST_PAUSE
        self._due = 0.0
        self._last: ServerError | None = None

    async def ask(self, *, within: float) -> Found | None:
        """Ask the server that archives, each query within so many seconds; None: all servers are idle standbys.

        That is the primary, else a standby with archive_mode=always. Raises ServerError while the primary may be
        one of those that could not be asked.
        """
        found = await self._ask_kept(within)
        if found is None:
            if self._elapsed() >= self._due:
                found = await self._look(within)
            elif self._last is not None:
                raise self._last
        return found if found is not None and found.answer.archives else None

    def close(self) -> None:
        """Let go of the connection."""
        if self._kept is not None:
            self._kept.close()
        self._kept = None

    async def _ask_kept(self, within: float) -> Found | None:
        """Ask where the primary was found the last time; None: look for it anew."""
        if self._kept is None:
            return None
        try:
            found = await self._ask(self._kept, within)
        except ServerError:
            found = None
        except asyncio.CancelledError:
            self.close()
            raise
        if found is None or (found.answer.in_recovery and not self._sole):
            self.close()
            return None
        return found

    async def _look(self, within: float) -> Found:
        """Ask all servers at the same time, so that a silent one holds up nobody, and keep one connection at most."""
        opened: dict[Server, Connection] = {}
        try:
            named = servers(self._conninfo)
            self._sole = len(named) == 1
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._try(server, opened, within)) for server in named]
            chosen = _choose([task.result() for task in tasks])
            if self._sole or not chosen.answer.in_recovery:
                self._kept = opened.pop(chosen.server)
        except ServerError as error:
            self._rest(error)
            raise
        finally:
            for connection in opened.values():
                connection.close()
        if self._kept is None and not chosen.answer.archives:
            self._rest(None)
        else:
            self._pause, self._due = _FIRST_PAUSE, 0.0
        return chosen

    def _rest(self, error: ServerError | None) -> None:
        self._due = self._elapsed() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._last = error

    async def _try(
        self, server: Server, opened: dict[Server, Connection], within: float
    ) -> Found | ServerError:
        """Return what *server* answers, or why it does not; its connection is in *opened*."""
        try:
            opened[server] = await Connection.open(server)
            return await self._ask(opened[server], within)
        except ServerError as error:
            return error

    async def _ask(self, connection: Connection, within: float) -> Found:
        wall, began = self._wall(), self._elapsed()
        answer = decode(await connection.ask(QUERY, within=within))
        took = self._elapsed() - began
        return Found(connection.server, answer, asked=wall + took / 2, took=took)


def _choose(tried: Sequence[Found | ServerError]) -> Found:
    """Return the primary, the furthest where two claim to be one; else a standby, one that archives before others.

    Raises ServerError when there is no primary and not all could be asked.
    """
    found = [one for one in tried if isinstance(one, Found)]
    primaries = [one for one in found if not one.answer.in_recovery]
    if primaries:
        return max(primaries, key=lambda one: (one.answer.timeline or 0, one.answer.position))
    errors = [one for one in tried if isinstance(one, ServerError)]
    if errors:
        raise complaints.joined(errors, [one.server.name for one in found])
    return max(found, key=lambda one: (one.answer.archives, one.answer.position))
