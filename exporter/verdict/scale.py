"""The scale of verdicts."""

from collections.abc import Iterable
from typing import Literal

from exporter.settings import Threshold

Verdict = Literal["ok", "unknown", "warning", "critical"]
_RANK: tuple[Verdict, ...] = ("ok", "unknown", "warning", "critical")


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of *verdicts*, unknown when there are none."""
    return max(verdicts, key=_RANK.index, default="unknown")


def worst_first(verdict: Verdict) -> int:
    """Return a key that sorts the worst to the top."""
    return -_RANK.index(verdict)


def against(value: float, threshold: Threshold) -> Verdict:
    """Judge a signal of which more is worse."""
    return "critical" if value > threshold.critical else "warning" if value > threshold.warning else "ok"
