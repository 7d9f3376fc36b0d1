"""What PostgreSQL tells of its archiving, asked of the server that archives; and the errors in the local spool.

Where no connection is known, the position of Patroni's leader and the newest segment that pgBackRest lists stand in.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from exporter import wal
from exporter.model.archiver import Archiver, Archiving
from exporter.model.info import Stanza
from exporter.pgbackrest.spool import Spool
from exporter.postgresql.archiving import Answer
from exporter.postgresql.complaints import ServerError
from exporter.postgresql.primary import Found, Primary
from exporter.settings import Archiver as ArchiverSettings
from exporter.snapshot import Snapshot
from exporter.wal.backlog import Backlog

# The parts of a reading's time that the query may take, where the connection is kept and once more where it was
# lost, and the look into the spool.
_QUERY = 0.3
_LOOK = 0.1
# Seconds: the skew of a clock counts from here on. What is less is mostly the way to the server and back.
_SKEW = 1.0
# Servers whose counts are remembered, the oldest are forgotten first.
_MOST_SERVERS = 16


@dataclass(slots=True)
class Counts:
    """What pg_stat_archiver's counters rose by, over all servers and resets that were seen.

    The time of the last reset tells whose counters they are. Those that are seen for the first time begin where
    they stand: what a server archived in an earlier life is no news; unless they began under our eyes.
    """

    archived: int = 0
    failures: int = 0
    _seen: dict[float | None, tuple[int, int]] = field(default_factory=dict)
    _since: float | None = None

    def add(self, answer: Answer) -> None:
        """Take in what one server says."""
        whose = answer.stats_reset
        before = self._seen.pop(whose, None)
        if before is None:
            fresh = self._since is not None and whose is not None and whose > self._since
            before = (0, 0) if fresh else (answer.archived_count, answer.failed_count)
        self.archived += max(0, answer.archived_count - before[0])
        self.failures += max(0, answer.failed_count - before[1])
        self._seen[whose] = answer.archived_count, answer.failed_count
        self._since = answer.now
        while len(self._seen) > _MOST_SERVERS:
            del self._seen[next(iter(self._seen))]


@dataclass(slots=True, kw_only=True)
class ArchiverCollector:
    """Asks the servers of *conninfo* and looks into *spool*; None: no connection is known, no spool is here.

    *latest* gives what the other collectors found.
    """

    settings: ArchiverSettings
    stanza: str
    conninfo: str | None = None
    spool: Path | None = None
    latest: Callable[[], Snapshot | None] = field(default=lambda: None, compare=False)
    name: str = field(default="archiver", init=False)
    wall: Callable[[], float] = field(default=time.time, compare=False)
    _primary: Primary | None = field(default=None, init=False, compare=False)
    _spool: Spool | None = field(default=None, init=False, compare=False)
    _counts: Counts = field(default_factory=Counts, init=False, compare=False)
    _backlog: Backlog = field(default=Backlog(), init=False, compare=False)
    _skew: float = field(default=0.0, init=False, compare=False)
    _last: Archiver | None = field(default=None, init=False, compare=False)

    def __post_init__(self) -> None:
        self._primary = Primary(self.conninfo, self.wall) if self.conninfo is not None else None
        self._spool = Spool(self.spool, self.wall) if self.spool else None

    async def read(self) -> Archiver:
        """Ask once; the same facts give the very same object. Raises ServerError, one line."""
        within = self.settings.within
        try:
            async with asyncio.timeout(within):
                errors = await self._spool.errors(within=_LOOK * within) if self._spool else None
                found = await self._primary.ask(within=_QUERY * within) if self._primary else None
        except TimeoutError:
            raise ServerError(
                f"no server answered within {within:g}s", "look at their load, or raise archiver.within"
            ) from None
        archiving = self._told(found) if found else None
        value = Archiver(
            asked=self._primary is not None,
            archiving=archiving,
            behind=None if self._primary else self._behind(),
            spool_errors=errors,
        )
        if value != self._last:
            self._last = value
        return self._last

    def _behind(self) -> float | None:
        """Compare how far the leader has written with how far every repository has it."""
        snapshot = self.latest()
        reading = snapshot.patroni.get(self.stanza) if snapshot else None
        cluster = reading.value if reading else None
        stanza = (
            next((one for one in snapshot.stanzas if one.name == self.stanza), None) if snapshot else None
        )
        if cluster is None or cluster.leader_position is None or stanza is None:
            return None
        if any(member.role == "standby_leader" for member in cluster.topology.members):
            return None
        archived = _archived(stanza, cluster.topology.timeline)
        if archived is None:
            return None
        number, size = archived
        self._backlog = self._backlog.after(cluster.leader_position // size - 1, number, self.wall())
        return self._backlog.since

    def _told(self, found: Found) -> Archiving:
        answer = found.answer
        self._counts.add(answer)
        self._measure(found)
        return Archiving(
            server=found.server.name,
            role="standby" if answer.in_recovery else "primary",
            hindrance=answer.hindrance,
            ready_segments=answer.ready_segments,
            oldest_ready=self._ours(answer.oldest_ready),
            lag_bytes=answer.lag_bytes,
            failing=answer.failing,
            last_archived=self._ours(answer.last_archived),
            last_failed=self._ours(answer.last_failed),
            archived=self._counts.archived,
            failures=self._counts.failures,
            timeline=answer.timeline,
            wal_segment_size=answer.segment_size,
            position=answer.position,
            clock_skew=self._skew,
        )

    def _measure(self, found: Found) -> None:
        """Move the skew only where it surely changed, so that unchanged times stay what they are."""
        skew = found.answer.now - found.asked
        if abs(skew - self._skew) >= _SKEW + found.took / 2:
            self._skew = float(round(skew)) if abs(skew) >= _SKEW else 0.0

    def _ours(self, moment: float | None) -> float | None:
        return None if moment is None else moment - self._skew


def _archived(stanza: Stanza, timeline: int | None) -> tuple[int, int] | None:
    """Return the number of the newest segment that all repositories hold, and the size of a segment.

    None where it is not known, or where a segment is of a timeline that the leader has not reached: it is a stray one.
    """
    found = []
    for archive in stanza.current_archives():
        segment, size = wal.parse(archive.newest or ""), archive.wal_segment_size
        if segment is None or size is None or (timeline is not None and segment.timeline > timeline):
            return None
        found.append((segment.number(size), size))
    return min(found, default=None)
