"""One log file's runs: which end belongs to which beginning, though no line says so.

Processes of the same command write into one file (an attempt that finds the lock held ends amid the lines of the
backup that holds it). What tells them apart: a good end says how long the process took; an attempt fails at once
with [050]; who gets beyond a lock shows that an earlier holder is gone; and a process that still lives has not ended.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from exporter.model.runs import Kind, Result, Run, Verification
from exporter.pgbackrest import invocation, lasterror
from exporter.pgbackrest.log import (
    Begun,
    Dropped,
    Ended,
    Event,
    Failed,
    LocalTime,
    Locked,
    Stamp,
    Verified,
    events,
)

_EXEC_ID = re.compile(r" --exec-id=((\d{1,10})-[0-9a-f]+)")
_VERSION = re.compile(r"(\d+)\.(\d+)")
_LOCK_HELD = 50
# Since 2.53 each repository has a lock of its own (src/config/config.c), before there is one for the stanza.
_LOCK_BY_REPO = (2, 53)
# A good end tells its beginning to the millisecond, the beginning was logged a moment later.
_NEAR = 2.0
# Nobody runs so many commands at once: what is older has lost its end.
_MOST_OPEN = 64
# What a clock may be wrong by before its times are not believed, in seconds.
_AHEAD = 3600.0


@dataclass(slots=True)
class Beginning:
    """A process that has begun and not ended, as far as its log goes. *locked*: it got beyond its lock.

    *at* is None where its log tells no time; then *seen* is when it was read.
    """

    kind: Kind
    at: float | None
    seen: float | None = None
    pid: int | None = None
    exec_id: str = ""
    lock: str = ""
    dry: bool = False
    locked: bool = False


Found = Beginning | Run | Verification | Dropped


@dataclass(slots=True)
class RunLog:
    """Reads one log from its beginning to its end, piece by piece, whatever files it was cut into."""

    stanza: str
    command: str
    open: list[Beginning] = field(default_factory=list)
    last: float | None = None
    """The moment of the last line that told one."""
    failed: tuple[int, str] | None = None
    bad: bool = False
    invalid: int = 0
    _clock: LocalTime = field(default_factory=LocalTime)
    _now: float = 0.0
    _otherwise: float | None = None
    _found: list[Found] = field(default_factory=list)

    def feed(
        self, data: bytes, *, now: float, otherwise: float | None, alive: Callable[[Beginning], bool]
    ) -> list[Found]:
        """Return what whole lines tell. Times beyond *now* are not believed.

        *otherwise* is the moment of lines that tell none; *alive* tells whether a process certainly runs still.
        """
        self._now, self._otherwise, self._found = now, otherwise, []
        for event in events(data, self.command):
            self._take(event, alive)
        return self._found

    def _take(self, event: Event, alive: Callable[[Beginning], bool]) -> None:
        match event:
            case Begun():
                self._begun(event)
            case Locked():
                self._told(event.stamp)
                self._locked()
            case Failed():
                self._told(event.stamp)
                self.failed = event.code, _words(event.words)
            case Ended():
                self._ended(event, alive)
            case Verified():
                self.bad = self.bad or event.ok is False
                self.invalid += event.invalid
            case Dropped():
                self._found.append(event)

    def _told(self, stamp: Stamp) -> float | None:
        moment = self._clock.moment(stamp, self.last)
        if moment is None or moment > self._now + _AHEAD:
            return None
        self.last = moment
        return moment

    def _moment(self, stamp: Stamp) -> float | None:
        moment = self._told(stamp)
        return self._otherwise if moment is None else moment

    def _begun(self, event: Begun) -> None:
        beginning = self._beginning(event.version, event.options, self._told(event.stamp))
        self.bad, self.invalid = False, 0
        self.open.append(beginning)
        if not beginning.dry:
            self._found.append(beginning)
        for lost in self.open[:-_MOST_OPEN]:
            self._found += self.close(lost, "killed")

    def _beginning(self, version: str, options: str, at: float | None) -> Beginning:
        exec_id = _EXEC_ID.search(options)
        if exec_id:  # but for that number a stanza's commands are the same few, again and again
            options = options[: exec_id.start()] + options[exec_id.end() :]
        kind, lock, dry = _asked(self.command, self.stanza, version, options)
        return Beginning(
            kind=kind,
            at=at,
            seen=self._otherwise,
            pid=int(exec_id[2]) if exec_id else None,
            exec_id=exec_id[1] if exec_id else "",
            lock=lock,
            dry=dry,
        )

    def _locked(self) -> None:
        """Take note of who got the lock: who held it before is gone."""
        holder = next((one for one in self.open if not one.locked), None)
        if holder is not None:
            holder.locked = True
            for one in self._before(holder):
                if one.locked:
                    self._found += self.close(one, "killed")

    def _before(self, holder: Beginning) -> list[Beginning]:
        """Return who began before *holder* and needs the same lock."""
        return [one for one in self.open[: self.open.index(holder)] if one.lock == holder.lock]

    def _ended(self, event: Ended, alive: Callable[[Beginning], bool]) -> None:
        # The word of a signal has had no time since 2.58: it came after the line before.
        bare = event.signal is not None and not event.stamp.text and self._otherwise is None
        at = self.last if bare else self._moment(event.stamp)
        if not event.code:
            self._good(at, event.took)
            return
        who = self._who_failed(event.code, alive)
        if who is not None:
            words = self.failed[1] if self.failed and self.failed[0] == event.code else None
            text = f"[{event.code:03}]: {words}" if words else event.signal
            self._found += self.close(who, "killed" if event.signal else "failure", at, event.code, text)
        self.failed = None

    def _good(self, at: float | None, took: float | None) -> None:
        began = None if at is None or took is None else at - took
        who = self._who_began(began)
        if who is None:
            return
        if who.at is None:
            who.at = began
        if self.command == "verify" and not who.dry:
            self._found.append(
                Verification(
                    stanza=self.stanza,
                    repo=who.kind.repo,
                    ok=not self.bad,
                    invalid_files=self.invalid if self.invalid or not self.bad else None,
                    completed=at,
                )
            )
        # Who ended well held the lock: earlier holders are gone.
        if self.command != "verify":
            who.locked = True
            for one in self._before(who):
                self._found += self.close(one, "killed")
        self._found += self.close(who, "success", at, 0)

    def _who_began(self, began: float | None) -> Beginning | None:
        if began is None:
            return self.open[-1] if self.open else None
        timed = [(abs(one.at - began), one) for one in self.open if one.at is not None]
        off, nearest = min(timed, key=lambda pair: pair[0], default=(0.0, None))
        if nearest is not None and off <= _NEAR:
            return nearest
        # Its beginning was lost, or tells no time.
        return next((one for one in self.open if one.at is None), None)

    def _who_failed(self, code: int, alive: Callable[[Beginning], bool]) -> Beginning | None:
        """Choose among those who may have failed: the newest that does not run any more."""
        if len(self.open) < 2:
            return self.open[0] if self.open else None
        if code == _LOCK_HELD:
            return next((one for one in reversed(self.open) if not one.locked), self.open[-1])
        return next((one for one in reversed(self.open) if not alive(one)), self.open[-1])

    def close(
        self,
        who: Beginning,
        result: Result,
        at: float | None = None,
        code: int | None = None,
        words: str | None = None,
    ) -> list[Run]:
        """Return the run that *who* began, if it was no dry one, and forget that it goes on."""
        self.open.remove(who)
        return [] if who.dry else [_run(who, result, at, code, words)]


def _run(who: Beginning, result: Result, at: float | None, code: int | None, words: str | None) -> Run:
    start = who.seen if who.at is None else who.at
    return Run(kind=who.kind, result=result, start=start, end=at, exit_code=code, words=words, logged=True)


@lru_cache(maxsize=64)
def _words(said: bytes) -> str:
    return lasterror.one_line(said.decode(errors="replace"))


@lru_cache(maxsize=256)
def _asked(command: str, stanza: str, version: str, options: str) -> tuple[Kind, str, bool]:
    """Return the kind of a run, the lock that it needs, and whether it is a dry one."""
    asked, lowest = invocation.of_options(command.removesuffix("-async"), stanza, options)
    kind = Kind(
        stanza=stanza,
        command=asked.command,
        backup_type=asked.backup_type,
        repo=asked.repository(lowest),
    )
    found = _VERSION.match(version)
    by_repo = found is not None and (int(found[1]), int(found[2])) >= _LOCK_BY_REPO
    return kind, kind.repo if by_repo else "", " --dry-run" in options
