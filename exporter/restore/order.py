"""What somebody asks for: which stanza, from which repository, to which moment, and where."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["latest", "immediate", "time", "random"]
KINDS: tuple[Kind, ...] = ("latest", "immediate", "time", "random")


class OrderError(ValueError):
    """What was asked for makes no sense; the message is one line."""


@dataclass(frozen=True, slots=True)
class Aim:
    """How far WAL is replayed; *moment* (seconds since the epoch) belongs to the kind "time"."""

    kind: Kind
    moment: float | None = None

    def __str__(self) -> str:
        if self.moment is None:
            return self.kind
        return f"time={datetime.fromtimestamp(self.moment).astimezone().isoformat(sep=' ')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One test. None leaves the choice to the settings and to what was tested longest ago."""

    stanza: str
    repo: int | None = None
    label: str | None = None
    aim: Aim | None = None
    keep_on_failure: bool = False


def aim(written: str) -> Aim:
    """Read `latest`, `immediate`, `random` or `time=2026-11-22 10:00:00+00`; raises OrderError."""
    kind, equals, moment = written.partition("=")
    if kind == "time" and equals:
        return Aim("time", _moment(moment))
    for known in ("latest", "immediate", "random"):
        if written == known:
            return Aim(known)
    raise OrderError(f"{written}: expected latest, immediate, random or time=2026-11-22 10:00:00+00")


def _moment(written: str) -> float:
    text = re.sub(r"([+-]\d\d)$", r"\1:00", written.strip())
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise OrderError(f"time={written}: is no time: expected such as 2026-11-22 10:00:00+00") from None
