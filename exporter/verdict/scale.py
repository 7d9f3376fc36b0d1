"""The scale of verdicts, and a finding: a verdict with its reason in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from exporter.settings import Threshold

Verdict = Literal["ok", "unknown", "warning", "critical"]
_RANK: tuple[Verdict, ...] = ("ok", "unknown", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know, as a whole sentence."""

    verdict: Verdict
    words: str


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
    """Judge a signal of which less is worse; a threshold of infinity is off."""
    if value < threshold.critical < float("inf"):
        return "critical"
    return "warning" if value < threshold.warning < float("inf") else "ok"
