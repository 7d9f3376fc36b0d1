"""Durations, ratios and sizes as people write them: `26h`, `1h30m`, `80%`, `500GiB`, and back."""

import re
from decimal import Decimal

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

_LONGEST = 36500 * DAY
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_UNITS = {"w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": 1.0}
_DURATION = re.compile("".join(f"(?:{_NUMBER}{unit})?" for unit in _UNITS))
_BYTES = {
    unit: base**power
    for base, infix in ((1024, "i"), (1000, ""))
    for power, unit in ((5, f"P{infix}B"), (4, f"T{infix}B"), (3, f"G{infix}B"), (2, f"M{infix}B"))
}
_SIZE = re.compile(f"{_NUMBER} ?({'|'.join(_BYTES)})")
_PERCENT = re.compile(_NUMBER + "%")


def seconds(written: object) -> float:
    """Read a duration; raise ValueError in one line. Units go from long to short, each once.

    A bare number is refused: nobody can see whether seconds or milliseconds were meant.
    """
    if isinstance(written, int | float) and not isinstance(written, bool):
        raise ValueError(  # noqa: TRY004 – a mistake in a file, not in the program
            f"{written} has no unit: write {written}s for seconds, or use m, h, d or w"
        )
    found = _DURATION.fullmatch(written) if isinstance(written, str) else None
    if not written or found is None:
        raise ValueError(
            f"{shown(written)} is not a duration: expected a number with s, m, h, d or w, such as 30s or 8d"
        )
    parts = zip(found.groups(), _UNITS.values(), strict=True)
    total = sum(float(number) * unit for number, unit in parts if number)
    if total > _LONGEST:
        raise ValueError(f"{shown(written)} is more than a hundred years: check the number and its unit")
    return float(total)


def ratio(written: object) -> float:
    """Read a part of a whole, `80%` or `0.8`, above 0 and at most 1; raise ValueError in one line."""
    value = 0.0
    if isinstance(written, int | float) and not isinstance(written, bool) and 0 < written <= 1:
        value = float(written)
    elif isinstance(written, str) and (found := _PERCENT.fullmatch(written)):
        value = float(Decimal(found[1]) / 100)
    if not 0 < value <= 1:
        raise ValueError(
            f"{shown(written)} is not a ratio: expected more than 0% and at most 100%, such as 80% or 0.8"
        )
    return value


def size(written: object) -> float:
    """Read a number of bytes, `500GiB` or `2TB`, more than 0; raise ValueError in one line."""
    found = _SIZE.fullmatch(written) if isinstance(written, str) else None
    value = float(found[1]) * _BYTES[found[2]] if found else 0.0
    if not value:
        raise ValueError(
            f"{shown(written)} is not a size: expected a number with MiB, GiB, TiB, MB, GB or TB"
        )
    return value


def show_seconds(value: float) -> str:
    """Write seconds in a long unit that loses nothing: `24h`, `8d`, `60s`; `seconds` reads it back equal."""
    for unit, least in (("d", 2 * DAY), ("h", HOUR), ("m", 2 * MINUTE)):
        if value >= least and value % _UNITS[unit] == 0:
            return f"{value / _UNITS[unit]:.0f}{unit}"
    return _plain(Decimal(repr(value))) + "s"


def show_ratio(value: float) -> str:
    """Write a ratio as per cent; `ratio` reads it back equal."""
    return _plain(Decimal(repr(value)) * 100) + "%"


def show_size(value: float) -> str:
    """Write bytes in the largest unit that loses nothing; `size` reads it back equal."""
    for unit, factor in _BYTES.items():
        if value >= factor and value % factor == 0:
            return f"{value / factor:.0f}{unit}"
    return _plain(Decimal(repr(value)) / _BYTES["MiB"]) + "MiB"


def shown(written: object) -> str:
    """Name what somebody wrote, short enough for one line of a message."""
    if isinstance(written, str):
        text = written if len(written) <= 60 else written[:57] + "…"
        return (
            '"' + "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text) + '"'
        )
    if isinstance(written, bool):
        return str(written).lower()
    names = {dict: "a mapping", list: "a list", type(None): "an empty value"}
    return names.get(type(written)) or str(written)[:60]


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
