"""Follows log files that grow and are rotated: gives what is new, each line once.

A file is known again by its inode and its first bytes. It may be renamed (its rest is read under its new name),
copied and truncated (the rest is in the copy), and compressed. What is seen for the first time is read from the
oldest rotated file on, as far as FIRST_BYTES reach.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

CHUNK = 1 << 20
FIRST_BYTES = 64 << 20
"""Bytes of rotated files, as they lie on the disk, that are read the first time."""

_HEAD = 256
_OPENERS: Mapping[str, Callable[[Path], Any]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
_COMPRESSED = 10  # a log shrinks to about a tenth


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read: which one it is, and how many bytes."""

    inode: int
    head: str
    head_size: int
    offset: int


@dataclass(frozen=True, slots=True)
class Part:
    """A file to read from an offset on; *last* is that which still grows."""

    path: Path
    offset: int
    inode: int
    last: bool


@dataclass(frozen=True, slots=True)
class News:
    """What is new of a log: its parts, oldest first; *changed* is when it was written last.

    *first*: it was never read before.
    """

    name: str
    parts: tuple[Part, ...]
    changed: float
    first: bool
    state: tuple[int, int, int]


def look(
    folder: Path,
    wanted: Callable[[str], bool],
    positions: Mapping[str, Position],
    seen: Mapping[str, tuple[int, int, int]],
) -> list[News]:
    """Return the logs that are not as they were *seen*. Raises OSError where the folder cannot be read."""
    stats, states = {}, {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if ".log" in entry.name and (info := _stat(entry)) is not None:
                stats[entry.name] = info
                states[entry.name] = info.st_ino, info.st_size, info.st_mtime_ns
    found = []
    for name in sorted(name for name, state in states.items() if seen.get(name) != state):
        if name.endswith(".log") and wanted(name):
            position = positions.get(name)
            parts = _parts(folder, name, stats, position)
            found.append(News(name, tuple(parts), stats[name].st_mtime, position is None, states[name]))
    return found


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return what a file is like, None for what is no file, or is gone."""
    with suppress(OSError):
        info = entry.stat()
        return info if stat.S_ISREG(info.st_mode) else None
    return None


def _parts(
    folder: Path, name: str, stats: Mapping[str, os.stat_result], position: Position | None
) -> Iterable[Part]:
    inode, size = stats[name].st_ino, stats[name].st_size
    current = folder / name
    rotated = sorted(
        (other for other in stats if re.fullmatch(re.escape(name) + r"[.-].+", other)),
        key=lambda other: (stats[other].st_mtime_ns, other),
    )
    if position is None:
        yield from (Part(folder / one, 0, stats[one].st_ino, False) for one in _bounded(rotated, stats))
    elif inode == position.inode and size >= position.offset and _is_same(current, position):
        yield Part(current, position.offset, inode, True)
        return
    else:
        yield from _missed(folder, rotated, stats, position)
    yield Part(current, 0, inode, True)


def _bounded(rotated: list[str], stats: Mapping[str, os.stat_result]) -> list[str]:
    """Choose the newest that are not too much in all."""
    room, chosen = FIRST_BYTES, []
    for name in reversed(rotated):
        room -= stats[name].st_size * (_COMPRESSED if Path(name).suffix in _OPENERS else 1)
        if room < 0:
            break
        chosen.append(name)
    return chosen[::-1]


def _missed(
    folder: Path, rotated: list[str], stats: Mapping[str, os.stat_result], position: Position
) -> Iterable[Part]:
    """Find the file that was read last under its new name, and those that came after it."""
    for number, name in reversed(list(enumerate(rotated))):
        if _is_same(folder / name, position):
            yield Part(folder / name, position.offset, stats[name].st_ino, False)
            yield from (Part(folder / one, 0, stats[one].st_ino, False) for one in rotated[number + 1 :])
            return


def _is_same(path: Path, position: Position) -> bool:
    """Compare the first bytes: each run's have a time and a number of their own."""
    try:
        with _open(path) as file:
            return _fingerprint(file.read(position.head_size)) == position.head
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        return False


def _fingerprint(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _open(path: Path) -> IO[bytes]:
    opener = _OPENERS.get(path.suffix)
    if opener is not None:
        return cast("IO[bytes]", opener(path))
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)


class Reader:
    """Reads one part, piece by piece, in whole lines."""

    def __init__(self, part: Part) -> None:
        """Open it. Raises OSError; FileNotFoundError also where another file has its name by now."""
        self._last = part.last
        self._rest = b""
        self._offset = part.offset
        self._file = _open(part.path)
        self._inode = os.fstat(self._file.fileno()).st_ino
        if self._inode != part.inode:
            self._file.close()
            raise FileNotFoundError(f"{part.path}: rotated meanwhile")
        try:
            self._head = self._file.read(_HEAD)
            self._file.seek(part.offset)
        except BaseException:
            self._file.close()
            raise

    def read(self) -> bytes:
        """Return the next lines, "" at the end; what has no end of line yet is left for the next time.

        Raises OSError, and EOFError or the like from a compressed file that is broken.
        """
        while True:
            data = self._file.read(CHUNK)
            if not data:
                rest, self._rest = self._rest, b""
                return b"" if self._last else rest
            whole, newline, rest = (self._rest + data).rpartition(b"\n")
            if newline or len(rest) > CHUNK:  # no log has such a line: it is passed over
                self._rest = rest if newline else b""
                lines = whole + newline if newline else rest
                self._offset += len(lines)
                return lines
            self._rest = rest

    def position(self, ahead: int) -> Position:
        """Tell how far it has come, but for the last *ahead* bytes that it gave."""
        return Position(self._inode, _fingerprint(self._head), len(self._head), self._offset - ahead)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
