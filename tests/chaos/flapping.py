"""PostgreSQL and Patroni that come and go, faster than they are asked."""

import random
import time
from pathlib import Path

from tests.soak.faults import FAULTS, befalls
from tests.soak.soak import soaking
from tests.soak.world import world

_NAMES = [name for name in sorted(FAULTS) if name.startswith(("patroni", "postgresql"))]


def flapping(folder: Path, chance: random.Random, seconds: float = 90) -> str:
    """Let them flap for so long."""
    times, end = 0, time.monotonic() + seconds
    with world(folder, postgresql=True) as one, soaking(one, chance, every=0.2) as soak:
        soak.begin(_NAMES)
        while time.monotonic() < end:
            times += 1
            with befalls(chance.choice(_NAMES), one, soak.exporter, chance):
                time.sleep(chance.uniform(0.1, 2.5))  # noqa: TID251 - there is no event loop here
        one.turn()
        soak.recovers("all that")
        soak.count()
    assert soak.judge.wrong == [], soak.judge.wrong
    return (
        f"{times} times in {seconds:.0f} s, all well {soak.slowest_recovery:.1f} s after; "
        f"{soak.judge.scrapes} scrapes, none failed or lied, no counter fell, nothing leaked"
    )
