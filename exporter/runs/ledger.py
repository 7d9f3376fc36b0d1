"""The book of runs: what logs and records tell becomes one history for each kind of run.

A run that both a log and a record tell of is entered once: the log knows of each command by itself (a backup that
was good although the expire after it failed), the record knows how the process ended where the log breaks off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from exporter.model.runs import Dropped, History, Kind, Result, Run, Verification
from exporter.pgbackrest.log import Dropped as DroppedLine
from exporter.pgbackrest.runlog import Beginning, Found, Started
from exporter.runs.records import Record

# Beginnings in logs that a record may still turn up for.
_REMEMBERED = 256
# A record begins before the program, and that a moment before its first line.
_APART = 5.0
# Kinds of runs are few; more come from garbage.
_MOST_KINDS = 5000

_COUNTERS: Mapping[Result, str] = {"success": "successes", "failure": "failures", "killed": "killed"}


@dataclass(frozen=True, slots=True)
class _Begun:
    kind: Kind
    at: float | None
    pid: int | None

    def is_of(self, record: Record) -> bool:
        """Whether a log and a record tell of the same run."""
        if self.kind.command != record.command or record.stanza not in ("", self.kind.stanza):
            return False
        near = self.at is None or self.at - record.started >= -_APART
        if self.pid is not None and self.pid == record.pid:
            return near and (self.at is None or record.ended is None or self.at <= record.ended + _APART)
        return (
            self.at is not None
            and abs(self.at - record.started) <= _APART
            and self.kind.backup_type == record.backup_type
        )


@dataclass(slots=True)
class Ledger:
    """Takes in what is found; equal facts stay the very same objects."""

    histories: dict[Kind, History] = field(default_factory=dict)
    verifications: dict[tuple[str, str], Verification] = field(default_factory=dict)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    entered: set[str] = field(default_factory=set)
    """Names of the records that were taken in."""
    since: float = 0.0
    """Since when somebody watches."""
    _begun: list[_Begun] = field(default_factory=list)
    _recorded: set[Kind] = field(default_factory=set)

    def take(self, stanza: str, found: Found, *, count: bool, first: bool = False) -> None:
        """Enter what a log of *stanza* tells, and *count* it unless it was before anybody watched.

        *first*: it stood in a log that was not read before, so that it may be old.
        """
        match found:
            case Started(beginning):
                self._start(beginning.kind, beginning.at)
                self._begun.append(_Begun(beginning.kind, beginning.at, beginning.pid))
                del self._begun[:-_REMEMBERED]
            case Run():
                old = first and found.moment is not None and found.moment < self.since
                self._enter(found, count=count and not old)
            case Verification():
                self.verifications[found.stanza, found.repo] = found
            case DroppedLine():
                known = self.dropped.get(stanza, Dropped(stanza=stanza, segments=0))
                self.dropped[stanza] = replace(known, segments=known.segments + (count and not first))

    def watches(self, stanza: str) -> None:
        """Note that there is a log of asynchronous archiving: none dropped is 0 from now on."""
        self.dropped.setdefault(stanza, Dropped(stanza=stanza, segments=0))

    def records(
        self,
        records: Mapping[str, Record],
        open_: Sequence[Beginning],
        lowest: Callable[[str], str],
        *,
        count: bool,
    ) -> list[tuple[Beginning, Run]]:
        """Enter the records that are new. *lowest* gives the repository that a stanza uses unless told.

        Return those of the beginnings in *open_* whose end a record tells, and that.
        """
        ends, running = [], set[Kind]()
        for name, record in records.items():
            if name in self.entered:
                continue
            kind = _kind(record, lowest)
            logged = next((one for one in reversed(self._begun) if one.is_of(record)), None)
            if record.ended is None and not record.killed:
                if logged is None:
                    self._start(kind, record.started)
                    running.add(kind)
                continue
            self.entered.add(name)
            if logged is None:
                self._start(kind, record.started)
                self._enter(_run(record, kind, record.started), count=count)
            elif record.ended is not None:
                left = (one for one in open_ if (one.kind, one.at) == (logged.kind, logged.at))
                ends += [(one, _run(record, one.kind, one.at)) for one in left]
        self.entered &= records.keys()
        self._recorded = running
        return ends

    def mark_running(self, kinds: set[Kind]) -> None:
        """Say of which kinds a run goes on, by the logs; those of the records are known."""
        kinds = kinds | self._recorded
        for kind, history in self.histories.items():
            if history.running != (kind in kinds):
                self.histories[kind] = replace(history, running=kind in kinds)

    def sorted_histories(self) -> tuple[History, ...]:
        """Return all histories in the order of their kinds."""
        return tuple(self.histories[kind] for kind in sorted(self.histories, key=_order))

    def _start(self, kind: Kind, at: float | None) -> None:
        history = self._history(kind)
        if history is not None and at is not None and at > (history.last_start or 0):
            self.histories[kind] = replace(history, last_start=at)

    def _history(self, kind: Kind) -> History | None:
        known = self.histories.get(kind)
        if known is None and len(self.histories) < _MOST_KINDS:
            known = self.histories[kind] = History(kind=kind)
        return known

    def _enter(self, run: Run, *, count: bool) -> None:
        history = self._history(run.kind)
        if history is None:
            return
        changes: dict[str, Any] = {}
        if not _is_older(run, history.last):
            changes["last"] = run
        if run.result == "success":
            if run.end is not None:
                changes["last_success"] = max(run.end, history.last_success or 0)
        elif not _is_older(run, history.last_failed):
            changes["last_failed"] = run
        if count:
            counter = _COUNTERS[run.result]
            changes[counter] = getattr(history, counter) + 1
        self.histories[run.kind] = replace(history, **changes)

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON would have it."""
        return {
            "histories": [asdict(history) for history in self.histories.values()],
            "verifications": [asdict(one) for one in self.verifications.values()],
            "dropped": {stanza: one.segments for stanza, one in self.dropped.items()},
            "entered": sorted(self.entered),
            "since": self.since,
            "begun": [[asdict(one.kind), one.at, one.pid] for one in self._begun],
        }

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> "Ledger":
        """Return what `document` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        histories = [_history_of(one) for one in document["histories"]]
        verifications = [Verification(**one) for one in document["verifications"]]
        return cls(
            histories={one.kind: one for one in histories},
            verifications={(one.stanza, one.repo): one for one in verifications},
            dropped={
                stanza: Dropped(stanza=stanza, segments=int(segments))
                for stanza, segments in document["dropped"].items()
            },
            entered=set(document["entered"]),
            since=float(document["since"]),
            _begun=[_Begun(Kind(**kind), at, pid) for kind, at, pid in document["begun"]],
        )


def _order(kind: Kind) -> tuple[str, str, str, str]:
    return kind.stanza, kind.command, kind.backup_type, kind.repo


def _is_older(run: Run, than: Run | None) -> bool:
    return (
        than is not None and run.moment is not None and than.moment is not None and run.moment < than.moment
    )


def _kind(record: Record, lowest: Callable[[str], str]) -> Kind:
    over_all = record.command not in ("backup", "verify")
    return Kind(
        stanza=record.stanza,
        command=record.command,
        backup_type=record.backup_type,
        repo=record.repo or ("" if over_all else lowest(record.stanza)),
    )


def _run(record: Record, kind: Kind, start: float | None) -> Run:
    result: Result = "success" if record.exit_code == 0 else "failure"
    if record.killed or record.signal is not None:
        result = "killed"
    return Run(
        kind=kind,
        result=result,
        start=start,
        end=record.ended,
        exit_code=record.exit_code,
        words=record.words or record.signal,
    )


def _history_of(document: Mapping[str, Any]) -> History:
    names = {one.name for one in fields(History)}
    if document.keys() != names:
        raise ValueError("fields of another version")
    runs = {name: _run_of(document[name]) for name in ("last", "last_failed")}
    return History(**{**document, **runs, "kind": Kind(**document["kind"])})


def _run_of(document: Mapping[str, Any] | None) -> Run | None:
    return None if document is None else Run(**{**document, "kind": Kind(**document["kind"])})
