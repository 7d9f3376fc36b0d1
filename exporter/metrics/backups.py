"""The finished backups: the newest of each type, how many there are, and each one."""

from collections.abc import Iterator
from typing import Any

from exporter.model.info import BACKUP_TYPES, Backup, Backups, RepositoryBackups, Stanza
from exporter.settings import Info as InfoSettings
from exporter.snapshot import Snapshot
from exporter.table import Group, Metric, Part, Row, one


def _each_stanza(snapshot: Snapshot) -> Iterator[Part]:
    return ((stanza,) for stanza in snapshot.stanzas)


def _each_stanza_capped(snapshot: Snapshot) -> Iterator[Part]:
    return ((stanza, snapshot.settings.info) for stanza in snapshot.stanzas)


def _each_backups_capped(snapshot: Snapshot) -> Iterator[Part]:
    return ((stanza.backups, snapshot.settings.info) for stanza in snapshot.stanzas)


def _last_backups(stanza: Stanza) -> Iterator[Row[Backup]]:
    """Only of the current database: after an upgrade the older ones restore another cluster."""
    for history in stanza.backups:
        current = stanza.current_database(history.repo)
        for type_ in BACKUP_TYPES:
            backup = history.newest_of(type_, current.id if current else None)
            if backup is not None:
                yield (stanza.name, str(history.repo), type_), backup


def _readable(stanza: Stanza) -> Iterator[RepositoryBackups]:
    """Yield the backups of each repository whose list could be read."""
    return (stanza.backups.of(repo.key) for repo in stanza.repos if stanza.knows_backups_of(repo.key))


def _counts(stanza: Stanza) -> Iterator[Row[int]]:
    for history in _readable(stanza):
        for type_ in BACKUP_TYPES:
            yield (stanza.name, str(history.repo), type_), history.count(type_)


def _histories(stanza: Stanza, settings: InfoSettings) -> Iterator[Row[tuple[int, int]]]:
    for history in _readable(stanza):
        hidden = max(0, len(history.backups) - settings.per_backup)
        yield (stanza.name, str(history.repo)), (history.with_errors, hidden)


def _shown(backups: Backups, settings: InfoSettings) -> Iterator[Row[Backup]]:
    for history in backups:
        repo = str(history.repo)
        for backup in history.backups[-settings.per_backup :] if settings.per_backup else ():
            yield (backup.stanza, repo, backup.type, backup.label), backup


def _described(backups: Backups, settings: InfoSettings) -> Iterator[Row[Backup]]:
    for identity, backup in _shown(backups, settings):
        wal_start, wal_stop = backup.wal_start or "", backup.wal_stop or ""
        yield (
            (
                *identity,
                backup.prior or "",
                str(backup.database_id),
                wal_start,
                wal_stop,
                backup.backrest_version,
            ),
            backup,
        )


_REPO = ("stanza", "repo")
_TYPE = (*_REPO, "backup_type")
_BACKUP = (*_TYPE, "backup")
_LAST = "Newest backup of this type of the current database"

GROUPS: tuple[Group[Any], ...] = (
    Group(
        labels=_TYPE,
        parts=_each_stanza,
        rows=_last_backups,
        metrics=(
            Metric[Backup](
                "backup_last_start_timestamp_seconds",
                f"{_LAST}: its start, seconds since the epoch.",
                lambda b: b.start,
            ),
            Metric[Backup](
                "backup_last_completion_timestamp_seconds",
                f"{_LAST}: its completion, seconds since the epoch.",
                lambda b: b.stop,
            ),
            Metric[Backup](
                "backup_age_seconds",
                f"{_LAST}: seconds since its completion, computed at the scrape.",
                lambda b: b.stop,
                "age",
            ),
            Metric[Backup]("backup_last_duration_seconds", f"{_LAST}: its duration.", lambda b: b.duration),
            Metric[Backup]("backup_last_size_bytes", f"{_LAST}: size of the database.", lambda b: b.size),
            Metric[Backup](
                "backup_last_delta_bytes", f"{_LAST}: bytes copied from the database.", lambda b: b.delta
            ),
            Metric[Backup](
                "backup_last_repo_size_bytes",
                f"{_LAST}: bytes in the repository that its restore reads. Absent with block incremental.",
                lambda b: b.repo_size,
            ),
            Metric[Backup](
                "backup_last_repo_delta_bytes",
                f"{_LAST}: bytes that it added to the repository.",
                lambda b: b.repo_delta,
            ),
            Metric[Backup](
                "backup_last_error",
                f"{_LAST}: 1 when pages failed their checksum; it completed all the same.",
                lambda b: b.error,
            ),
        ),
    ),
    Group(
        labels=_TYPE,
        parts=_each_stanza,
        rows=_counts,
        metrics=(
            Metric[int](
                "backups", "Backups in the repository, of any database of the stanza.", lambda count: count
            ),
        ),
    ),
    Group(
        labels=_REPO,
        parts=_each_stanza_capped,
        rows=_histories,
        metrics=(
            Metric[tuple[int, int]](
                "backups_with_errors",
                "Backups in the repository in which pages failed their checksum.",
                lambda counts: counts[0],
            ),
            Metric[tuple[int, int]](
                "backups_not_shown",
                "Backups without series of their own, because of info.per_backup.",
                lambda counts: counts[1],
            ),
        ),
    ),
    Group(
        labels=_BACKUP,
        parts=_each_backups_capped,
        rows=_shown,
        metrics=(
            Metric[Backup](
                "backup_start_timestamp_seconds",
                "Start of the backup, seconds since the epoch.",
                lambda b: b.start,
            ),
            Metric[Backup](
                "backup_completion_timestamp_seconds",
                "Completion of the backup, seconds since the epoch.",
                lambda b: b.stop,
            ),
            Metric[Backup]("backup_duration_seconds", "Duration of the backup.", lambda b: b.duration),
            Metric[Backup]("backup_size_bytes", "Size of the database.", lambda b: b.size),
            Metric[Backup]("backup_delta_bytes", "Bytes copied from the database.", lambda b: b.delta),
            Metric[Backup](
                "backup_repo_size_bytes",
                "Bytes in the repository that a restore reads. Absent with block incremental.",
                lambda b: b.repo_size,
            ),
            Metric[Backup](
                "backup_repo_delta_bytes",
                "Bytes added to the repository by this backup.",
                lambda b: b.repo_delta,
            ),
            Metric[Backup](
                "backup_error",
                "1: pages failed their checksum; the backup completed all the same.",
                lambda b: b.error,
            ),
        ),
    ),
    Group(
        labels=(*_BACKUP, "prior", "database_id", "wal_start", "wal_stop", "backrest_version"),
        parts=_each_backups_capped,
        rows=_described,
        metrics=(
            Metric("backup_info", "1 for each backup: what it builds on, and the WAL that it needs.", one),
        ),
    ),
)
