"""The metrics of woblerr's pgbackrest_exporter 0.23 under its names and labels, for boards and rules made for it.

They are told from the same facts, so what that exporter cannot know it does not know here either: "last" is over
all repositories and databases, what is missing is 0. Ages alone are better: they are made at the scrape.
Left out are those that need flags there and an `info --set` for each backup, or three series for each:
pgbackrest_backup_databases, pgbackrest_backup_last_databases and pgbackrest_backup_references.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from exporter.metrics import exporter
from exporter.model.info import Archive, Backup, Info, Lock, Repository, Stanza, Status
from exporter.snapshot import Reading, Snapshot
from exporter.table import Group, Metric, Part, Row, one

_HELP = "As pgbackrest_exporter 0.23 has it."

_NO_REPOSITORY = Repository(key=0, cipher="none", status=Status(code=0, message=""))


class Last(NamedTuple):
    """A stanza's newest backup of a type or a stronger one, in any repository."""

    type: str
    backup: Backup


def _each_stanza(snapshot: Snapshot) -> Iterator[Part]:
    yield from ((stanza,) for stanza in snapshot.listed)


def _stanzas(stanza: Stanza) -> Iterator[Row[Stanza]]:
    yield (stanza.name,), stanza


def _repositories(stanza: Stanza) -> Iterator[Row[Repository]]:
    for repo in stanza.repos or (_NO_REPOSITORY,):
        yield (repo.cipher, str(repo.key), stanza.name), repo


def _archives(stanza: Stanza) -> Iterator[Row[Archive]]:
    for archive in stanza.archives:
        labels_ = str(archive.database_id), _version(stanza, archive), str(archive.repo), stanza.name, "", ""
        yield labels_, archive


def _version(stanza: Stanza, of: Archive | Backup) -> str:
    found = (
        database.version
        for database in stanza.databases
        if (database.id, database.repo) == (of.database_id, of.repo)
    )
    return next(found, "")


def _incremental(backup: Backup) -> str:
    return "y" if backup.block_incremental else "n"


def _identity(backup: Backup) -> tuple[str, ...]:
    return (
        backup.label,
        backup.type,
        _incremental(backup),
        str(backup.database_id),
        str(backup.repo),
        backup.stanza,
    )


def _backups(stanza: Stanza) -> Iterator[Row[Backup]]:
    yield from ((_identity(backup), backup) for backup in stanza.backups.all)


def _infos(stanza: Stanza) -> Iterator[Row[Backup]]:
    for backup in stanza.backups.all:
        label, type_, incremental, database, repo, name = _identity(backup)
        lsn = backup.lsn_start or "-", backup.lsn_stop or "-"
        wal = backup.wal_start or "", backup.wal_stop or ""
        before = backup.backrest_version, label, type_, incremental, database
        yield (*before, *lsn, _version(stanza, backup), backup.prior or "", repo, name, *wal), backup


def _durations(stanza: Stanza) -> Iterator[Row[Backup]]:
    for backup in stanza.backups.all:
        yield (*_identity(backup), _local(backup.start), _local(backup.stop)), backup


