"""The records that `pgbackrest-exporter run` leaves of each run, and how the exporter reads them.

A record is a JSON file of its own. It is written when the run begins, with `ended` null, and replaced when it
ends. While the run lasts its wrapper holds an flock on the file: a record without an end whose lock is free is of
a run that was killed, or cut off by a power loss. The newest KEPT of each kind of run stay.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from exporter import jsonfile

KEPT = 20
"""Records of each kind of run that stay."""

FORMAT = "pgbackrest-exporter run 1"
_SUFFIX = ".json"
_MODE = 0o640
_FOLDER_MODE = 0o750
_LEFT_BEHIND = 86400.0
_END_OF_TIME = 1e11
_TEXTS = ("stanza", "command", "backup_type")
_MAYBE_TEXTS = ("repo", "signal", "words")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run. Times are seconds since the epoch; *repo* None: the default one.

    Once it has *ended* there is an *exit_code*, 128 + N where signal N ended it (then *signal* is its name), as
    shells count. *words* are its last error words. *killed* is never written: nothing was left of the run.
    """

    stanza: str
    command: str
    backup_type: str
    repo: str | None
    pid: int
    started: float
    ended: float | None = None
    exit_code: int | None = None
    signal: str | None = None
    words: str | None = None
    killed: bool = False

    @property
    def kind(self) -> tuple[str, str, str, str | None]:
        """What must be the same of two runs to be compared."""
        return self.stanza, self.command, self.backup_type, self.repo


class Writing:
    """The record of a run that is going on."""

    def __init__(self, folder: Path, record: Record) -> None:
        """Write the record of the start. Raises OSError."""
        self._record = record
        with suppress(FileExistsError):
            folder.mkdir(_FOLDER_MODE)
        self._path = folder / _name(record)
        self._lock = _write_locked(self._path, record)

    def finish(self, record: Record) -> None:
        """Replace it by the record of the end, and let the oldest of its kind go. Raises OSError."""
        jsonfile.write(self._path, _document(record), mode=_MODE)
        os.close(self._lock)
        _prune(self._path)


def _write_locked(path: Path, record: Record) -> int:
    """Write the file, locked before anybody can see it; return the descriptor that holds the lock."""
    new = path.with_name(f".{path.name}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.fchmod(descriptor, _MODE)
        data = json.dumps(_document(record), separators=(",", ":")).encode()
        if os.write(descriptor, data) != len(data):
            raise OSError(28, os.strerror(28))
        os.fsync(descriptor)
        new.rename(path)
    except BaseException:
        os.close(descriptor)
        new.unlink(missing_ok=True)
        raise
    jsonfile.flush(path.parent)
    return descriptor


def _document(record: Record) -> dict[str, Any]:
    document = {"format": FORMAT} | asdict(record)
    del document["killed"]
    return document


def _name(record: Record) -> str:
    """Name the file by kind, then by time: so the oldest of a kind are found without reading any."""
    kind = "-".join(part or "" for part in record.kind).replace("/", "_").replace("\0", "_")
    cut = kind.encode(errors="surrogateescape")[:150].decode(errors="ignore")
    return f"{cut}@{int(record.started * 1000):015}-{record.pid}{_SUFFIX}"


def _prune(newest: Path) -> None:
    kind = newest.name.rpartition("@")[0]
    paths = sorted(newest.parent.iterdir())
    for path in [path for path in paths if path.name.rpartition("@")[0] == kind][:-KEPT]:
        path.unlink(missing_ok=True)
    for path in paths:
        if path.name.startswith(".") and path.suffix == _SUFFIX:
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _LEFT_BEHIND:
                    path.unlink()


class Reader:
    """Reads a folder of records again and again; a file that is as it was is not opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, ...], Record | None]] = {}
        self.troubles: tuple[str, ...] = ()

    def read(self) -> dict[str, Record]:
        """Return all records by their names; of what cannot be read `troubles` has a line. Raises OSError."""
        known, troubles = {}, []
        for name, identity in _files(self._folder):
            before = self._known.get(name)
            if before is not None and before[0] == identity and _settled(before[1]):
                known[name] = before
                continue
            try:
                known[name] = identity, _read(self._folder / name)
            except FileNotFoundError:
                continue  # pruned meanwhile
            except (OSError, ValueError) as error:
                troubles.append(f"{self._folder / name}: {getattr(error, 'strerror', None) or error}")
        self._known, self.troubles = known, tuple(troubles)
        return {name: record for name, (_, record) in known.items() if record is not None}


def _settled(record: Record | None) -> bool:
    return record is None or record.ended is not None or record.killed


def _files(folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name.endswith(_SUFFIX) and entry.name[0] != "."]
        for entry in sorted(found, key=lambda entry: entry.name):
            with suppress(FileNotFoundError):
                stat = entry.stat()
                yield entry.name, (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def _read(path: Path) -> Record:
    record = _decoded(path, jsonfile.read(path))
    if record.ended is None and not _is_locked(path):
        # The end may have been written since: once more, and then nobody holds it any longer.
        record = _decoded(path, jsonfile.read(path))
        return record if record.ended is not None else replace(record, killed=True)
    return record


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _decoded(path: Path, document: Any) -> Record:
    """Check what a foreign hand may have written; fields that are new to us are passed over."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"{path}: no record of a run")
    values: dict[str, Any] = {
        name: document.get(name) for name in Record.__dataclass_fields__ if name != "killed"
    }
    sound = (
        all(isinstance(values[name], str) for name in _TEXTS)
        and all(values[name] is None or isinstance(values[name], str) for name in _MAYBE_TEXTS)
        and type(values["pid"]) is int
        and _is_time(values["started"])
        and (values["ended"] is None or _is_time(values["ended"]))
        and (type(values["exit_code"]) is int if values["ended"] is not None else values["exit_code"] is None)
    )
    if not sound:
        raise ValueError(f"{path}: a record of a run with fields that are missing or wrong")
    return Record(**values)


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < _END_OF_TIME
