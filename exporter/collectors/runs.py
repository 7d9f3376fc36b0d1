"""pgBackRest's log files, the records of `pgbackrest-exporter run`, and stop files: how each command went."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from exporter import jsonfile
from exporter.aside import Aside
from exporter.model.runs import Run, Runs, Stop
from exporter.pgbackrest.runlog import Beginning, Found, RunLog
from exporter.runs import evidence
from exporter.runs.ledger import Ledger
from exporter.runs.logfolder import LogFolder, refused
from exporter.runs.records import Reader, Record
from exporter.runs.unfinished import Watch
from exporter.settings import Runs as RunsSettings
from exporter.snapshot import Snapshot

log = logging.getLogger(__name__)

_FORMAT = 1


class NothingReadable(Exception):  # noqa: N818 - the name says what is the matter
    """Neither logs nor records can be read; the message is one line."""


@dataclass(slots=True, kw_only=True)
class RunsCollector:
    """Reads the runs of all stanzas. A path that is None is a source that is not there.

    *lowest_repos* are the stanzas whose lowest repository is not 1, and that; *blind* tells what no log will show.
    """

    settings: RunsSettings
    log_path: Path | None
    lock_path: Path | None
    records: Path | None
    state: Path
    stanzas: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    lowest_repos: tuple[tuple[str, str], ...] = ()
    blind: tuple[str, ...] = ()
    latest: Callable[[], Snapshot] = field(compare=False)
    wall: Callable[[], float] = field(default=time.time, compare=False)
    name: str = field(default="runs", init=False)
    stanza: str = field(default="", init=False)
    _aside: Aside = field(init=False, compare=False)
    _reader: Reader | None = field(default=None, init=False, compare=False)
    _folder: LogFolder | None = field(default=None, init=False, compare=False)
    _watch: Watch = field(init=False, compare=False)
    _ledger: Ledger = field(default_factory=Ledger, init=False, compare=False)
    _restored: bool = field(default=False, init=False, compare=False)
    _watching: bool = field(default=False, init=False, compare=False)
    _unsaved: bool = field(default=True, init=False, compare=False)
    _complained: set[str] = field(default_factory=set, init=False, compare=False)
    _last: Runs = field(default_factory=Runs, init=False, compare=False)

    def __post_init__(self) -> None:
        self._aside = Aside(str(self.log_path or self.records))
        self._watch = Watch(self.lock_path, self.latest)
        if self.records is not None:
            self._reader = Reader(self.records)
        if self.log_path is not None:
            self._folder = LogFolder(self.log_path, self.exclude)

    async def read(self) -> Runs:
        """Read what is new; the same facts are the very same object.

        Raises NothingReadable, or StillHangs while the disk does not answer.
        """
        if not self._restored:
            await self._restore()
        gone = self._watch.gone(self._open())
        # Records before logs: a run that has ended in its record has written its last line.
        records, no_records = await self._read_records()
        no_logs = await self._read_logs()
        if no_records + no_logs and not records and not (self._folder and self._folder.readable):
            raise NothingReadable((no_logs + no_records)[0])
        self._enter(records)
        self._bury(gone)
        stops = await self._aside.call(self._stops)
        if not self._watching:
            self._watching, self._ledger.since = True, self.wall()
        await self._save()
        return self._told(stops, (*self.blind, *no_logs, *no_records))

    async def _read_records(self) -> tuple[dict[str, Record], list[str]]:
        if self._reader is None:
            return {}, []
        try:
            found = await self._aside.call(self._reader.read)
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

    async def _read_logs(self) -> list[str]:
        if self._folder is None:
            return []
        try:
            news, troubles = await self._folder.read(
                self._aside, now=self.wall(), alive=evidence.alive, take=self._take
            )
        except OSError as error:
            return [refused(self._folder.path, error)]
        self._unsaved |= news
        for stanza in self._folder.pushed_asynchronously:
            self._ledger.watches(stanza)
        return troubles

    def _take(self, stanza: str, found: Found, first: bool) -> None:
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
        return self._folder.open() if self._folder else []

    def _bury(self, gone: set[str]) -> None:
        for beginning in self._watch.killed(self._open(), gone, self.wall()):
            self._close(beginning, None)
        self._ledger.mark_running({beginning.kind for beginning in self._open() if not beginning.dry})

    def _close(self, beginning: Beginning, told: Run | None) -> None:
        """End a beginning that its log leaves open, by what a record told or as killed."""
        for runlog, one in self._logged():
            if one is beginning:
                for run in runlog.close(one, "killed"):
                    self._ledger.take(runlog.stanza, told or run, count=self._watching)
                self._unsaved = True

    def _stops(self) -> tuple[Stop, ...]:
        """Look for stop files; without a folder of locks nothing is known."""
        path = self.lock_path
        if path is None or not path.is_dir():
            return ()
        names = self.stanzas or sorted(self._folder.stanzas if self._folder else ())
        everything = (path / "all.stop").exists()
        return tuple(
            Stop(stanza=name, stopped=everything or (path / f"{name}.stop").exists()) for name in names
        )

    async def _restore(self) -> None:
        """Take up what is remembered from before a restart; what cannot be used is begun anew."""
        self._restored = True
        try:
            document = await self._aside.call(jsonfile.read, self.state)
            if document["format"] != _FORMAT or document["log_path"] != str(self.log_path):
                raise ValueError(f"{self.state}: of another version or another log_path")
            ledger = Ledger.restored(document["ledger"])
            if self._folder is not None:
                self._folder.restore(document["folder"])
        except FileNotFoundError:
            return
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            self._complain(f"{self.state}: cannot be used, counters of runs start anew: {error}")
            return
        self._ledger, self._watching = ledger, True

    async def _save(self) -> None:
        if not self._unsaved:
            return
        document = {
            "format": _FORMAT,
            "log_path": str(self.log_path),
            "ledger": self._ledger.document(),
            "folder": self._folder.document() if self._folder else None,
        }
        self._unsaved = False
        try:
            await self._aside.call(jsonfile.write, self.state, document)
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