def _local(moment: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
    except (OverflowError, OSError, ValueError):  # no calendar reaches so far
        return ""


def _lasts(stanza: Stanza) -> Iterator[Row[Last]]:
    for last in _newest(stanza):
        yield (last.type, _incremental(last.backup), stanza.name), last


def _references(stanza: Stanza) -> Iterator[Row[int]]:
    for last in _newest(stanza):
        for type_, count in zip(("full", "diff", "incr"), last.backup.references, strict=True):
            yield (type_, last.type, _incremental(last.backup), stanza.name), count


def _newest(stanza: Stanza) -> Iterator[Last]:
    """Yield the newest full, the newest of full and diff, and the newest of all, if there is a full."""
    types: tuple[str, ...] = ()
    for type_ in ("full", "diff", "incr"):
        types += (type_,)
        fitting = [backup for backup in stanza.backups.all if backup.type in types]
        if not fitting or not any(backup.type == "full" for backup in fitting):
            return
        yield Last(type_, max(fitting, key=lambda backup: backup.stop))


def _lock(stanza: Stanza, command: str) -> Lock | None:
    return next((lock for lock in stanza.locks if lock.command == command), None)


def _held(command: str) -> Any:
    def held(stanza: Stanza) -> bool:
        lock = _lock(stanza, command)
        return lock is not None and lock.held

    return held


def _progress(command: str, what: str) -> Any:
    def progress(stanza: Stanza) -> int:
        lock = _lock(stanza, command)
        return sum(getattr(part, what) for part in lock.progress) if lock else 0

    return progress


def _each_info(snapshot: Snapshot) -> Iterator[Part]:
    if "" in snapshot.info:
        yield snapshot.info[""], bool(snapshot.settings.exclude)


def _readings(reading: Reading[Info], excludes: bool) -> Iterator[Row[Reading[Info]]]:
    yield ("all-stanzas-except-excluded" if excludes else "all-stanzas",), reading


def _versions(reading: Reading[Info], _: bool) -> Iterator[Row[Info | None]]:
    yield (), reading.value


def number(info: Info | None) -> int:
    """Return 2059001 for 2.59.1, as `version --output=num` does from 2.55 on; 0 is not known."""
    if info is None or info.version is None:
        return 0
    major, minor, patch = ([*info.version.split("."), "0", "0"])[:3]
    digits = minor.removesuffix("dev"), patch.removesuffix("dev")
    if not (major.isdecimal() and all(part.isdecimal() for part in digits)):
        return 0
    return int(major) * 1_000_000 + int(digits[0]) * 1_000 + int(digits[1])


_BACKUP = ("backup_name", "backup_type", "block_incr", "database_id", "repo_key", "stanza")
_INFO = (
    *("backrest_ver", "backup_name", "backup_type", "block_incr", "database_id", "lsn_start", "lsn_stop"),
    *("pg_version", "prior", "repo_key", "stanza", "wal_start", "wal_stop"),
)
_LAST = ("backup_type", "block_incr", "stanza")

Values = Mapping[str, Callable[[Any], float | None]]

_OF_STANZA: Values = {
    "stanza_status": lambda stanza: stanza.status.code,
    "stanza_backup_lock_status": _held("backup"),
    "stanza_backup_total_bytes": _progress("backup", "size"),
    "stanza_backup_complete_bytes": _progress("backup", "done"),
    "stanza_restore_lock_status": _held("restore"),
    "stanza_restore_total_bytes": _progress("restore", "size"),
    "stanza_restore_complete_bytes": _progress("restore", "done"),
}
_OF_BACKUP: Values = {
    "size_bytes": lambda backup: backup.size,
    "delta_bytes": lambda backup: backup.delta,
    "repo_size_bytes": lambda backup: backup.repo_size or 0,
    "repo_delta_bytes": lambda backup: backup.repo_delta or 0,
    "repo_size_map_bytes": lambda backup: backup.repo_size_map or 0,
    "repo_delta_map_bytes": lambda backup: backup.repo_delta_map or 0,
    "error_status": lambda backup: backup.error or False,
    "annotations": lambda backup: backup.annotations,
}


def _group(labels_: tuple[str, ...], rows: Callable[..., Iterable[Row[Any]]], values: Values) -> Group[Any]:
    metrics = tuple(Metric[Any](name, _HELP, value) for name, value in values.items())
    return Group(labels=labels_, parts=_each_stanza, rows=rows, metrics=metrics)


def _of_last(value: Callable[[Any], float | None]) -> Callable[[Last], float | None]:
    return lambda last: value(last.backup)


GROUPS: tuple[Group[Any], ...] = (
    _group(("stanza",), _stanzas, _OF_STANZA),
    _group(("cipher", "repo_key", "stanza"), _repositories, {"repo_status": lambda repo: repo.status.code}),
    _group(
        ("database_id", "pg_version", "repo_key", "stanza", "wal_max", "wal_min"),
        _archives,
        {"wal_archive_status": lambda archive: bool(archive.oldest and archive.newest)},
    ),
    _group(_INFO, _infos, {"backup_info": one}),
    _group(
        (*_BACKUP, "start_time", "stop_time"),
        _durations,
        {"backup_duration_seconds": lambda backup: backup.duration},
    ),
    _group(_BACKUP, _backups, {f"backup_{name}": value for name, value in _OF_BACKUP.items()}),
    Group(
        labels=_LAST,
        parts=_each_stanza,
        rows=_lasts,
        metrics=(
            Metric[Last]("backup_since_last_completion_seconds", _HELP, lambda last: last.backup.stop, "age"),
            Metric[Last]("backup_last_duration_seconds", _HELP, lambda last: last.backup.duration),
            *(
                Metric[Last](f"backup_last_{name}", _HELP, _of_last(value))
                for name, value in _OF_BACKUP.items()
            ),
        ),
    ),
    _group(("ref_backup", *_LAST), _references, {"backup_last_references": lambda count: count}),
    Group(
        labels=("stanza",),
        parts=_each_info,
        rows=_readings,
        metrics=(Metric[Reading[Info]]("exporter_status", _HELP, lambda reading: reading.success),),
    ),
    Group(
        labels=(),
        parts=_each_info,
        rows=_versions,
        metrics=(Metric[Info | None]("version_info", _HELP, number),),
    ),
    exporter.GROUPS[0],
)
