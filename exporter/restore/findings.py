"""What a running test has found so far: its checks, its phases and its measures, told as they come."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from exporter.human import size
from exporter.model.restore_tests import CHECKS, PHASES, Check, State
from exporter.restore import fulldisk

# WAL comes in pieces of this size, unless initdb was told another.
_SEGMENT = 16 << 20


class CouldNotTryError(Exception):
    """The test cannot be made, which says nothing about the backup; the message is one line with a remedy."""


class NotProvenError(Exception):
    """A check failed without which no other makes sense; it is among the findings. The message is one line."""


class Reporter(Protocol):
    """Who watches: a terminal or a log."""

    def phase(self, name: str) -> None:
        """Tell that a phase begins."""

    def progress(self, done: float, total: float | None, unit: str) -> None:
        """Tell how far the phase is; *unit* is bytes, or bytes of something."""

    def check(self, check: Check) -> None:
        """Tell the outcome of a check."""

    def line(self, text: str) -> None:
        """Tell something else, in one line."""

    def keep(self, text: str) -> None:
        """Put a line into the run's log alone: other programs' words."""


class Findings:
    """Collects what is found; the measures are None until they are known, *interrupted_in* names a phase.

    *full* tells that the scratch folder's disk was found full.
    """

    def __init__(self, report: Reporter) -> None:
        self.report = report
        self.checks: dict[str, Check] = {}
        self.phases: dict[str, float] = {}
        self.interrupted_in: str | None = None
        self.full = False
        self.restored_bytes: int | None = None
        self.replayed_wal_bytes: int | None = None
        self.recovered_to: float | None = None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase, also one that fails."""
        assert name in PHASES  # noqa: S101 - a name that no metric knows is our mistake
        self.report.phase(name)
        began = time.monotonic()
        try:
            yield
        except asyncio.CancelledError:
            self.interrupted_in = name
            raise
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + time.monotonic() - began

    def hear(self, line: str) -> None:
        """Put a line of another program into the run's log, and notice when it found a disk full."""
        self.report.keep(line)
        if words := fulldisk.words(line):
            self._is_full(words)

    def look_for_room(self, path: Path, needed: int = _SEGMENT) -> None:
        """Notice a disk without room for a segment of WAL: what fetches WAL ahead tells nobody that it found none."""
        if (free := shutil.disk_usage(path).free) < needed:
            self._is_full(f"{size(free)} are left")

    @contextmanager
    def forgiving_a_full_disk(self, path: Path) -> Iterator[None]:
        """Raise CouldNotTryError for what fails while the disk of *path* is full: it says nothing of the backup."""
        try:
            yield
        except OSError as error:
            if error.errno not in fulldisk.NUMBERS:
                raise
            self._is_full(str(error))
        except NotProvenError:
            self.look_for_room(path)
            if not self.full:
                raise
        else:
            if not (self.full and self.all_failed()):
                return
        for check in self.all_failed():
            self.skipped(check.name, f"the disk was full: {check.words}")
        raise self.refuse(
            "disk_space", f"{path}: its disk is full: make room there, or choose another folder (--to)"
        )

    def ok(self, name: str, words: str = "", value: object = None) -> None:
        """Note that a check was passed."""
        self._note(name, "ok", words, value)

    def skipped(self, name: str, words: str) -> None:
        """Note why a check was not made."""
        self._note(name, "skipped", words, None)

    def failed(self, name: str, words: str, value: object = None) -> None:
        """Note that a check failed; the others go on."""
        self._note(name, "failed", words, value)

    def give_up(self, name: str, words: str) -> NotProvenError:
        """Note a failure after which nothing else can be checked: raise what is returned."""
        self.failed(name, words)
        return NotProvenError(f"{CHECKS[name]}: {words}")

    def refuse(self, name: str, words: str) -> CouldNotTryError:
        """Note what stands in the way of the test: raise what is returned."""
        self.failed(name, words)
        return CouldNotTryError(words)

    def all_failed(self) -> list[Check]:
        """Return the checks that failed."""
        return [check for check in self.checks.values() if check.state == "failed"]

    def _is_full(self, words: str) -> None:
        if not self.full:
            self.report.line(f"   the disk is full: {words}")
        self.full = True

    def _note(self, name: str, state: State, words: str, value: object) -> None:
        assert name in CHECKS  # noqa: S101 - as above
        check = Check(name=name, state=state, value=None if value is None else str(value), words=words)
        self.checks[name] = check
        self.report.check(check)
