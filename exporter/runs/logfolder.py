"""pgBackRest's folder of logs: every log that is followed, and the runs that are not over in them."""

import lzma
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from exporter.aside import Aside
from exporter.pgbackrest.log import COMMANDS
from exporter.pgbackrest.runlog import Beginning, Found, RunLog
from exporter.runs import tail
from exporter.runs.tail import News, Position
from exporter.turns import TURNS

# Work on the event loop goes in slices of so many bytes: each takes about a millisecond.
_SLICE = 64 << 10
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)

Take = Callable[[str, list[Found], bool], None]
"""Is given the stanza, what was found, and whether it stood in a log that was not read before."""
Alive = Callable[[Beginning], bool]
"""Tells whether a process certainly runs."""


@dataclass(slots=True)
class LogFolder:
    """Follows the logs of one folder."""

    path: Path
    exclude: tuple[str, ...] = ()
    logs: dict[str, RunLog] = field(default_factory=dict)
    _positions: dict[str, Position] = field(default_factory=dict)
    _seen: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def stanzas(self) -> set[str]:
        """The stanzas that have a log."""
        return {one.stanza for one in self.logs.values()}

    @property
    def pushed_asynchronously(self) -> set[str]:
        """The stanzas that have a log of asynchronous archiving."""
        return {one.stanza for one in self.logs.values() if one.command == "archive-push-async"}

    def open(self) -> list[tuple[RunLog, Beginning]]:
        """Return every beginning without an end."""
        return [(one, beginning) for one in self.logs.values() for beginning in one.open]

    def look(self) -> list[News]:
        """Return the logs in which something is new. Raises OSError where the folder cannot be read."""
        return tail.look(self.path, self._wanted, self._positions, self._seen)

    async def read(
        self, news: Iterable[News], aside: Aside, *, now: float, alive: Alive, take: Take
    ) -> list[str]:
        """Read what is new; return a line for each log that cannot be read. Raises StillHangs."""
        troubles: list[str] = []
        for one in news:
            try:
                await self._read_news(aside, one, now, alive, take, troubles)
            except _BROKEN as error:
                troubles.append(refused(self.path / one.name, error))
            else:
                self._seen[one.name] = one.state
        return troubles

    @property
    def readable(self) -> bool:
        """Whether any log was ever read."""
        return bool(self._seen)

    def _wanted(self, name: str) -> bool:
        found = _parted(name)
        return found is not None and not any(fnmatchcase(found[0], pattern) for pattern in self.exclude)

    async def _read_news(
        self, aside: Aside, news: News, now: float, alive: Alive, take: Take, troubles: list[str]
    ) -> None:
        runlog = self.logs.get(news.name) or _runlog(news.name)
        self.logs[news.name] = runlog
        # What has no time was written since the last reading; of the first nobody knows.
        otherwise = None if news.first else news.changed
        for part in news.parts:
            try:
                reader = await aside.call(tail.Reader, part)
                try:
                    async for piece, ahead in _pieces(aside, reader):
                        found = runlog.feed(piece, now=now, otherwise=otherwise, alive=alive)
                        take(runlog.stanza, found, news.first)
                        if part.last:
                            self._positions[news.name] = reader.position(ahead)
                    if part.last:
                        self._positions[news.name] = reader.position(0)
                finally:
                    reader.close()
            except FileNotFoundError:
                return  # rotated meanwhile: the next reading finds it under its new name
            except _BROKEN as error:
                if part.last:
                    raise
                troubles.append(refused(part.path, error))

    def document(self) -> dict[str, Any]:
        """Return how far it has come as JSON would have it."""
        return {
            "logs": {name: _document(one) for name, one in self.logs.items()},
            "positions": {name: asdict(one) for name, one in self._positions.items()},
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Take up what `document` wrote. Raises ValueError or MsgspecError for anything else."""
        told = msgspec.convert(document, _Document)
        self.logs = {name: _runlog(name, one) for name, one in told.logs.items()}
        self._positions = told.positions


async def _pieces(aside: Aside, reader: tail.Reader) -> AsyncIterator[tuple[bytes, int]]:
    """Yield slices of whole lines and how many bytes were read beyond each, with a pause between them."""
    work = TURNS.work()
    while data := await aside.call(reader.read):
        start = 0
        while start < len(data):
            end = data.find(b"\n", start + _SLICE) + 1 or len(data)
            yield data[start:end], len(data) - end
            start = end
            await work.pause()


def refused(path: Path, error: Exception) -> str:
    """Say in one line why a file or folder cannot be read, and what helps."""
    if isinstance(error, PermissionError):
        return (
            f"{path}: permission denied: let the exporter's user read it, such as by the group of its owner"
        )
    if isinstance(error, FileNotFoundError):
        return f"{path}: there is no such file or folder: correct the path"
    return f"{path}: {(getattr(error, 'strerror', None) or str(error)).lower()}: see whether it is whole"


def _parted(name: str) -> tuple[str, str] | None:
    """Part a log's name into stanza and command: both may have dashes in them."""
    base = name.removesuffix(".log")
    for command in COMMANDS:
        stanza = base.removesuffix(f"-{command}")
        if stanza and stanza != base:
            return stanza, command
    return None


class _Log(msgspec.Struct):
    last: float | None
    failed: tuple[int, str] | None
    bad: bool
    invalid: int
    open: list[Beginning]


class _Document(msgspec.Struct):
    logs: dict[str, _Log]
    positions: dict[str, Position]


def _document(runlog: RunLog) -> dict[str, Any]:
    document = {name: getattr(runlog, name) for name in _Log.__struct_fields__}
    return document | {"open": [asdict(one) for one in runlog.open]}


def _runlog(name: str, told: _Log | None = None) -> RunLog:
    parted = _parted(name)
    if parted is None:
        raise ValueError(f"{name}: not the name of a log")
    runlog = RunLog(*parted)
    if told is not None:
        for remembered in _Log.__struct_fields__:
            setattr(runlog, remembered, getattr(told, remembered))
    return runlog
