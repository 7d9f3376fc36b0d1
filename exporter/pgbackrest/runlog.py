"""One log file's runs: which end belongs to which beginning, though no line says so.

Processes of the same command write into one file (an attempt that finds the lock held ends amid the lines of the
backup that holds it). What tells them apart: a good end says how long the process took; an attempt fails at once
with [050]; who gets beyond a lock shows that an earlier holder is gone; and a process that still lives has not ended.
"""

import re
from collections.abc import Callable, Iterator
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


@dataclass(frozen=True, slots=True)
class Started:
    """A run began."""

    beginning: Beginning


Found = Started | Run | Verification | Dropped


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

    def feed(
        self, data: bytes, *, now: float, otherwise: float | None, alive: Callable[[Beginning], bool]
    ) -> Iterator[Found]:
        """Yield what whole lines tell. Times beyond *now* are not believed.

        *otherwise* is the moment of lines that tell none; *alive* tells whether a process certainly runs still.
        """
        self._now, self._otherwise = now, otherwise
        for event in events(data, self.command):
            yield from self._take(event, alive)

    def _take(self, event: Event, alive: Callable[[Beginning], bool]) -> Iterator[Found]:
        match event:
            case Begun():
                yield from self._begun(event)
            case Locked():
                self._told(event.stamp)
                yield from self._locked()
            case Failed():
                self._told(event.stamp)
                self.failed = event.code, lasterror.one_line(event.words.decode(errors="replace"))
            case Ended():
                yield from self._ended(event, alive)
            case Verified():
                self.bad = self.bad or event.ok is False
                self.invalid += event.invalid
            case Dropped():
                yield event

    def _told(self, stamp: Stamp) -> float | None:
        moment = self._clock.moment(stamp, self.last)
        if moment is None or moment > self._now + _AHEAD:
            return None
        self.last = moment
        return moment

    def _moment(self, stamp: Stamp) -> float | None:
        moment = self._told(stamp)
        return self._otherwise if moment is None else moment

    def _begun(self, event: Begun) -> Iterator[Found]:
        at = self._told(event.stamp)
        exec_id = _EXEC_ID.search(event.options)
        start, end = exec_id.span() if exec_id else (0, 0)
        # But for that number a stanza's commands are the same few, again and again.
        kind = _kind(
            self.command.removesuffix("-async"), self.stanza, event.options[:start] + event.options[end:]
        )
        beginning = Beginning(
            kind=kind,
            at=at,
            seen=self._otherwise,
            pid=int(exec_id[2]) if exec_id else None,
            exec_id=exec_id[1] if exec_id else "",
            lock=kind.repo if _version(event.version) >= _LOCK_BY_REPO else "",
            dry=" --dry-run" in event.options,
        )
        self.bad, self.invalid = False, 0
        self.open.append(beginning)
        if not beginning.dry:
            yield Started(beginning)
        for lost in self.open[:-_MOST_OPEN]:
            yield from self.close(lost, "killed")

    def _locked(self) -> Iterator[Found]:
        """Take note of who got the lock: who held it before is gone."""
        holder = next((one for one in self.open if not one.locked), None)
        if holder is not None:
            holder.locked = True
            yield from self._displaced(holder)

    def _displaced(self, holder: Beginning) -> Iterator[Found]:
        for one in self.open[: self.open.index(holder)]:
            if one.lock == holder.lock and one.locked:
                yield from self.close(one, "killed")

    def _ended(self, event: Ended, alive: Callable[[Beginning], bool]) -> Iterator[Found]:
        # The word of a signal has had no time since 2.58: it came after the line before.
        bare = event.signal is not None and not event.stamp.text and self._otherwise is None
        at = self.last if bare else self._moment(event.stamp)
        if not event.code:
            yield from self._good(at, event.took)
            return
        who = self._who_failed(event.code, alive)
        if who is not None:
            words = self.failed[1] if self.failed and self.failed[0] == event.code else None
            text = f"[{event.code:03}]: {words}" if words else event.signal
            result: Result = "killed" if event.signal else "failure"
            yield from self.close(who, result, at, event.code, text)
        self.failed = None

    def _good(self, at: float | None, took: float | None) -> Iterator[Found]:
        began = None if at is None or took is None else at - took
        who = self._who_began(began)
        if who is None:
            return
        if who.at is None:
            who.at = began
        if self.command == "verify" and not who.dry:
            yield Verification(
                stanza=self.stanza,
                repo=who.kind.repo,
                ok=not self.bad,
                invalid_files=self.invalid if self.invalid or not self.bad else None,
                completed=at,
            )
        # Who ended well held the lock: earlier holders are gone.
        if self.command != "verify":
            who.locked = True
            yield from [run for one in self._before(who) for run in self.close(one, "killed")]
        yield from self.close(who, "success", at, 0)

    def _before(self, who: Beginning) -> list[Beginning]:
        return [one for one in self.open[: self.open.index(who)] if one.lock == who.lock]

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
        gone = [one for one in self.open if not alive(one)]
        return (gone or self.open)[-1]

    def close(
        self,
        who: Beginning,
        result: Result,
        at: float | None = None,
        code: int | None = None,
        words: str | None = None,
    ) -> Iterator[Run]:
        """Yield the run that *who* began, and forget that it goes on."""
        self.open.remove(who)
        if not who.dry:
            start = who.seen if who.at is None else who.at
            yield Run(
                kind=who.kind, result=result, start=start, end=at, exit_code=code, words=words, logged=True
            )


@lru_cache(maxsize=256)
def _kind(command: str, stanza: str, options: str) -> Kind:
    asked, lowest = invocation.of_options(command, stanza, options)
    return Kind(
        stanza=stanza,
        command=asked.command,
        backup_type=asked.backup_type,
        repo=asked.repository(lowest),
    )


@lru_cache(maxsize=64)
def _version(text: str) -> tuple[int, int]:
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
