"""The backups of an invented stanza."""

import math
import time
from dataclasses import dataclass
from functools import cache

HOUR = 3600
DAY = 24 * HOUR
WEEK = 7 * DAY
GB = 1024**3


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of the schedule: a full on Sundays, else a diff a day, with incrs every six hours."""

    start: int
    duration: int
    type: str
    label: str
    prior: str
    size: float
    share: float

    @property
    def stop(self) -> int:
        return self.start + self.duration


def wave(second: float, period: float, phase: float = 0.0) -> float:
    """Between 0 and 1."""
    return 0.5 + 0.5 * math.sin(2 * math.pi * (second / period + phase))


@cache
def schedule(index: int, repo: int, until: int, days: int) -> tuple[Backup, ...]:
    """The backups of the last *days* days, oldest first."""
    found: list[Backup] = []
    full = diff = ""
    first = until - until % DAY - days * DAY
    first -= (first // DAY + 4) % 7 * DAY  # begins on a Sunday
    for midnight in range(first, until + 1, DAY):
        for slot in (1, 7, 13, 19):
            sunday = (midnight // DAY + 4) % 7 == 0
            type_ = "incr" if slot > 1 else "full" if sunday else "diff"
            if repo == 2 and type_ == "incr":
                continue
            start = midnight + slot * HOUR + index * 420 + repo * 1800
            stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(start))
            label = f"{stamp}F" if type_ == "full" else f"{full}_{stamp}{type_[0].upper()}"
            prior = {"full": "", "diff": full, "incr": diff or full}[type_]
            took = {"full": 5400, "diff": 1300, "incr": 300}[type_] * (
                0.7 + 0.6 * wave(start, 11 * DAY, index / 5)
            )
            share = {"full": 1.0, "diff": 0.07, "incr": 0.012}[type_] * (
                0.7 + 0.5 * wave(start, 3 * DAY, index / 3)
            )
            size = (120 + 90 * index) * GB * (1 + 0.004 * ((start - 1.7e9) / WEEK))
            found.append(
                Backup(start, int(took * (1 + index / 4)), type_, label, prior, size, min(1.0, share))
            )
            full = label if type_ == "full" else full
            diff = label if type_ in {"full", "diff"} else diff
    return tuple(found)
