"""The scale of verdicts, and a finding: a verdict with its reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from exporter.settings import OFF, Threshold

Verdict = Literal["ok", "unknown", "warning", "critical"]
_RANK: tuple[Verdict, ...] = ("ok", "unknown", "warning", "critical")
SIGN: Mapping[Verdict, str] = {"ok": "✓", "unknown": "?", "warning": "!", "critical": "✗"}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of *verdicts*, unknown when there are none."""
    return max(verdicts, key=_RANK.index, default="unknown")


def worst_first(verdict: Verdict) -> int:
    """Return a key that sorts the worst to the top."""
    return -_RANK.index(verdict)


def against(value: float, threshold: Threshold) -> Verdict:
    """Judge a signal of which more is worse."""
    return "critical" if value > threshold.critical else "warning" if value > threshold.warning else "ok"


def below(value: float, threshold: Threshold) -> Verdict:
    """Judge a signal of which less is worse; infinity is off."""
    if threshold.critical < OFF and value < threshold.critical:
        return "critical"
    return "warning" if threshold.warning < OFF and value < threshold.warning else "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know, in a whole sentence of plain text."""

    verdict: Verdict
    words: str
