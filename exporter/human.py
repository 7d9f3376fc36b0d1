"""Times, spans, sizes and other programs' words as people read them."""

import re
import unicodedata
from datetime import UTC, datetime

_GARBAGE = re.compile(
    "\N{REPLACEMENT CHARACTER}(?:.{0,4}?\N{REPLACEMENT CHARACTER})*"
)  # with what stands between


def line(text: str) -> str:
    """Return other programs' words fit to be shown: one line, of a bounded length, nothing unprintable."""
    shown = "".join(
        " " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text[:2000]
    )
    shown = _GARBAGE.sub("\N{REPLACEMENT CHARACTER}", " ".join(shown.split()))
    return shown if len(shown) <= 400 else shown[:400] + " …"


def moment(seconds: float) -> str:
    """Return a time since the epoch as a date and time, in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "a time out of range"


def span(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    left = max(0, round(seconds))
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, left = divmod(left, length)
        parts.append(f"{amount} {unit}" if amount else "")
    first = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
    return " ".join(filter(None, parts[first : first + 2])) or "0 s"


def size(number: float | None) -> str:
    """Return a number of bytes in binary units; None is a dash."""
    if number is None:
        return "–"
    units = iter(("B", "KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = next(units)
    while abs(number) >= 1024 and (larger := next(units, None)):
        number, unit = number / 1024, larger
    return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"


def number_of(count: int, one: str, more: str) -> str:
    """Return a count with its noun: "1 folder", "1,200 folders"."""
    return f"{count:,} {one if count == 1 else more}"
