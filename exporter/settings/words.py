"""Words, names and numbers in the settings: each function gives what was meant, or raises ValueError in one line."""

import shlex
from collections.abc import Callable
from typing import Any

from exporter.settings.quantity import seconds, show_seconds, shown

_MOST_REPOS = 256
"""pgBackRest's highest repository number (src/build/config/config.yaml, group `repo`)."""


def program(written: str) -> str:
    """Read a program of one word."""
    if written.split() != [written]:
        raise ValueError(f"no shell splits it: write a list, [{', '.join(_split(written))}]")
    return line(written)


def _split(written: str) -> list[str]:
    try:
        return shlex.split(written) or ["pgbackrest"]
    except ValueError:
        return written.split()


def word(written: Any) -> str:
    """Read one word of a command line; a whole number is one too, such as a port."""
    if isinstance(written, int) and not isinstance(written, bool):
        return str(written)
    return line(written)


def line(written: Any) -> str:
    """Read text that stands on one line."""
    if not isinstance(written, str):
        raise ValueError(  # noqa: TRY004 – a mistake in a file, not in the program
            f"expected text, not {shown(written)}: put quotes round it"
        )
    if not written or not written.isprintable():
        raise ValueError(f"expected text without control characters, not {shown(written)}")
    return written


def path(written: Any) -> str | None:
    """Read an absolute path. pgBackRest resolves a relative one from / (seen in 2.45), which nobody means."""
    if written is None:
        return None
    if not line(written).startswith("/"):
        raise ValueError(f"{shown(written)} is not a whole path: begin it with /")
    return str(written)


def stanza(written: str) -> str:
    """Read a stanza's name: that of a folder in the repository."""
    if "/" in line(written):
        raise ValueError("a stanza's name holds no slash")
    return written


def repository(written: Any) -> int:
    """Read a repository's number, from a key of a mapping: text."""
    if not written.isascii() or not written.isdigit() or written[0] == "0" or int(written[:9]) > _MOST_REPOS:
        raise ValueError(f"expected a repository's number, 1 to {_MOST_REPOS}")
    return int(written)


def count(written: Any) -> int:
    """Read a whole number from 0 up."""
    if not isinstance(written, int) or isinstance(written, bool) or written < 0:
        raise ValueError(f"{shown(written)} is not a whole number from 0 up")
    return written


def at_least(least: float) -> Callable[[Any], float]:
    """Read a duration that is not shorter than *least* seconds."""

    def read(written: Any) -> float:
        value = seconds(written)
        if value < least:
            raise ValueError(f"{shown(written)} is too short: expected {show_seconds(least)} or more")
        return value

    return read
