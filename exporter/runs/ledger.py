"""The book of runs: what logs and records tell becomes one history for each kind of run.

A run that both a log and a record tell of is entered once: the log knows of each command by itself (a backup that
was good although the expire after it failed), the record knows how the process ended where the log breaks off.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import msgspec

from exporter.model.runs import RESULTS, Dropped, History, Kind, Result, Run, Verification
from exporter.pgbackrest.log import Dropped as DroppedLine
from exporter.pgbackrest.runlog import Beginning, Found
from exporter.runs.records import Record

# Beginnings in logs that a record may still turn up for.
_REMEMBERED = 256
# A record begins before the program, and that a moment before its first line.
_APART = 5.0
# Kinds of runs are few; more come from garbage.
_MOST_KINDS = 5000


@dataclass(slots=True)
class _Account:
    """What is known of one kind of run, as it grows."""

    kind: Kind
    last_start: float | None = None
    last: Run | None = None
    last_success: float | None = None
    last_failed: Run | None = None
    counts: dict[Result, int] = field(default_factory=lambda: dict.fromkeys(RESULTS, 0))
    running: bool = False
    _told: History | None = None

    def start(self, at: float | None) -> None:
        """Take in that a run began."""
        if at is not None and at > (self.last_start or 0):
            self.last_start, self._told = at, None

    def enter(self, run: Run, *, count: bool) -> None:
        """Take in a run that is over."""
        if not _is_older(run, self.last):
            self.last = run
        if run.result == "success":
            if run.end is not None:
                self.last_success = max(run.end, self.last_success or 0)
        elif not _is_older(run, self.last_failed):
            self.last_failed = run
        self.counts[run.result] += count
        self._told = None

    def mark(self, *, running: bool) -> None:
        """Take in whether a run goes on."""
        if self.running != running:
            self.running, self._told = running, None

    def history(self) -> History:
        """Return all of it, the same object while nothing changes."""
        if self._told is None:
            self._told = History(
                kind=self.kind,
                last_start=self.last_start,
                last=self.last,
                last_success=self.last_success,
                last_failed=self.last_failed,
                successes=self.counts["success"],
                failures=self.counts["failure"],
                killed=self.counts["killed"],
                running=self.running,
            )
        return self._told


@dataclass(slots=True)
class Ledger:
    """Takes in what is found; equal facts stay the very same objects."""

    verifications: dict[tuple[str, str], Verification] = field(default_factory=dict)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    entered: set[str] = field(default_factory=set)
    """Names of the records that were taken in."""
    since: float = 0.0
    """Since when somebody watches."""
    _accounts: dict[Kind, _Account] = field(default_factory=dict)
    _begun: deque[Beginning] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _recorded: set[Kind] = field(default_factory=set)

    def take(self, stanza: str, found: Sequence[Found], *, count: bool, first: bool = False) -> None:
        """Enter what a log of *stanza* tells, and *count* it unless it was before anybody watched.

        *first*: it stood in a log that was not read before, so that it may be old.
        """
        for one in found:
            match one:
                case Beginning():
                    self._account(one.kind).start(one.at)
                    self._begun.append(one)
                case Run():
                    old = first and one.moment is not None and one.moment < self.since
                    self._account(one.kind).enter(one, count=count and not old)
                case Verification():
                    self.verifications[one.stanza, one.repo] = one
                case DroppedLine():
                    known = self.dropped.get(stanza, Dropped(stanza=stanza, segments=0))
                    self.dropped[stanza] = replace(known, segments=known.segments + (count and not first))

    def watches(self, stanza: str) -> None:
        """Note that there is a log of asynchronous archiving: none dropped is 0 from now on."""
        if stanza not in self.dropped:
            self.dropped[stanza] = Dropped(stanza=stanza, segments=0)

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
            logged = next((one for one in reversed(self._begun) if _is_of(one, record)), None)
            if record.ended is None and not record.killed:
                if logged is None:
                    self._account(kind).start(record.started)
                    running.add(kind)
                continue
            self.entered.add(name)
            if logged is None:
                account = self._account(kind)
                account.start(record.started)
                account.enter(_run(record, kind, record.started), count=count)
            elif record.ended is not None:
                left = (one for one in open_ if (one.kind, one.at) == (logged.kind, logged.at))
                ends += [(one, _run(record, one.kind, one.at)) for one in left]
        self.entered &= records.keys()
        self._recorded = running
        return ends

    def mark_running(self, kinds: set[Kind]) -> None:
        """Say of which kinds a run goes on, by the logs; those of the records are known."""
        kinds = kinds | self._recorded
        known = {account.kind for account in self._accounts.values() if account.running}
        for kind in known ^ kinds:
            self._account(kind).mark(running=kind in kinds)

    def sorted_histories(self) -> tuple[History, ...]:
        """Return all histories in the order of their kinds."""
        return tuple(account.history() for account in sorted(self._accounts.values(), key=_order))

    def _account(self, kind: Kind) -> _Account:
        known = self._accounts.get(kind)
        if known is None:
            known = _Account(kind)
            if len(self._accounts) < _MOST_KINDS:
                self._accounts[kind] = known
        return known

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON would have it."""
        return {
            "histories": [asdict(account.history()) for account in self._accounts.values()],
            "verifications": [asdict(one) for one in self.verifications.values()],
            "dropped": {stanza: one.segments for stanza, one in self.dropped.items()},
            "entered": sorted(self.entered),
            "since": self.since,
            "begun": [[asdict(one.kind), one.at, one.pid] for one in self._begun],
        }

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> "Ledger":
        """Return what `document` wrote. Raises KeyError, TypeError, ValueError or MsgspecError for anything else."""
        names = {one.name for one in fields(History)}
        if any(one.keys() != names for one in document["histories"]):
            raise ValueError("fields of another version")
        # A value of a wrong type would be shown, and would end the exporter, at every start anew.
        told = msgspec.convert(document, _Document)
        return cls(
            verifications={(one.stanza, one.repo): one for one in told.verifications},
            dropped={
                stanza: Dropped(stanza=stanza, segments=segments) for stanza, segments in told.dropped.items()
            },
            entered=set(told.entered),
            since=told.since,
            _accounts={one.kind: _account_of(one) for one in told.histories},
            _begun=deque((Beginning(kind, at, pid=pid) for kind, at, pid in told.begun), _REMEMBERED),
        )


class _Document(msgspec.Struct):
    histories: list[History]
    verifications: list[Verification]
    dropped: dict[str, int]
    entered: list[str]
    since: float
    begun: list[tuple[Kind, float | None, int | None]]


def _is_of(beginning: Beginning, record: Record) -> bool:
    """Whether a log and a record tell of the same run."""
    kind, at = beginning.kind, beginning.at
    if kind.command != record.command or record.stanza not in ("", kind.stanza):
        return False
    near = at is None or at - record.started >= -_APART
    if beginning.pid is not None and beginning.pid == record.pid:
        return near and (at is None or record.ended is None or at <= record.ended + _APART)
    return at is not None and abs(at - record.started) <= _APART and kind.backup_type == record.backup_type


def _order(account: _Account) -> tuple[str, str, str, str]:
    kind = account.kind
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


def _account_of(told: History) -> _Account:
    return _Account(
        kind=told.kind,
        last_start=told.last_start,
        last=told.last,
        last_success=told.last_success,
        last_failed=told.last_failed,
        counts={"success": told.successes, "failure": told.failures, "killed": told.killed},
        running=told.running,
    )
