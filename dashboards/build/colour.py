"""The colours, all told apart by colour-blind eyes (after Paul Tol's schemes). Three of them mean a state."""

from typing import Any, Final

Json = dict[str, Any]

OK: Final = "#009988"
WARNING: Final = "#C98B00"  # dark enough for the white letters on it
CRITICAL: Final = "#CC3311"
UNKNOWN: Final = "#8C8C8C"

# These tell things apart and judge nothing.
BLUE: Final = "#4393E5"
CYAN: Final = "#66CCEE"
PURPLE: Final = "#AA7DCE"
SAND: Final = "#B8A38A"
ROSE: Final = "#E58FB1"

TYPES: Final = {"full": BLUE, "diff": CYAN, "incr": PURPLE}
LEVELS: Final = (OK, WARNING, CRITICAL)


def fixed(colour: str) -> Json:
    """Return a field's colour that no value changes."""
    return {"mode": "fixed", "fixedColor": colour}


def steps(*found: tuple[float | None, str]) -> Json:
    """Return thresholds: from each value on its colour; the first has no value."""
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in found]}


def plain() -> Json:
    """Return thresholds that judge nothing: without any, Grafana adds its own at 80."""
    return steps((None, BLUE))


def counted(bad: float) -> Json:
    """Return thresholds of a count that should be none; what nobody counted is not green."""
    return steps((None, UNKNOWN), (0, OK), (bad, CRITICAL))


def words(*found: tuple[float, str, str]) -> list[Json]:
    """Return a value mapping: for each value its word and colour."""
    options = {
        f"{value:g}": {"text": text, "color": colour, "index": index}
        for index, (value, text, colour) in enumerate(found)
    }
    return [{"type": "value", "options": options}]


def levels(ok: str = "ok", warning: str = "warning", critical: str = "critical") -> list[Json]:
    """Return the mapping of 0, 1 and 2."""
    return words((0, ok, OK), (1, warning, WARNING), (2, critical, CRITICAL))
