"""Runs that have begun and not ended: which of them certainly run, and which must have been killed.

Nothing is said of a process that is merely out of sight, as from another container: it may well run. It was killed
when it was seen to live and does not any more, when the machine has booted since it began, or when it left a lock
that nobody holds; its log itself tells (see runlog) when another run holds its lock.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from exporter.model.runs import Kind
from exporter.pgbackrest.runlog import Beginning
from exporter.runs import evidence
from exporter.snapshot import Snapshot

# A lock that is free so many seconds after a beginning is not about to be taken.
_TAKES_LOCK = 60.0
_LOCKED = ("backup", "restore", "expire")


class Watch:
    """Remembers which were seen to live."""

    def __init__(self, lock_path: Path | None, latest: Callable[[], Snapshot]) -> None:
        self._lock_path = lock_path
        self._latest = latest
        self._living: set[str] = set()
        self._noticed: dict[str, float] = {}

    def gone(self, open_: Iterable[Beginning]) -> set[str]:
        """Look before the logs are read: who has ended by now has written so, unless it was killed."""
        gone = set()
        for one in open_:
            if evidence.alive(one):
                self._living.add(one.exec_id)
            elif one.exec_id in self._living:
                gone.add(one.exec_id)
        return gone

    def killed(self, open_: Iterable[Beginning], gone: set[str], now: float) -> list[Beginning]:
        """Choose, after the logs are read, those that cannot run any more; *gone* is what was seen before."""
        beginnings = list(open_)
        self._living = {one.exec_id for one in beginnings if evidence.alive(one)} | (
            self._living & {one.exec_id for one in beginnings}
        )
        self._noticed = {one.exec_id: self._noticed.get(one.exec_id, now) for one in beginnings}
        return [one for one in beginnings if one.exec_id in gone or self._is_lost(one)]

    def _is_lost(self, one: Beginning) -> bool:
        if one.at is not None and one.at < evidence.booted():
            return True
        if self._lock_path is None or one.kind.command not in _LOCKED or not one.exec_id:
            return False
        since = self._noticed[one.exec_id] + _TAKES_LOCK
        return self._lock_is_free(one.kind, since) and evidence.left_lock(self._lock_path, one)

    def _lock_is_free(self, kind: Kind, since: float) -> bool:
        """Take pgBackRest's own word for it, from a reading of `info` that is recent enough."""
        snapshot = self._latest()
        reading = snapshot.info.get(kind.stanza) or snapshot.info.get("")
        if reading is None or not reading.success or (reading.attempted or 0.0) < since:
            return False
        command = "restore" if kind.command == "restore" else "backup"
        stanzas = (stanza for stanza in snapshot.stanzas if stanza.name == kind.stanza)
        return [lock.held for stanza in stanzas for lock in stanza.locks if lock.command == command] == [
            False
        ]
