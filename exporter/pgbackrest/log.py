"""The grammar of pgBackRest's log files (src/common/log.c, src/command/command.c), tried with 2.45 to 2.59.

A line is `YYYY-MM-DD HH:MM:SS.mmm P00   INFO: text`: local time without a zone, and no time at all with
log-timestamp=n. A message goes on in indented lines. Processes of the same command write into one file, and no
line tells whose it is.
"""

import re
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

COMMANDS = {
    "backup": "backup",
    "expire": "expire",
    "restore": "restore",
    "verify": "verify",
    "archive-push-async": "archive-push:async",
    "archive-get-async": "archive-get:async",
}
"""Commands that are read, by what stands in the file's name; the value is what stands in its lines."""

_LONGEST_LINE = 64 << 10
_STAMP = rb"(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.(\d{3}) )?P\d{2,3} +"
_LINE = re.compile(
    _STAMP + rb"(?:INFO: (?:([\w:-]+) command begin ([\w.]+):(.*)"
    rb"|([\w:-]+) command end: (?:(completed successfully)(?: \((\d{1,12})ms\))?"
    rb"|aborted with exception \[(\d{1,3})\]|terminated on signal \[?(\w+)\]?)"
    rb"|(backup start archive = |repo\d+: restore backup set ))"
    rb"|ERROR: \[(\d{1,3})\]: (.*)"
    rb"|WARN: dropped WAL file )"
)
_TERMINATED = re.compile(rb"terminated on signal (SIG\w+)\s*\Z")
_VERIFIED = re.compile(
    rb" +(?:status: (?P<status>ok|error)|(?P<counts>(?:missing|checksum invalid|size invalid|other): \d.*))"
)
_COUNT = re.compile(rb": (\d{1,12})")
_NEEDLES = (b" command ", b"terminated on signal ", b"ERROR: [", b": dropped WAL file ")
_NEEDLES_OF = {
    "backup": (*_NEEDLES, b"backup start archive = "),
    "restore": (*_NEEDLES, b": restore backup set "),
    "verify": (*_NEEDLES, b" status: ", b" missing: ", b" invalid: ", b" other: "),
}


class Stamp(NamedTuple):
    """A line's time as it is written, "" without one; only in its place in the file is it a moment."""

    text: bytes
    thousandths: int


class Begun(NamedTuple):
    """A process has begun."""

    stamp: Stamp
    version: str
    options: str


class Locked(NamedTuple):
    """A process got beyond its lock."""

    stamp: Stamp


class Ended(NamedTuple):
    """A process has ended: well (after *took* seconds, if told), or with *code*, or by the signal of that name."""

    stamp: Stamp
    took: float | None = None
    code: int = 0
    signal: str | None = None


class Failed(NamedTuple):
    """A process says why it will end."""

    stamp: Stamp
    code: int
    words: bytes


class Dropped(NamedTuple):
    """A WAL segment was given up."""


class Verified(NamedTuple):
    """A line of verify's result: whether all is well (None: not this line), and how many files are not."""

    ok: bool | None
    invalid: int


Event = Begun | Locked | Ended | Failed | Dropped | Verified
_TERM = 63  # the exit code of a command that was ended by a signal
_NO_STAMP = Stamp(b"", 0)


def events(data: bytes, command: str) -> Iterator[Event]:
    """Find what matters in whole lines of a log; *command* is one of COMMANDS. Any bytes will do."""
    word = COMMANDS[command].encode()
    for start, end in _hits(data, _NEEDLES_OF.get(command, _NEEDLES)):
        event = _event(data, start, min(end, start + _LONGEST_LINE), word)
        if event is not None:
            yield event


def _hits(data: bytes, needles: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Give start and end of each line that holds a needle: of a long log most lines hold none."""
    end = -1
    for at in sorted(at for needle in needles for at in _places(data, needle)):
        if at > end:
            start = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            if end < 0:
                end = len(data)
            yield start, end


def _places(data: bytes, needle: bytes) -> Iterator[int]:
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + len(needle))


def _event(data: bytes, start: int, end: int, command: bytes) -> Event | None:
    match = _LINE.match(data, start, end)
    if match is None:
        return _bare(data[start:end])
    stamped, thousandths, begun, version, options, ended, *end_words, locked, error, words = match.groups()
    stamp = Stamp(stamped, int(thousandths)) if stamped else _NO_STAMP
    if begun:
        return Begun(stamp, version.decode(), options.decode(errors="replace")) if begun == command else None
    if ended:
        return _ended(stamp, *end_words) if ended == command else None
    if locked:
        return Locked(stamp)
    if error:
        return Failed(stamp, int(error), words + _continued(data, end))
    return Dropped()


def _ended(stamp: Stamp, good: bytes, ms: bytes, code: bytes, signal: bytes) -> Ended:
    if good:
        return Ended(stamp, took=int(ms) / 1000 if ms else None)
    if signal:
        return Ended(stamp, code=_TERM, signal=signal.decode())
    return Ended(stamp, code=int(code))


def _bare(line: bytes) -> Event | None:
    """Read what has no time before it: verify's result, and since 2.58 the word of a signal."""
    if match := _TERMINATED.match(line):
        return Ended(_NO_STAMP, code=_TERM, signal=match[1].decode())
    if match := _VERIFIED.match(line):
        if match["status"]:
            return Verified(match["status"] == b"ok", 0)
        return Verified(None, sum(map(int, _COUNT.findall(match["counts"]))))
    return None


def _continued(data: bytes, end: int) -> bytes:
    """Return the indented lines that follow, as far as they are wanted."""
    rest = data[end : end + 2048].split(b"\n")[1:6]
    wanted = []
    for line in rest:
        if not line.startswith(b"    "):
            break
        wanted.append(b"\n" + line)
    return b"".join(wanted)


class LocalTime:
    """Turns the local time of this machine into moments; in the hour that comes twice the file's order decides."""

    def __init__(self) -> None:
        self._minutes: dict[bytes, tuple[float, ...]] = {}

    def moment(self, stamp: Stamp, after: float | None) -> float | None:
        """Return seconds since the epoch, None where there is no such time; *after* is that of the line before."""
        if not stamp.text:
            return None
        minute = stamp.text[:16]
        found = self._minutes.get(minute)
        if found is None:
            if len(self._minutes) > 4096:
                self._minutes.clear()
            found = self._minutes[minute] = _moments(minute)
        if not found:
            return None
        rest = int(stamp.text[17:19]) + stamp.thousandths / 1000
        if len(found) > 1 and after is not None:
            # Processes that write at the same time may be a little out of order.
            return next((one + rest for one in found if one + rest >= after - 5), found[-1] + rest)
        return found[0] + rest


def _moments(minute: bytes) -> tuple[float, ...]:
    """Return the moments that a local minute can be: two when the clocks go back, and none when they jump over it."""
    fields = (int(minute[:4]), int(minute[5:7]), int(minute[8:10]), int(minute[11:13]), int(minute[14:16]))
    found = set()
    for summer in (0, 1):
        try:
            moment = time.mktime((*fields, 0, 0, 0, summer))
        except (OverflowError, ValueError):
            continue
        if tuple(time.localtime(moment))[:5] == fields:
            found.add(moment)
    return tuple(sorted(found))
