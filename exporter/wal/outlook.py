"""What each repository is good for: its listing judged by the backups that pgBackRest knows of now.

The judgement is made anew only when one of its facts is another object than before.
"""

from collections.abc import Iterator
from typing import Any

from exporter.model.archiver import Archiving
from exporter.model.info import Archive, RepositoryBackups, Stanza
from exporter.model.repository import Capacity, Held, Outlook, Recovery, WalArchive
from exporter.snapshot import Snapshot
from exporter.wal.gaps import Circumstances, judge

_memory: dict[tuple[str, int], tuple[tuple[Any, ...], Outlook]] = {}


def outlooks(snapshot: Snapshot) -> Iterator[Outlook]:
    """Yield what is known of each repository of each stanza; the same facts give the very same object."""
    stanzas = {stanza.name: stanza for stanza in snapshot.stanzas}
    for reading in snapshot.repository.values():
        for held in reading.value.repos if reading.value else ():
            yield outlook(snapshot, held, stanzas.get(held.stanza))


def outlook(snapshot: Snapshot, held: Held, stanza: Stanza | None) -> Outlook:
    """Judge what one repository holds; without *stanza*, or with an unreadable backup list, little can be said."""
    expected, repo = snapshot.expected, held.repo
    told = snapshot.archiver.get(held.stanza)
    primary = told.value.archiving if told is not None and told.value is not None else None
    if stanza is not None and not stanza.knows_backups_of(repo):
        stanza = None
    archive = _current_archive(stanza, repo)
    facts = (
        held,
        stanza.backups if stanza else None,
        archive.database_id if archive else None,
        (primary.wal_segment_size if primary else archive.wal_segment_size) if archive else None,
        expected.retentions.get((held.stanza, repo)),
        _timeline(snapshot, held.stanza, primary),
        primary.oldest_ready if primary else None,
        _busy(stanza),
        snapshot.settings.repository.capacity.get(repo),
    )
    before = _memory.get((held.stanza, repo))
    if before is None or not _same(before[0], facts):
        before = _memory[held.stanza, repo] = facts, _judge(*facts)
    return before[1]


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return all(a is b or (isinstance(a, int | float) and a == b) for a, b in zip(one, other, strict=True))


def _current_archive(stanza: Stanza | None, repo: int) -> Archive | None:
    archives = stanza.current_archives() if stanza else ()
    return next((archive for archive in archives if archive.repo == repo), None)


def _timeline(snapshot: Snapshot, stanza: str, primary: Archiving | None) -> int | None:
    """Return the timeline that the primary, else Patroni, says the cluster is on."""
    if primary is not None and primary.timeline is not None:
        return primary.timeline
    patroni = snapshot.patroni.get(stanza)
    topology = patroni.value.topology if patroni is not None and patroni.value is not None else None
    return topology.timeline if topology else None


def _busy(stanza: Stanza | None) -> bool:
    return any(lock.held for lock in stanza.locks if lock.command == "backup") if stanza else False


def _judge(
    held: Held, backups: Any, database_id: Any, size: Any, retention: Any, timeline: Any,
    waiting: Any, busy: bool, stated: float | None,
) -> Outlook:  # fmt: skip
    history: RepositoryBackups | None = backups.of(held.repo) if backups else None
    recovery = None
    if history is not None and database_id is not None:
        archive = held.archive(database_id) or WalArchive(id=f"0-{database_id}")
        around = Circumstances(
            listed=held.listed,
            segment_size=size,
            retention=retention,
            timeline=timeline,
            waiting=waiting,
        )
        recovery = judge(archive, history.backups, around)
    orphans = _orphans(held, history, busy=busy)
    backup_size = _backup_size(held, history)
    return Outlook(
        held=held,
        recovery=recovery or Recovery(),
        orphans=None if orphans is None else len(orphans),
        orphan_size=None if orphans is None else sum(orphans),
        backup_size=backup_size,
        capacity=_capacity(held, backup_size, stated),
    )


def _orphans(held: Held, history: RepositoryBackups | None, *, busy: bool) -> list[int] | None:
    """Return the sizes of the folders that no backup list names; one that a backup may be at work on is none."""
    if history is None:
        return None
    named = {backup.label for backup in history.backups}
    newest = max((folder.label for folder in held.backups), default="")
    return [
        folder.files if folder.size is None else folder.size
        for folder in held.backups
        if folder.label not in named and folder.settled and not (busy and folder.label == newest)
    ]


def _backup_size(held: Held, history: RepositoryBackups | None) -> int | None:
    """Add up what was measured, else what pgBackRest says that a backup added, and its manifests."""
    told = {backup.label: backup.repo_delta for backup in history.backups} if history else {}
    total = held.others
    for folder in held.backups:
        if folder.size is not None:
            total += folder.size
        elif folder.finished:
            delta = told.get(folder.label)
            if delta is None:
                return None
            total += folder.files + delta
        else:
            total += folder.files
    return total


def _capacity(held: Held, backup_size: int | None, stated: float | None) -> Capacity | None:
    if stated is None:
        return held.capacity
    if backup_size is None:
        return None
    used = backup_size + held.archive_size
    return Capacity(size=int(stated), used=used, available=max(0, int(stated) - used))
