"""Decoder of `pgbackrest info --output=json`, from 2.45 on: bytes in, stanzas out.

The document is src/command/info/info.c's, and three of its habits decide how it is read here. It is one
line that holds every backup ever kept, of which all but the newest were there last time: so it is cut into
slices without being decoded, and what a slice said before is remembered. It quotes other programs' words,
so strings may carry invalid UTF-8 and raw control characters. And it grows with each version: unknown
fields are ignored, missing ones are None.

    document ─ slices ─► stanza ─┬─ name, status, repo, db, archive ─► decoded when anything changed
                                 └─ backup ─ slices ─► Backup, decoded once for its life
"""

import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from typing import Any, TypeVar, cast

import msgspec
import orjson

from exporter import wal
from exporter.model import (
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

_CONTROL = dict.fromkeys(range(32), "�") | {9: " ", 10: " ", 13: " "}


class MalformedError(Exception):
    """What was printed is not an info document. The message is one line."""


class _UnreadableError(Exception):
    """One entry of the document has another shape than pgBackRest gives it."""


@dataclass(slots=True)
class _Memory:
    """What a stanza's slice said the last time."""

    digest: bytes
    stanza: Stanza
    skipped: tuple[str, ...]
    backups_digest: bytes
    backups_skipped: tuple[str, ...]
    by_digest: dict[bytes, Backup] = field(repr=False)


class Decoder:
    """Decodes one document after the other, and only what is new in each."""

    def __init__(self) -> None:
        self.skipped: tuple[str, ...] = ()
        self._digest = b""
        self._memories: dict[str, _Memory] = {}

    def decode(self, document: bytes) -> Iterator[Stanza]:
        """Yield the stanzas of *document*; unchanged ones are the very objects yielded the last time.

        Being a generator it lets the caller do other work between two stanzas. Entries that could not be
        read are left out and told, a line each, in *skipped* once all stanzas are out.
        Raises MalformedError when the document as a whole cannot be read.
        """
        digest = _digest(document)
        if digest == self._digest:
            yield from [memory.stanza for memory in self._memories.values()]
            return
        slices = _slices(document)
        # A decoding that is abandoned half-way must not pass for this document the next time.
        self._digest = b""
        previous = {memory.digest: memory for memory in self._memories.values()}
        memories: dict[str, _Memory] = {}
        skipped: list[str] = []
        for number, piece in enumerate(slices, 1):
            try:
                memory = previous.get(_digest(piece)) or self._remember(piece)
                if memory.stanza.name in memories:
                    raise _UnreadableError(f"{memory.stanza.name} is listed twice")
            except _UnreadableError as error:
                skipped.append(f"stanza {number} of {len(slices)}: {error}")
                continue
            memories[memory.stanza.name] = memory
            skipped += [f"stanza {memory.stanza.name}: {line}" for line in memory.skipped]
            yield memory.stanza
        self._memories, self._digest, self.skipped = memories, digest, tuple(skipped)

    def _remember(self, piece: memoryview) -> _Memory:
        fields = _fields(piece)
        name = sys.intern(_get({"name": _loads(fields.get("name", b"null"))}, "name", str))
        backups = memoryview(fields.pop("backup", b"[]"))
        digest, last = _digest(backups), self._memories.get(name)
        if last is not None and last.backups_digest == digest:
            found, known, skipped = last.stanza.backups, last.by_digest, last.backups_skipped
        else:
            found, known, skipped = _backups(name, backups, last.by_digest if last else {})
        stanza, others = _stanza({key: _loads(value) for key, value in fields.items()}, name, found)
        return _Memory(_digest(piece), stanza, (*others, *skipped), digest, skipped, known)


def _digest(piece: bytes | memoryview) -> bytes:
    # Processors of today hash it in hardware; half of it is still far from ever meeting its like.
    return sha256(piece).digest()[:16]


def _printable(piece: bytes) -> bytes:
    """Return *piece* with what is not UTF-8, or a control character, replaced: a wrong cipher-pass quotes both."""
    return piece.decode("utf-8", "replace").translate(_CONTROL).encode()


def _slices(document: bytes) -> list[memoryview]:
    try:
        return _cut(document)
    except (msgspec.DecodeError, ValueError, RecursionError):
        try:
            return _cut(_printable(document))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            message = str(error).removeprefix("JSON is malformed: ")
            raise MalformedError(
                f"pgbackrest info printed {len(document)} bytes that are not an info document: {message}"
            ) from None


def _cut(array: bytes | memoryview) -> list[memoryview]:
    return [memoryview(piece) for piece in msgspec.json.decode(array, type=list[msgspec.Raw])]


def _fields(piece: memoryview) -> dict[str, bytes]:
    try:
        fields = msgspec.json.decode(piece, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _UnreadableError("it is not an object") from None
    return cast("dict[str, bytes]", fields)


def _loads(piece: bytes | memoryview) -> Any:
    try:
        return orjson.loads(piece)
    except orjson.JSONDecodeError:
        try:
            return orjson.loads(_printable(bytes(piece)))
        except orjson.JSONDecodeError as error:
            raise _UnreadableError(f"it is not JSON: {error.msg}") from None


def _get(entry: Any, key: str, kind: type[T]) -> T:
    value = _maybe(entry, key, kind)
    if value is None:
        raise _UnreadableError(f'"{key}" is missing')
    return value


def _maybe(entry: Any, key: str, kind: type[T]) -> T | None:
    if type(entry) is not dict:
        raise _UnreadableError("it is not an object")
    value = entry.get(key)
    # type() and not isinstance(): True is an int in Python and never a number in JSON.
    if value is None or type(value) is kind:
        return value
    raise _UnreadableError(f'"{key}" is {type(value).__name__} where {kind.__name__} is expected')


def _backups(
    stanza: str, array: memoryview, known: dict[bytes, Backup]
) -> tuple[Backups, dict[bytes, Backup], tuple[str, ...]]:
    """Decode the slices that are not *known*; return all backups, those known by digest, and what was skipped."""
    try:
        pieces = _cut(array)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Backups(stanza), {}, ('"backup" is not a list',)
    found: dict[tuple[int, str], Backup] = {}
    by_digest: dict[bytes, Backup] = {}
    skipped: list[str] = []
    for number, piece in enumerate(pieces, 1):
        try:
            digest = _digest(piece)
            backup = known.get(digest) or _backup(_loads(piece), stanza)
            if (backup.repo, backup.label) in found:
                raise _UnreadableError(f"{backup.label} is listed twice")
        except _UnreadableError as error:
            skipped.append(f"backup {number} of {len(pieces)}: {error}")
            continue
        found[backup.repo, backup.label] = by_digest[digest] = backup
    return Backups(stanza, tuple(found.values())), by_digest, tuple(skipped)


def _backup(entry: Any, stanza: str) -> Backup:
    type_ = sys.intern(_get(entry, "type", str))
    if type_ not in BACKUP_TYPES:
        raise _UnreadableError(f'"type" is {type_!r} where full, diff or incr is expected')
    timestamp, info = _get(entry, "timestamp", dict), _get(entry, "info", dict)
    database, archive = _get(entry, "database", dict), _maybe(entry, "archive", dict) or {}
    # Block incremental gives the repository's size no sense, and pgBackRest leaves it out (2.45).
    repository = _maybe(info, "repository", dict) or {}
    return Backup(
        stanza=stanza,
        repo=_get(database, "repo-key", int),
        label=_get(entry, "label", str),
        type=type_,
        database_id=_get(database, "id", int),
        start=_get(timestamp, "start", int),
        stop=_get(timestamp, "stop", int),
        size=_get(info, "size", int),
        delta=_get(info, "delta", int),
        repo_size=_maybe(repository, "size", int),
        repo_delta=_maybe(repository, "delta", int),
        error=_maybe(entry, "error", bool),
        prior=_maybe(entry, "prior", str),
        wal_start=_maybe(archive, "start", str),
        wal_stop=_maybe(archive, "stop", str),
        lsn_start=_maybe(_maybe(entry, "lsn", dict) or {}, "start", str),
        backrest_version=sys.intern(_maybe(_maybe(entry, "backrest", dict) or {}, "version", str) or ""),
    )


def _stanza(entry: dict[str, Any], name: str, backups: Backups) -> tuple[Stanza, tuple[str, ...]]:
    skipped: list[str] = []
    status = _get(entry, "status", dict)
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
    except _UnreadableError as error:
        skipped.append(str(error))
        return ()
    for number, one in enumerate(entries, 1):
        try:
            value = read(one)
            if identity(value) in found:
                raise _UnreadableError("it is listed twice")
        except _UnreadableError as error:
            skipped.append(f"{key} {number} of {len(entries)}: {error}")
        else:
            found[identity(value)] = value
    return tuple(found.values())


def _status(entry: Any) -> Status:
    return Status(code=_get(entry, "code", int), message=_get(entry, "message", str))


def _repository(entry: Any) -> Repository:
    return Repository(
        key=_get(entry, "key", int),
        cipher=_get(entry, "cipher", str),
        status=_status(_get(entry, "status", dict)),
    )


def _database(entry: Any) -> Database:
    return Database(
        id=_get(entry, "id", int),
        repo=_get(entry, "repo-key", int),
        version=_get(entry, "version", str),
        system_id=_get(entry, "system-id", int),
    )


def _archive(entry: Any) -> Archive:
    database = _get(entry, "database", dict)
    return Archive(
        database_id=_get(database, "id", int),
        repo=_get(database, "repo-key", int),
        oldest=_maybe(entry, "min", str),
        newest=_maybe(entry, "max", str),
    )


def _locks(status: Any, skipped: list[str]) -> tuple[Lock, ...]:
    commands: tuple[LockCommand, ...] = ("backup", "restore")
    try:
        locks = _maybe(status, "lock", dict) or {}
        return tuple(_lock(locks[command], command, skipped) for command in commands if command in locks)
    except _UnreadableError as error:
        skipped.append(f"lock: {error}")
        return ()


def _lock(entry: Any, command: LockCommand, skipped: list[str]) -> Lock:
    held = _get(entry, "held", bool)
    progress = _each(entry, "repo", _progress, lambda progress: progress.repo, skipped)
    if not progress and "size" in entry:
        progress = (_progress(entry),)
    return Lock(command=command, held=held, progress=progress)


def _progress(entry: Any) -> Progress:
    return Progress(
        repo=_maybe(entry, "key", int), size=_get(entry, "size", int), done=_get(entry, "size-cplt", int)
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
