"""The one sentence: can this database be recovered, to which moments, what is at risk, and how do we know."""

from collections.abc import Iterator

from exporter.human import moment, size, span
from exporter.model.info import Stanza
from exporter.model.repository import Outlook
from exporter.snapshot import Snapshot
from exporter.verdict.backups import newest_backups
from exporter.verdict.restore_tests import proven_at
from exporter.wal.outlook import outlooks


def sentences(stanza: Stanza, snapshot: Snapshot, now: float) -> Iterator[str]:
    """Yield plain sentences about *stanza*: its recovery window, what is at risk now, when it was proven last."""
    if stanza.status is None:
        yield "pgBackRest does not list it: nothing is known of its backups."
        return
    yield _window(stanza, snapshot, now)
    yield from _risk(stanza.name, snapshot)
    proven = proven_at(stanza.name, snapshot)
    if proven is not None:
        yield f"A restore test proved it {span(now - proven)} ago."


def _window(stanza: Stanza, snapshot: Snapshot, now: float) -> str:
    backups = [backup for repo in stanza.repos for backup in newest_backups(stanza, repo.key).values()]
    unread = [f"repo{repo.key}" for repo in stanza.repos if repo.status.unreadable]
    if not backups and unread:
        return f"Whether it can be recovered is not known: {' and '.join(unread)} cannot be read."
    if not backups:
        return "It cannot be recovered: no backup of the current database is known."
    known = [one for one in outlooks(snapshot) if one.held.stanza == stanza.name]
    whole = [one for one in known if one.recovery.start is not None and one.recovery.end is not None]
    if whole:
        return _widest(whole, now)
    if any(one.recovery.missing_newest for one in known):
        return "Backups can be restored, but the WAL after the newest of them is not whole."
    newest = max(backup.stop for backup in backups)
    return f"Its newest backup is of {moment(newest)}; whether the WAL since then is whole is not known."


def _widest(outlooks_: list[Outlook], now: float) -> str:
    best = max(outlooks_, key=lambda one: (one.recovery.end or 0, -(one.recovery.start or 0)))
    start, end = best.recovery.start or 0, best.recovery.end or 0
    return (
        f"Can be recovered to any moment from {moment(start)} ({span(now - start)} ago) to {moment(end)}"
        f" ({span(now - end)} ago), from repo{best.held.repo}."
    )


def _risk(stanza: str, snapshot: Snapshot) -> Iterator[str]:
    reading = snapshot.archiver.get(stanza)
    archiving = reading.value.archiving if reading is not None and reading.value is not None else None
    if archiving is not None and archiving.lag_bytes is not None:
        left = archiving.lag_bytes
        yield f"{size(left)} of WAL are not archived yet." if left else "All WAL is archived."
