"""A short round of what `make soak` does for an hour: the same faults each time, and nothing leaks or lies."""

import random
import re
import time
from pathlib import Path

from tests.soak.judge import Judge
from tests.soak.soak import soaking
from tests.soak.truth import Truth
from tests.soak.world import NEWEST, world

SEED = 8
# Of the crash each scrape hears until the next reading, of what hangs perhaps none: it is ended just before that.
FAULTS = (
    "pgbackrest: crash",
    "pgbackrest: hang-ignoring-term",
    "patroni: half",
    "settings: reloads",
    "clients: idle",
    "logs: rotated",
)


def test_after_faults_all_is_as_before(tmp_path: Path) -> None:
    with (
        world(tmp_path / "host", postgresql=False) as one,
        soaking(one, random.Random(SEED), every=0.2) as soak,
    ):
        # Longer than it is from one reading to the next, so that each fault is met.
        soak.shortest, soak.longest = 1.5, 2.0
        soak.begin(FAULTS)
        for name in FAULTS[:2]:
            soak.suffer(name)
    assert soak.judge.wrong == []
    assert soak.judge.scrapes > len(FAULTS)
    assert soak.judge.seen["info good"]
    assert soak.judge.seen["info failing"]
    assert not any(one.exceeds(soak.first) for one in soak.counted if soak.first)


def test_the_judge_knows_a_stale_number_that_looks_fresh(tmp_path: Path) -> None:
    with (
        world(tmp_path / "host", postgresql=False) as one,
        soaking(one, random.Random(SEED), every=0.2) as soak,
    ):
        answer, now = soak.exporter.scrape(), time.time()
    judge = Judge(one)
    judge.judge(answer, now)
    assert judge.wrong == []
    judge.judge(answer, now + 60)
    assert words(judge) >= {
        "info: called good, but read",
        "patroni: still shown, but read",
        "backup_age_seconds is",
    }
    old, one.newest = one.newest.now, Truth(wall=lambda: 0.0)
    one.newest.becomes(old)
    one.newest.becomes("another")
    lie = Judge(one)
    lie.judge(answer, now)
    assert words(lie) == {
        f"info: {answer.value('backup_last_completion_timestamp_seconds', **NEWEST)} was no longer so"
    }


def words(judge: Judge) -> set[str]:
    """What it found wrong, without times and figures."""
    return {re.sub(r"^\S+ (.*?(?:read|is|so)) .*", r"\1", line) for line in judge.wrong}
