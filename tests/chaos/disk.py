"""A disk that is full: all goes on, the old state stays whole, and the new one is written when there is room again."""

import json
import os
import random
from pathlib import Path

from tests.chaos.kills import counted
from tests.lab.disk import small
from tests.process.running import Running
from tests.soak.soak import soaking
from tests.soak.world import world

_SIZE = "64k"


def full_disk(folder: Path, chance: random.Random) -> str:
    """Fill the disk of state_path, and empty it."""
    with world(folder, postgresql=False) as one, small(one.host.folder / "state", _SIZE) as state:
        with soaking(one, chance, every=0.3) as soak:
            written = state / "runs.json"
            soak.exporter.until(lambda: written.exists() and counted(soak.exporter) == 0, "a first state")
            _fill(state / "dump")
            for number in range(1, 6):
                one.turn()
                soak.recovers("a full disk")
                _count(soak.exporter, number)
            before = json.loads(written.read_bytes())
            assert _successes(before) < 5, "the disk was not full"
            assert len(soak.exporter.logged("no space left on device")) == 1, "it is said once"
            (state / "dump").unlink()
            soak.exporter.until(
                lambda: _successes(json.loads(written.read_bytes())) == 5, "it is written at last"
            )
            assert [path.name for path in state.iterdir()] == ["runs.json"]
        assert soak.judge.wrong == [], soak.judge.wrong
    return (
        f"5 runs counted on a full disk and written when it had room; {soak.judge.scrapes} scrapes, all whole"
    )


def _count(exporter: Running, number: int) -> None:
    exporter.until(lambda: counted(exporter) == number, f"{number} counted")


def _successes(document: dict[str, dict[str, list[dict[str, int]]]]) -> int:
    return sum(history["successes"] for history in document["ledger"]["histories"])


def _fill(dump: Path) -> None:
    with dump.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * os.sysconf("SC_PAGE_SIZE"))
        except OSError:
            return
