"""pgBackRest's log files, the records of `pgbackrest-exporter run`, and stop files: how each command went."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import MsgspecError

from exporter import jsonfile
from exporter.aside import Aside
from exporter.model.runs import Run, Runs, Stop
from exporter.pgbackrest.runlog import Beginning, Found, RunLog
from exporter.runs import evidence
from exporter.runs.ledger import Ledger
from exporter.runs.logfolder import LogFolder, refused
from exporter.runs.records import Reader, Record
from exporter.runs.tail import News
from exporter.runs.unfinished import Watch
from exporter.settings import Runs as RunsSettings
from exporter.snapshot import Snapshot

log = logging.getLogger(__name__)

_FORMAT = 2


class NothingReadable(Exception):  # noqa: N818 - the name says what is the matter
    """Neither logs nor records can be read; the message is one line."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is on the disk: the records, the news of each folder or why there are none, and the stop files.

    *stopped*: the names of the stop files, None where there is no folder of locks.
    """

    records: dict[str, Record]
    troubles: list[str]
    news: list[list[News] | str]
    stopped: frozenset[str] | None


@dataclass(slots=True, kw_only=True)
class RunsCollector:
    """Reads the runs of all stanzas. A path that is None is a source that is not there, as are no *log_paths*.

    *lowest_repos* are the stanzas whose lowest repository is not 1, and that; *blind* those whose backups no log will
    show, and a line on it: it is told until a record of one is there.
    """

    settings: RunsSettings
    log_paths: tuple[Path, ...]
    lock_path: Path | None
    records: Path | None
    state: Path
    stanzas: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    lowest_repos: tuple[tuple[str, str], ...] = ()
    blind: tuple[tuple[str, str], ...] = ()
    latest: Callable[[], Snapshot] = field(compare=False)
    wall: Callable[[], float] = field(default=time.time, compare=False)
    name: str = field(default="runs", init=False)
    stanza: str = field(default="", init=False)
    _aside: Aside = field(init=False, compare=False)
    _reader: Reader | None = field(default=None, init=False, compare=False)
    _folders: tuple[LogFolder, ...] = field(default=(), init=False, compare=False)
    _watch: Watch = field(init=False, compare=False)
    _ledger: Ledger = field(default_factory=Ledger, init=False, compare=False)
    _restored: bool = field(default=False, init=False, compare=False)
    _watching: bool = field(default=False, init=False, compare=False)
    _unsaved: bool = field(default=True, init=False, compare=False)
    _complained: set[str] = field(default_factory=set, init=False, compare=False)
    _last: Runs = field(default_factory=Runs, init=False, compare=False)

    def __post_init__(self) -> None:
        self._aside = Aside(", ".join(map(str, self.log_paths)) or str(self.records))
        self._watch = Watch(self.lock_path, self.latest)
        if self.records is not None:
            self._reader = Reader(self.records)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._folders = tuple(LogFolder(path, self.exclude) for path in self.log_paths)

    async def read(self) -> Runs:
        """Read what is new; the same facts are the very same object.

        Raises NothingReadable, or StillHangs while the disk does not answer.
        """
        if not self._restored:
            await self._restore()
        gone = self._watch.gone(self._open())
        look = await self._aside.call(self._look)
        troubles = [*await self._read_logs(look.news), *look.troubles]
        if troubles and not look.records and not any(folder.readable for folder in self._folders):
            raise NothingReadable(troubles[0])
        self._enter(look.records)
        self._bury(gone)
        if not self._watching:
            self._watching, self._ledger.since = True, self.wall()
        await self._save()
        return self._told(self._stops(look.stopped), (*self._unseen(look.records), *troubles))

    def _look(self) -> _Look:
        """Ask the disk in one go. Records before logs: a run that has ended in its record wrote its last line."""
        records, troubles = self._read_records()
        return _Look(records, troubles, [_news(folder) for folder in self._folders], self._stop_files())

    def _read_records(self) -> tuple[dict[str, Record], list[str]]:
        if self._reader is None:
            return {}, []
        try:
            found = self._reader.read()
        except FileNotFoundError:
            # The first run makes the folder; one that is named should be there.
            line = f"{self.records}: there is no such folder: correct runs.records, or let a first run be recorded"
            return {}, [line] if self.settings.records is not None else []
        except OSError as error:
            return {}, [refused(Path(self.records or ""), error)]
        shown = {name: one for name, one in found.items() if not self._is_excluded(one.stanza)}
        return shown, list(self._reader.troubles)

    def _is_excluded(self, stanza: str) -> bool:
        return any(fnmatchcase(stanza, pattern) for pattern in self.exclude)

    def _unseen(self, records: dict[str, Record]) -> list[str]:
        """Tell whose backups neither logs nor records show."""
        recorded = {one.stanza for one in records.values() if one.command == "backup"}
        return [line for stanza, line in self.blind if stanza not in recorded]

    async def _read_logs(self, found: list[list[News] | str]) -> list[str]:
        troubles = []
        for folder, news in zip(self._folders, found, strict=True):
            if isinstance(news, str):
                troubles.append(news)
            elif news:
                self._unsaved = True
                troubles += await folder.read(
                    news, self._aside, now=self.wall(), alive=evidence.alive, take=self._take
                )
                for stanza in folder.pushed_asynchronously:
                    self._ledger.watches(stanza)
        return troubles

    def _take(self, stanza: str, found: list[Found], first: bool) -> None:
        self._ledger.take(stanza, found, count=self._watching, first=first)

    def _enter(self, records: dict[str, Record]) -> None:
        before = set(self._ledger.entered)
        lowest = dict(self.lowest_repos)
        ends = self._ledger.records(
            records, self._open(), lambda stanza: lowest.get(stanza, "1"), count=self._watching
        )
        for beginning, run in ends:
            self._close(beginning, run)
        self._unsaved |= before != self._ledger.entered

    def _open(self) -> list[Beginning]:
        return [beginning for _, beginning in self._logged()]

    def _logged(self) -> list[tuple[RunLog, Beginning]]:
        return [one for folder in self._folders for one in folder.open()]

    def _bury(self, gone: set[str]) -> None:
        for beginning in self._watch.killed(self._open(), gone, self.wall()):
            self._close(beginning, None)
        self._ledger.mark_running({beginning.kind for beginning in self._open() if not beginning.dry})

    def _close(self, beginning: Beginning, told: Run | None) -> None:
        """End a beginning that its log leaves open, by what a record told or as killed."""
        for runlog, one in self._logged():
            if one is beginning:
                closed = [told or run for run in runlog.close(one, "killed")]
                self._ledger.take(runlog.stanza, closed, count=self._watching)
                self._unsaved = True

    def _stop_files(self) -> frozenset[str] | None:
        if self.lock_path is None:
            return None
        with suppress(OSError):
            return frozenset(path.name for path in self.lock_path.iterdir() if path.suffix == ".stop")
        return None

    def _stops(self, stopped: frozenset[str] | None) -> tuple[Stop, ...]:
        """Tell which stanzas stop files stop; without a folder of locks nothing is known."""
        if stopped is None:
            return ()
        names = self.stanzas or sorted({name for folder in self._folders for name in folder.stanzas})
        return tuple(
            Stop(stanza=name, stopped=not stopped.isdisjoint(("all.stop", f"{name}.stop"))) for name in names
        )

    async def _restore(self) -> None:
        """Take up what is remembered from before a restart; what cannot be used is begun anew."""
        self._restored = True
        try:
            document = await self._aside.call(jsonfile.read, self.state)
            if document["format"] != _FORMAT:
                raise ValueError("of another version")
            ledger = Ledger.restored(document["ledger"])
            for folder in self._folders:
                if str(folder.path) in document["folders"]:
                    folder.restore(document["folders"][str(folder.path)])
        except FileNotFoundError:
            return
        except (OSError, KeyError, TypeError, ValueError, AttributeError, MsgspecError) as error:
            self._complain(f"{self.state}: cannot be used, counters of runs start anew: {error}")
            self._begin_anew()
            return
        self._ledger, self._watching = ledger, True

    async def _save(self) -> None:
        if not self._unsaved:
            return
        document = {
            "format": _FORMAT,
            "ledger": self._ledger.document(),
            "folders": {str(folder.path): folder.document() for folder in self._folders},
        }
        try:
            await self._aside.call(jsonfile.write, self.state, document)
            self._unsaved = False
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            self._complain(
                f"{self.state}: {why}: counters of runs start anew with each start: make state_path writable"
            )

    def _told(self, stops: tuple[Stop, ...], troubles: tuple[str, ...]) -> Runs:
        for line in troubles:
            self._complain(line)
        runs = Runs(
            histories=self._ledger.sorted_histories(),
            verifications=tuple(one for _, one in sorted(self._ledger.verifications.items())),
            dropped=tuple(one for _, one in sorted(self._ledger.dropped.items())),
            stops=stops,
            troubles=troubles,
        )
        if runs != self._last:
            self._last = runs
        return self._last

    def _complain(self, line: str) -> None:
        if line not in self._complained:
            self._complained.add(line)
            log.warning("not all of the runs can be told", extra={"collector": self.name, "error": line})


def _news(folder: LogFolder) -> list[News] | str:
    try:
        return folder.look()
    except OSError as error:
        return refused(folder.path, error)
