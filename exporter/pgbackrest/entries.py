"""The entries of pgBackRest's info document, decoded from JSON, as facts of the model.

Every version adds fields: unknown ones are ignored, and ones that a version does not give yet are None.
"""

import sys
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from exporter import wal
from exporter.model.info import (
    BACKUP_TYPES,
    Archive,
    Backup,
    Backups,
    Database,
    Lock,
    LockCommand,
    Progress,
    Repository,
    Stanza,
    Status,
)

T = TypeVar("T")


class UnreadableError(Exception):
    """One entry of the document has another shape than pgBackRest gives it."""


def get(entry: Any, key: str, kind: type[T]) -> T:
    """Return a field that pgBackRest always gives; raises UnreadableError."""
    value = _maybe(entry, key, kind)
    if value is None:
        raise UnreadableError(f'"{key}" is missing')
    return value


def _maybe(entry: Any, key: str, kind: type[T]) -> T | None:
    if type(entry) is not dict:
        raise UnreadableError("it is not an object")
    value = entry.get(key)
    # type() and not isinstance(): True is an int in Python and never a number in JSON.
    if value is None or type(value) is kind:
        return value
    raise UnreadableError(f'"{key}" is {type(value).__name__} where {kind.__name__} is expected')


def read_backup(entry: Any, stanza: str) -> Backup:
    """Return the finished backup that *entry* of the list "backup" tells of; raises UnreadableError."""
    type_ = sys.intern(get(entry, "type", str))
    if type_ not in BACKUP_TYPES:
        raise UnreadableError(f'"type" is {type_!r} where full, diff or incr is expected')
    timestamp, info = get(entry, "timestamp", dict), get(entry, "info", dict)
    database, archive = get(entry, "database", dict), _maybe(entry, "archive", dict) or {}
    # Block incremental gives the repository's size no sense, and pgBackRest leaves it out (2.45).
    repository, lsn = _maybe(info, "repository", dict) or {}, _maybe(entry, "lsn", dict) or {}
    return Backup(
        stanza=stanza,
        repo=get(database, "repo-key", int),
        label=get(entry, "label", str),
        type=type_,
        database_id=get(database, "id", int),
        start=get(timestamp, "start", int),
        stop=get(timestamp, "stop", int),
        size=get(info, "size", int),
        delta=get(info, "delta", int),
        repo_size=_maybe(repository, "size", int),
        repo_delta=_maybe(repository, "delta", int),
        error=_maybe(entry, "error", bool),
        prior=_maybe(entry, "prior", str),
        wal_start=_maybe(archive, "start", str),
        wal_stop=_maybe(archive, "stop", str),
        lsn_start=_maybe(lsn, "start", str),
        lsn_stop=_maybe(lsn, "stop", str),
        repo_size_map=_maybe(repository, "size-map", int),
        repo_delta_map=_maybe(repository, "delta-map", int),
        annotations=len(_maybe(entry, "annotation", dict) or ()),
        references=_references(_maybe(entry, "reference", list) or ()),
        backrest_version=sys.intern(_maybe(_maybe(entry, "backrest", dict) or {}, "version", str) or ""),
    )


def _references(labels: Sequence[Any]) -> tuple[int, int, int]:
    """Count them by type, which is the last letter of a label; few combinations are shared by many backups."""
    types = [str(label)[-1:] for label in labels]
    return _shared((types.count("F"), types.count("D"), types.count("I")))


@lru_cache(maxsize=4096)
def _shared(counts: tuple[int, int, int]) -> tuple[int, int, int]:
    return counts


def read_stanza(entry: dict[str, Any], name: str, backups: Backups) -> tuple[Stanza, tuple[str, ...]]:
    """Return the stanza, and a line for each of its entries that could not be read; raises UnreadableError."""
    skipped: list[str] = []
    status = get(entry, "status", dict)
    stanza = Stanza(
        name=name,
        status=_status(status),
        repos=_each(entry, "repo", _repository, lambda repo: repo.key, skipped),
        databases=_each(entry, "db", _database, lambda database: (database.repo, database.id), skipped),
        archives=_each(entry, "archive", _archive, lambda one: (one.repo, one.database_id), skipped),
        locks=_locks(status, skipped),
        backups=backups,
    )
    return replace(stanza, archives=tuple(_sized(archive, stanza) for archive in stanza.archives)), tuple(
        skipped
    )


def _each(
    entry: Any, key: str, read: Callable[[Any], T], identity: Callable[[T], Hashable], skipped: list[str]
) -> tuple[T, ...]:
    """Read every entry of a list; one that is unreadable, or there already, is told in *skipped*."""
    found: dict[Hashable, T] = {}
    try:
        entries: Sequence[Any] = _maybe(entry, key, list) or ()
    except UnreadableError as error:
        skipped.append(str(error))
        return ()
    for number, one in enumerate(entries, 1):
        try:
            value = read(one)
            if identity(value) in found:
                raise UnreadableError("it is listed twice")
        except UnreadableError as error:
            skipped.append(f"{key} {number} of {len(entries)}: {error}")
        else:
            found[identity(value)] = value
    return tuple(found.values())


def _status(entry: Any) -> Status:
    return Status(code=get(entry, "code", int), message=get(entry, "message", str))


def _repository(entry: Any) -> Repository:
    return Repository(
        key=get(entry, "key", int),
        cipher=get(entry, "cipher", str),
        status=_status(get(entry, "status", dict)),
    )


def _database(entry: Any) -> Database:
    return Database(
        id=get(entry, "id", int),
        repo=get(entry, "repo-key", int),
        version=get(entry, "version", str),
        system_id=get(entry, "system-id", int),
    )


def _archive(entry: Any) -> Archive:
    database = get(entry, "database", dict)
    return Archive(
        database_id=get(database, "id", int),
        repo=get(database, "repo-key", int),
        oldest=_maybe(entry, "min", str),
        newest=_maybe(entry, "max", str),
    )


def _locks(status: Any, skipped: list[str]) -> tuple[Lock, ...]:
    commands: tuple[LockCommand, ...] = ("backup", "restore")
    try:
        locks = _maybe(status, "lock", dict) or {}
        return tuple(_lock(locks[command], command, skipped) for command in commands if command in locks)
    except UnreadableError as error:
        skipped.append(f"lock: {error}")
        return ()


def _lock(entry: Any, command: LockCommand, skipped: list[str]) -> Lock:
    held = get(entry, "held", bool)
    progress = _each(entry, "repo", _progress, lambda progress: progress.repo, skipped)
    if not progress and "size" in entry:
        progress = (_progress(entry),)
    return Lock(command=command, held=held, progress=progress)


def _progress(entry: Any) -> Progress:
    return Progress(
        repo=_maybe(entry, "key", int), size=get(entry, "size", int), done=get(entry, "size-cplt", int)
    )


def _sized(archive: Archive, stanza: Stanza) -> Archive:
    """Infer the segment size from backups of the same cluster, in whichever repository they are."""
    systems = {(database.repo, database.id): database.system_id for database in stanza.databases}
    system = systems.get((archive.repo, archive.database_id))
    starts = (
        (backup.lsn_start, backup.wal_start)
        for backup in reversed(stanza.backups.all)
        if backup.lsn_start
        and backup.wal_start
        and system is not None
        and systems.get((backup.repo, backup.database_id)) == system
    )
    # A few of the newest settle it; a thousand that all leave it open would not.
    return replace(archive, wal_segment_size=wal.infer_segment_size(islice(starts, 20)))
