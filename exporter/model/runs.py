"""How pgBackRest's commands went: from its logs and from our own records.

A kind of run is what must be the same of two runs to be compared: a good incremental backup says nothing of the
full backups, nor repository 1 of repository 2. Times are seconds since the epoch; None is unknown.
"""

from dataclasses import dataclass, field
from typing import Literal

Result = Literal["success", "failure", "killed"]
RESULTS: tuple[Result, ...] = ("success", "failure", "killed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Stanza, command, type as requested ("" but for backup) and repository used ("": all, or the first that fits)."""

    stanza: str
    command: str
    backup_type: str = ""
    repo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run that is over. A killed one has no *end* and no *exit_code*, unless a signal was told.

    *logged*: its log tells of this command alone; else the process may have failed at what it did afterwards.
    """

    kind: Kind
    result: Result
    start: float | None
    end: float | None = None
    exit_code: int | None = None
    words: str | None = None
    logged: bool = False

    @property
    def moment(self) -> float | None:
        """When it is taken to have been decided: at its end, of one that vanished at its start."""
        return self.start if self.end is None else self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of all runs of one kind."""

    kind: Kind
    last_start: float | None = None
    last: Run | None = None
    """The run that was over last."""
    last_success: float | None = None
    """When the last good one ended."""
    last_failed: Run | None = None
    """The last one that failed or was killed."""
    successes: int = 0
    failures: int = 0
    killed: int = 0
    running: bool = False

    @property
    def last_failure(self) -> float | None:
        """When the last one failed; of one that vanished without a word, when it began."""
        return self.last_failed.moment if self.last_failed else None

    @property
    def failing(self) -> bool:
        """Whether a failure is the last word."""
        failed, succeeded = self.last_failure, self.last_success
        return failed is not None and (succeeded is None or failed > succeeded)

    @property
    def last_duration(self) -> float | None:
        """How many seconds the last run took."""
        last = self.last
        if last is None or last.start is None or last.end is None:
            return None
        return max(0.0, last.end - last.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the last `pgbackrest verify` found in a repository; it ends with exit code 0 whatever it finds."""

    stanza: str
    repo: str
    ok: bool
    invalid_files: int | None
    completed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Segments that asynchronous archiving gave up (archive-push-queue-max): they are lost."""

    stanza: str
    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Whether a stop file keeps the commands of a stanza from running."""

    stanza: str
    stopped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All that is known, of all stanzas. *troubles* are what could not be read or is not to be had, a line each."""

    histories: tuple[History, ...] = ()
    verifications: tuple[Verification, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    stops: tuple[Stop, ...] = ()
    troubles: tuple[str, ...] = field(default=())
