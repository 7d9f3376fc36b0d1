"""The records of restore tests on disk: one JSON document a run with its log beside it, and what outlives them.

    RECORDS/STANZA/20261122T071500Z.json    a Record (exporter.model.restore_tests), schema "1"
    RECORDS/STANZA/20261122T071500Z.log     what the run said
    RECORDS/STANZA/totals.json              counts and moments by repository and target, kept beyond the history
    RECORDS/STANZA/lock                     locked (fcntl) while a test of the stanza runs

Documents are written beside their place and renamed into it: a reader sees a whole one or none.
"""

import fcntl
import os
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from exporter import jsonfile
from exporter.model.restore_tests import Record

SCHEMA = "1"
LOCK = "lock"
_TOTALS = "totals.json"
_NAME = re.compile(r"\d{8}T\d{6}Z(-\d+)?\.json")


class RecordError(Exception):
    """A record cannot be read or written; the message is one line."""


class BusyError(RecordError):
    """Another test of the stanza runs."""


class Total(msgspec.Struct, frozen=True):
    """What is known of all runs of one repository and target."""

    results: dict[str, int] = {}
    last_success: float | None = None
    last_failure: float | None = None


class _Document(msgspec.Struct, frozen=True):
    schema: str
    test: Record


@contextmanager
def locked(records: Path, stanza: str) -> Iterator[Path]:
    """Hold the stanza's lock and give its folder; raises BusyError, or RecordError where nothing can be written."""
    folder = records / stanza
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RecordError(
            f"{folder}: {(error.strerror or str(error)).lower()}: create it for user {os.geteuid()},"
            " or set restore_tests.records"
        ) from None
    try:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(f"another restore test of stanza {stanza} runs: wait for it") from None
        yield folder
    finally:
        os.close(file)


def runs_now(folder: Path) -> bool:
    """Whether a test of the stanza holds its lock; asking takes nothing away (F_GETLK). Raises OSError."""
    file = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # struct flock of 64-bit Linux: type, whence, start, len, pid.
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(file, fcntl.F_GETLK, asked)
    finally:
        os.close(file)
    return bool(struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK)


def stem(folder: Path, started: float) -> str:
    """Return a name for a run that began then, which no other run has."""
    name = datetime.fromtimestamp(started, UTC).strftime("%Y%m%dT%H%M%SZ")
    taken = {path.stem for path in folder.iterdir()}
    return next(each for each in (name, *(f"{name}-{n}" for n in range(2, 1000))) if each not in taken)


def write(folder: Path, name: str, record: Record, *, history: int) -> None:
    """Put a record on disk, count it, and let go of all but the newest *history* and as many failed ones.

    Raises RecordError.
    """
    try:
        jsonfile.replace(folder / f"{name}.json", msgspec.json.encode(_Document(SCHEMA, record)))
        jsonfile.replace(folder / _TOTALS, msgspec.json.encode(_counted(totals(folder), record)))
        _forget(folder, history)
    except OSError as error:
        raise RecordError(
            f"{folder}: the record cannot be written, so the exporter does not know of this test:"
            f" {(error.strerror or str(error)).lower()}"
        ) from None


def names(folder: Path) -> list[str]:
    """Return the names of the records' files, oldest first; raises OSError."""
    return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name))


def read(path: Path) -> Record:
    """Read one record; raises RecordError."""
    document: _Document = _decoded(path, _Document)
    return document.test


def totals(folder: Path) -> dict[str, Total]:
    """Return the totals by `REPO/TARGET`, empty before the first run; raises RecordError."""
    path = folder / _TOTALS
    return _decoded(path, dict[str, Total]) if path.exists() else {}


def key(record: Record) -> str:
    """Return the place of a record in the totals."""
    return f"{record.repo or ''}/{record.target}"


def _decoded(path: Path, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise RecordError(f"{path}: {(error.strerror or str(error)).lower()}: check it") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: is no record of a restore test ({error}): remove it") from None


def _counted(known: Mapping[str, Total], record: Record) -> dict[str, Total]:
    before = known.get(key(record), Total())
    after = Total(
        results=before.results | {record.result: before.results.get(record.result, 0) + 1},
        last_success=record.ended if record.result == "proven" else before.last_success,
        last_failure=record.ended if record.success is False else before.last_failure,
    )
    return {**known, key(record): after}


def _forget(folder: Path, history: int) -> None:
    every = names(folder)
    kept = set(every[-history:])
    failed = 0
    for name in reversed(every):
        if name in kept:
            continue
        if failed < history and _failed(folder / name):
            failed += 1
            continue
        (folder / name).unlink(missing_ok=True)
        (folder / name).with_suffix(".log").unlink(missing_ok=True)


def _failed(path: Path) -> bool:
    try:
        return read(path).success is False
    except RecordError:
        return False
