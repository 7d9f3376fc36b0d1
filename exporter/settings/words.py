"""Words, names and numbers in the settings: each function gives what was meant, or raises ValueError in one line."""

import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

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


def username(written: Any) -> str | None:
    """Read the name of a user of basic authentication, or nothing at all."""
    if written is None:
        return None
    if ":" in line(written):
        raise ValueError(
            f"{shown(written)} holds a colon, which basic authentication has no place for (RFC 7617)"
        )
    return str(written)


def path(written: Any) -> str | None:
    """Read an absolute path. pgBackRest resolves a relative one from / (seen in 2.45), which nobody means."""
    if written is None:
        return None
    if not line(written).startswith("/"):
        raise ValueError(f"{shown(written)} is not a whole path: begin it with /")
    return str(written)


def folder(written: Any) -> str:
    """Read an absolute path that has to be there."""
    value = path(written)
    if value is None:
        raise ValueError("is empty: expected a whole path, such as /var/lib/pgbackrest-exporter")
    return value


def url(written: Any) -> str:
    """Read the address of a REST API: scheme, host, port and no more."""
    parts = urlsplit(line(written))
    try:
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            f"{shown(written)} is not an address: expected http://HOST:PORT or https://HOST:PORT"
        )
    if "@" in parts.netloc:
        raise ValueError("holds a user name: move it to patroni.username and patroni.password_file")
    return f"{parts.scheme}://{parts.netloc}"


def yes_or_no(written: Any) -> bool | None:
    """Read true, false or nothing at all."""
    if written is not None and not isinstance(written, bool):
        raise ValueError(f"expected true or false, not {shown(written)}")
    return written


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
