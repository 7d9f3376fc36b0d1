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
from collections.abc import Container, Generator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

import msgspec
import orjson

from exporter.model.info import Backup, Backups, Stanza
from exporter.pgbackrest.entries import UnreadableError, get, read_backup, read_stanza

# Bytes hashed in one go: a millisecond.
_STEP = 1 << 20
# What lies between two stanzas, and the first key of the second.
_STANZA = b',{"archive":['
_CONTROL = dict.fromkeys(range(32), "�") | {9: " ", 10: " ", 13: " "}


class MalformedError(Exception):
    """What was printed is not an info document. The message is one line."""


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

    def decode(self, document: bytes | bytearray) -> Iterator[Stanza | None]:
        """Yield the stanzas of *document*; unchanged ones are the very objects yielded the last time.

        Being a generator it lets the caller do other work between two steps; None is a step without a stanza.
        Entries that could not be read are left out and told, a line each, in *skipped* once all is out.
        Raises MalformedError when the document as a whole cannot be read.
        """
        digest = yield from _digest_in_steps(document)
        if digest == self._digest:
            yield from [memory.stanza for memory in self._memories.values()]
            return
        # A decoding that is abandoned half-way must not pass for this document the next time.
        self._digest = b""
        previous = {memory.digest: memory for memory in self._memories.values()}
        slices = yield from _slices(document, previous)
        memories: dict[str, _Memory] = {}
        skipped: list[str] = []
        for number, piece in enumerate(slices, 1):
            try:
                memory = previous.get(piece.digest) or self._remember(piece)
                if memory.stanza.name in memories:
                    raise UnreadableError(f"{memory.stanza.name} is listed twice")
            except UnreadableError as error:
                skipped.append(f"stanza {number} of {len(slices)}: {error}")
                continue
            memories[memory.stanza.name] = memory
            skipped += [f"stanza {memory.stanza.name}: {line}" for line in memory.skipped]
            yield memory.stanza
        self._memories, self._digest, self.skipped = memories, digest, tuple(skipped)

    def _remember(self, piece: "_Slice") -> _Memory:
        fields = _fields(piece.json)
        name = sys.intern(get({"name": _loads(fields.get("name", b"null"))}, "name", str))
        backups = memoryview(fields.pop("backup", b"[]"))
        digest, last = _digest(backups), self._memories.get(name)
        if last is not None and last.backups_digest == digest:
            found, known, skipped = last.stanza.backups, last.by_digest, last.backups_skipped
        else:
            found, known, skipped = _backups(name, backups, last.by_digest if last else {})
        stanza, others = read_stanza({key: _loads(value) for key, value in fields.items()}, name, found)
        return _Memory(piece.digest, stanza, (*others, *skipped), digest, skipped, known)


class _Slice:
    """The part of the document that tells of one stanza."""

    __slots__ = ("digest", "json")

    def __init__(self, json: memoryview) -> None:
        self.json = json
        self.digest = _digest(json)


def _digest_in_steps(document: bytes | bytearray) -> Generator[None, None, bytes]:
    whole = sha256()
    for start in range(0, len(document), _STEP):
        whole.update(memoryview(document)[start : start + _STEP])
        yield
    return whole.digest()


def _digest(piece: bytes | memoryview) -> bytes:
    # Processors of today hash it in hardware; half of it is still far from ever meeting its like.
    return sha256(piece).digest()[:16]


def _printable(piece: bytes | bytearray) -> bytes:
    """Return *piece* with what is not UTF-8, or a control character, replaced: a wrong cipher-pass quotes both."""
    return piece.decode("utf-8", "replace").translate(_CONTROL).encode()


def _slices(document: bytes | bytearray, known: Container[bytes]) -> Generator[None, None, list[_Slice]]:
    """Cut *document* where its stanzas begin, in steps; what is not *known* must be an object, all of it.

    pgBackRest writes keys in order, and a quotation mark inside of a string has a backslash before it. What is
    written otherwise, or damaged, is cut by a parser, in one long step.
    """
    slices: list[_Slice] = []
    try:
        for piece in _stanzas(document):
            one = _Slice(piece)
            if one.digest not in known:
                _fields(piece)
            slices.append(one)
            yield
    except UnreadableError:
        return [_Slice(piece) for piece in _parsed(document)]
    return slices


def _stanzas(document: bytes | bytearray) -> Iterator[memoryview]:
    if not document.startswith(b"[" + _STANZA[1:]) or not document.endswith(b"]"):
        raise UnreadableError("it is written in another way")
    whole, start = memoryview(document), 1
    while (end := document.find(_STANZA, start)) > 0:
        yield whole[start:end]
        start = end + 1
    yield whole[start:-1]


def _parsed(document: bytes | bytearray) -> list[memoryview]:
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


def _cut(array: bytes | bytearray | memoryview) -> list[memoryview]:
    return [memoryview(piece) for piece in msgspec.json.decode(array, type=list[msgspec.Raw])]


def _fields(piece: memoryview) -> dict[str, bytes]:
    try:
        fields = msgspec.json.decode(piece, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise UnreadableError("it is not an object") from None
    return cast("dict[str, bytes]", fields)


def _loads(piece: bytes | memoryview) -> Any:
    try:
        return orjson.loads(piece)
    except orjson.JSONDecodeError:
        try:
            return orjson.loads(_printable(bytes(piece)))
        except orjson.JSONDecodeError as error:
            raise UnreadableError(f"it is not JSON: {error.msg}") from None


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
            backup = known.get(digest) or read_backup(_loads(piece), stanza)
            if (backup.repo, backup.label) in found:
                raise UnreadableError(f"{backup.label} is listed twice")
        except UnreadableError as error:
            skipped.append(f"backup {number} of {len(pieces)}: {error}")
            continue
        found[backup.repo, backup.label] = by_digest[digest] = backup
    return Backups(stanza, tuple(found.values())), by_digest, tuple(skipped)
