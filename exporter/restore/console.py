"""Who watches a test: a person at a terminal, on one line that moves, or a log, in few lines."""

import math
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from exporter.human import line, size, span
from exporter.model.restore_tests import CHECKS, Check
from exporter.restore.log import Log

_EVERY_ON_TERMINAL = 0.2
_EVERY_IN_LOG = 60.0
_MARKS = {"ok": "ok     ", "failed": "FAILED ", "skipped": "skipped"}
_WIDTH = 100


class Console:
    """Tells phases, checks and how far a phase is; every whole line also goes into the log of the run."""

    def __init__(self, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out or sys.stderr
        self._clock = clock
        self._terminal = self._out.isatty()
        self._phase = self._unit = ""
        self._began = self._told = clock()
        self._moving = False
        self._log: Log | None = None

    def log_to(self, log: Log | None) -> None:
        """Write every whole line there as well."""
        self._log = log

    def keep(self, text: str) -> None:
        """Write into the log alone."""
        if self._log is not None:
            self._log.line(text)

    def phase(self, name: str) -> None:
        """Tell that a phase begins, once if it is taken up again at once."""
        if name == self._phase:
            return
        self._phase, self._unit = name, ""
        self._begin()
        self._write(f"-- {name}")

    def progress(self, done: float, total: float | None, unit: str) -> None:
        """Tell how far the phase is, now and then; another *unit* is another work, whose time counts anew."""
        if self._unit and unit != self._unit:
            self._begin()
        self._unit = unit
        now = self._clock()
        if now - self._told < (_EVERY_ON_TERMINAL if self._terminal else _EVERY_IN_LOG):
            return
        self._told = now
        words = f"   {self._phase}: {_amounts(done, total, unit)}{_left(now - self._began, done, total)}"
        if self._terminal:
            self._show(f"\r\x1b[K{words[:_WIDTH]}")
            self._moving = True
        else:
            self._write(words)

    def check(self, check: Check) -> None:
        """Tell the outcome of a check."""
        found = f" ({check.value})" if check.value else ""
        why = f": {check.words}" if check.words else ""
        truth = " - not true:" if check.state == "failed" else " -"
        meaning = "" if check.state == "skipped" else f"{truth} {CHECKS[check.name]}"
        told = line(f"{check.name}{meaning}{found}{why}")
        self._write(f"   {_MARKS[check.state]} {told}")

    def line(self, text: str) -> None:
        """Tell something else."""
        self._write(text)

    def _begin(self) -> None:
        self._began = self._clock()
        self._told = self._began if not self._terminal else -math.inf

    def _write(self, text: str) -> None:
        self.keep(text)
        self._show(f"\r\x1b[K{text}\n" if self._moving else f"{text}\n")
        self._moving = False

    def _show(self, text: str) -> None:
        # A file on a full disk, or a terminal that is gone: nobody looks, and the test goes on.
        with suppress(OSError):
            self._out.write(text)
            self._out.flush()


def _amounts(done: float, total: float | None, unit: str) -> str:
    what = unit.removeprefix("bytes")
    if not total:
        return f"{size(done)}{what}"
    # More WAL may have come since it was counted.
    return f"{size(done)} of {size(max(done, total))}{what}, {min(1.0, done / total):.0%}"


def _left(elapsed: float, done: float, total: float | None) -> str:
    if not total or done <= 0 or elapsed < 1:
        return ""
    left = elapsed * (total - done) / done
    return f", {span(left)} left" if left >= 1 else ""
