"""Replay of WAL: the restored server is watched until it is promoted, ends, or stands still."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from exporter import wal
from exporter.restore.database import DatabaseError, Session, restored
from exporter.restore.findings import Findings, Reporter
from exporter.restore.server import Server
from exporter.restore.workplace import Workplace

# Seconds between two looks where the server says nothing.
_LOOK_EVERY = 1.0
# Seconds without any progress after which the disk is looked at: a restore_command that prefetches waits in silence.
_SUSPICIOUS = 10.0


class RecoveryError(Exception):
    """Recovery did not come to its end; *check* names the check that this fails. The message is one line."""

    def __init__(self, check: str, words: str) -> None:
        super().__init__(words)
        self.check = check


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How far it came: positions in bytes, the last transaction's time in seconds since the epoch."""

    start: int
    end: int
    last_transaction: float | None
    timeline: int
    stopping: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What WAL there is to be replayed, in bytes: *end* is where it ends, None where the target decides."""

    segment_size: int
    end: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, in seconds: for the end of recovery, and without any progress."""

    within: float
    stalled_after: float


async def recovered(
    server: Server, place: Workplace, role: str, *, patience: Patience, way: Way, findings: Findings
) -> Recovered:
    """Wait until the server accepts writes.

    Raises RecoveryError when it ends, stalls or takes too long, or the disk is full.
    """
    began = time.monotonic()
    watch = _Watch(server, began)
    while True:
        if server.has_ended():
            await server.process.wait()  # until its last words were heard
            raise RecoveryError(_stage(server), f"PostgreSQL ended while it recovered: {server.log.why}")
        if server.log.needs_more:
            # Before PostgreSQL 14 it ends by itself, since then it waits for ever.
            raise RecoveryError(_stage(server), "WAL asks for larger settings")
        now = time.monotonic()
        if "ready" in server.log.found:
            try:
                async with restored(place.socket, role, within=60.0) as session:
                    return await _result(session, server)
            except DatabaseError as error:
                if not server.has_ended():
                    words = " ".join(str(error).split())
                    raise RecoveryError("instance_started", f"it cannot be connected to: {words}") from None
                continue
        watch.look(now, findings.report, way)
        still = now - watch.moved
        if still > _SUSPICIOUS:
            findings.look_for_room(place.path, way.segment_size)
        if findings.full:
            raise RecoveryError(_stage(server), "it found no room")
        if why := _too_long(server, still, now - began, patience):
            raise RecoveryError(_stage(server), why)
        await server.process.news(within=_LOOK_EVERY)


def _too_long(server: Server, still: float, took: float, patience: Patience) -> str:
    """Return why there is no more waiting, "" while there is."""
    if still > patience.stalled_after:
        return f"replay stalled for {still:.0f} s, last fetched: {server.log.found.get('segment', 'nothing')}"
    if took > patience.within:
        return f"recovery did not end within {patience.within:.0f} s: raise restore_tests.replay_within"
    return ""


class _Watch:
    """Notices whether anything moves, and tells how far it is."""

    def __init__(self, server: Server, now: float) -> None:
        self._server = server
        self._seen: tuple[int, str | None, int] = (0, None, 0)
        self.moved = now

    def look(self, now: float, report: Reporter, way: Way) -> None:
        log = self._server.log
        seen = (log.segments, log.found.get("position"), len(log.found))
        if seen != self._seen:
            self._seen, self.moved = seen, now
        start = wal.position(log.found.get("redo_start", ""))
        if start is not None and (came_to := reached(log.found, way.segment_size)):
            report.progress(max(0, came_to - start), way.end - start if way.end else None, "bytes of WAL")


def reached(found: Mapping[str, str], segment_size: int) -> int:
    """Return how far replay is: the log tells of each segment that is begun, since PostgreSQL 15 also every 10 s."""
    segment = wal.parse(found.get("segment", ""))
    begun = segment.number(segment_size) * segment_size if segment else 0
    return max(begun, wal.position(found.get("position", "")) or 0)


def _stage(server: Server) -> str:
    found = server.log.found
    if "redo_start" not in found and "consistent" not in found:
        return "instance_started"
    return "recovery_ended" if "consistent" in found else "consistency"


async def _result(session: Session, server: Server) -> Recovered:
    found = server.log.found
    end = await session.one("select (pg_last_wal_replay_lsn() - pg_lsn '0/0')::bigint")
    last = await session.one("select extract(epoch from pg_last_xact_replay_timestamp())")
    return Recovered(
        start=wal.position(found.get("redo_start", "")) or 0,
        end=end or 0,
        last_transaction=_logged(found.get("last_transaction")) if last is None else float(last),
        timeline=int(found.get("timeline", "0")),
        stopping=found.get("stopping"),
    )


def _logged(moment: str | None) -> float | None:
    """Read the time of `last completed transaction was at log time`: 2026-11-22 07:15:01.123456+00."""
    found = re.match(r"(\S+ [\d:.]+)([+-]\d\d)(:?\d\d)?$", moment or "")
    if not found:
        return None
    return datetime.fromisoformat(f"{found[1]}{found[2]}{found[3] or ':00'}").timestamp()
