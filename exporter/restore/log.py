"""The log of a run, for its owner alone: it may tell names out of the database. A full disk costs it lines, no more."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exporter.restore.records import RecordError


class Log:
    """Takes whole lines; how many found no room is written down when there is room again."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lost = 0

    def line(self, text: str) -> None:
        """Write a line, or lose it."""
        try:
            self.write(text)
        except OSError:
            self._lost += 1

    def write(self, text: str) -> None:
        """Write a line; raises OSError."""
        gap = f"\n({self._lost} lines could not be written)\n" if self._lost else ""
        left = memoryview(f"{gap}{text}\n".encode(errors="replace"))
        while left:
            left = left[os.write(self._descriptor, left) :]
        self._lost = 0


@contextmanager
def opened(path: Path, title: str) -> Iterator[Log]:
    """Begin a log with its *title*; raises RecordError where not even that can be written."""
    descriptor = None
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        log = Log(descriptor)
        log.write(title)
    except OSError as error:
        if descriptor is not None:
            os.close(descriptor)
            path.unlink(missing_ok=True)
        raise RecordError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    try:
        yield log
    finally:
        with suppress(OSError):
            os.close(descriptor)
