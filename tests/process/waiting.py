"""Waiting for what takes a moment, never longer than a test may hang."""

import time
from collections.abc import Callable

PATIENCE = 30.0
"""Seconds until a test gives up waiting; what it waits for takes one or two on an idle machine."""


def until(condition: Callable[[], object], what: Callable[[], str], within: float = PATIENCE) -> None:
    """Return when the condition holds; a connection or a /proc entry that is not there counts as not yet."""
    deadline = time.monotonic() + within
    pause = 0.01
    while not _holds(condition):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what()}")
        time.sleep(pause)  # noqa: TID251 - there is no event loop here
        pause = min(pause * 1.5, 0.1)


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except OSError:
        return False
