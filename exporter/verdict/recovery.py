"""The one sentence: can this database be recovered, to which moments, what is at risk, and how do we know."""

from collections.abc import Iterator

from exporter.human import moment, size, span
from exporter.model.info import Stanza
from exporter.model.repository import Held, Recovery
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
        best = max(whole, key=lambda one: (one.recovery.end or 0, -(one.recovery.start or 0)))
        return f"{_moments(best.recovery, now)}, from repo{best.held.repo}{_as_listed(best.held, snapshot, now)}."
    without = [f"repo{one.held.repo}" for one in known if one.recovery.missing_newest]
    if without:
        where = " and ".join(without)
        return f"No backup of the present timeline in {where} can be restored: each lacks WAL of its own."
    newest = max(backup.stop for backup in backups)
    return f"Its newest backup is of {moment(newest)}; whether the WAL since then is whole is not known."


def _moments(recovery: Recovery, now: float) -> str:
    start, end = recovery.start or 0, recovery.end or 0
    if end <= start:
        return f"Can be recovered to {moment(end)} ({span(now - end)} ago) and to no other moment"
    return (
        f"Can be recovered to any moment from {moment(start)} ({span(now - start)} ago) to {moment(end)}"
        f" ({span(now - end)} ago)"
    )


def _as_listed(held: Held, snapshot: Snapshot, now: float) -> str:
    """Return nothing where the last reading listed the repository, else how old what is said of it is."""
    reading = snapshot.repository.get(held.stanza)
    if reading is None or reading.attempted is None or held.listed >= reading.attempted:
        return ""
    return f" as it was {span(now - held.listed)} ago: it could not be listed since"


def _risk(stanza: str, snapshot: Snapshot) -> Iterator[str]:
    reading = snapshot.archiver.get(stanza)
    archiving = reading.value.archiving if reading is not None and reading.value is not None else None
    if archiving is not None and archiving.lag_bytes is not None:
        left = archiving.lag_bytes
        yield f"{size(left)} of WAL are not archived yet." if left else "All WAL is archived."
