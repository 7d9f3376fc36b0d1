"""Short rounds of what `make chaos` does at length: the same each time."""

import random
from pathlib import Path

from tests.chaos.crowd import crowd
from tests.chaos.kills import kills

SEED = 8


def test_killed_at_any_moment_it_counts_each_run_once(tmp_path: Path) -> None:
    assert "3 times killed" in kills(tmp_path / "host", random.Random(SEED), times=3)


def test_a_crowd_keeps_no_scrape_out(tmp_path: Path) -> None:
    assert "none failed" in crowd(tmp_path / "host", random.Random(SEED), clients=150)
