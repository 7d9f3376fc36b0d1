"""What the restored server says while it recovers: the lines of its log that tell how far it is.

The words are those of PostgreSQL 12 to 18 (xlogrecovery.c, xlog.c, before 15 all in xlog.c) with lc_messages=C.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_LSN = r"([0-9A-F]+/[0-9A-F]+)"
_PREFIX = re.compile(
    r"^\S+ \S+ \S+ \[\d+\] (?P<level>LOG|WARNING|ERROR|FATAL|PANIC|HINT|DETAIL|CONTEXT): +(?P<words>.*)"
)
# CheckRequiredParameterValues: until PostgreSQL 13 it ends with the first words, since 14 it waits with the others.
_NEEDS_MORE = re.compile(
    r"is a lower setting than on the (?:master|primary) server|insufficient parameter settings"
)
_CRASH = re.compile(r"process .*was terminated by signal|insufficient parameter settings")
_ANCHORS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("segment", re.compile(r'restored log file "(\w+)" from archive')),
    ("redo_start", re.compile(f"redo starts at {_LSN}")),
    ("position", re.compile(f"redo in progress, elapsed time: .*, current LSN: {_LSN}")),
    ("consistent", re.compile(f"consistent recovery state reached at {_LSN}")),
    ("redo_done", re.compile(f"redo done at {_LSN}")),
    ("no_redo", re.compile("redo is not required")),
    ("timeline", re.compile(r"selected new timeline ID: (\d+)")),
    ("complete", re.compile("archive recovery complete")),
    ("ready", re.compile("database system is ready to accept connections")),
    ("stopping", re.compile("(recovery stopping (?:before|after) .*)")),
    ("last_transaction", re.compile("last completed transaction was at log time (.*)")),
)


@dataclass(slots=True)
class ServerLog:
    """Hears the lines of one start of the server and remembers the last of each kind; *write* keeps them all."""

    write: Callable[[str], None]
    segments: int = 0
    found: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take one line in."""
        self.write(line)
        match = _PREFIX.match(line)
        words = match["words"] if match else line
        if (match and match["level"] in ("FATAL", "PANIC")) or _CRASH.search(words):
            del self.failures[20:]
            self.failures.append(words)
        for name, anchor in _ANCHORS:
            if hit := anchor.match(words):
                self.found[name] = hit[1] if hit.groups() else words
                self.segments += name == "segment"

    @property
    def why(self) -> str:
        """Why the server ended, in its own words; the first failure is the cause."""
        real = [line for line in self.failures if "database system is starting up" not in line]
        return real[0] if real else "it said nothing"

    @property
    def needs_more(self) -> bool:
        """Whether WAL raised a setting such as max_connections above what the server was started with."""
        return any(_NEEDS_MORE.search(line) for line in self.failures)

    @property
    def target_missed(self) -> bool:
        """Whether WAL ended before the target (PostgreSQL 13 and later)."""
        return any("recovery ended before configured recovery target" in line for line in self.failures)
