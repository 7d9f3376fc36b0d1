"""Words, names and numbers in the settings: each function gives what was meant, or raises ValueError in one line."""

import shlex
from collections.abc import Callable, Mapping
from types import MappingProxyType
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


def line_or_none(written: Any) -> str | None:
    """Read text that stands on one line, or nothing at all."""
    return None if written is None else line(written)


def positive(written: Any) -> int:
    """Read a whole number from 1 up."""
    if count(written) == 0:
        raise ValueError("0 is not a whole number from 1 up")
    return int(written)


def positive_or_none(written: Any) -> int | None:
    """Read a whole number from 1 up, or nothing at all."""
    return None if written is None else positive(written)


def niceness(written: Any) -> int:
    """Read how nice a program shall be: 0 is as others, 19 the nicest."""
    if count(written) > 19:
        raise ValueError(f"{written} is not a niceness: expected 0 to 19")
    return int(written)


def switch(written: Any) -> bool:
    """Read true or false."""
    if not isinstance(written, bool):
        raise ValueError(f"expected true or false, not {shown(written)}")  # noqa: TRY004 – a mistake in a file
    return written


def one_of(*known: str) -> Callable[[Any], str]:
    """Read one of these words; YAML takes `off` for false."""

    def read(written: Any) -> str:
        value = "off" if written is False else written
        if value not in known:
            raise ValueError(f"expected one of {', '.join(known)}, not {shown(written)}")
        return str(value)

    return read


def text(written: Any) -> str:
    """Read text of any number of lines, such as a query."""
    if not isinstance(written, str) or not written.strip():
        raise ValueError(f"expected text, not {shown(written)}")
    return written


def number(written: Any) -> float | None:
    """Read a number, or nothing at all."""
    if written is not None and (isinstance(written, bool) or not isinstance(written, int | float)):
        raise ValueError(f"{shown(written)} is not a number")
    return written


def scalar(written: Any) -> str | None:
    """Read text, a number or a truth as the text that a query may give, or nothing at all."""
    if isinstance(written, bool):
        return "true" if written else "false"
    if written is not None and not isinstance(written, str | int | float):
        raise ValueError(f"expected a single value, not {shown(written)}")
    return None if written is None else str(written)


def folders(written: Any) -> Mapping[str, str]:
    """Read a mapping of PostgreSQL's major versions to folders."""
    if written is None:
        return MappingProxyType({})
    if not isinstance(written, dict):
        raise ValueError(f'expected a mapping such as {{"15": /opt/pg15/bin}}, not {shown(written)}')  # noqa: TRY004
    result = {}
    for version, place in written.items():
        if not str(version).isdigit():
            raise ValueError(f"{shown(version)} is not a major version of PostgreSQL, such as 15")
        result[str(version)] = folder(place)
    return MappingProxyType(result)
