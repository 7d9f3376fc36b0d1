"""kill -9 at any moment, time and again: every run is counted once, and nothing is left behind."""

import json
import random
import signal
import time
from pathlib import Path

from tests.process.running import Running
from tests.soak.world import STANZA, World, world

_COUNTED = {"stanza": STANZA, "command": "backup", "backup_type": "full", "repo": "1", "result": "success"}


def kills(folder: Path, chance: random.Random, times: int = 40) -> str:
    """Kill it so many times, while runs go on being logged."""
    with world(folder, postgresql=False) as one:
        state = one.host.folder / "state"
        first = one.host.start()
        first.until(
            lambda: counted(first) == 0 and (state / "runs.json").exists(), "what is there is remembered"
        )
        _kill(first)
        written = sum(_one_life(one, chance) for _ in range(times))
        last = one.host.start()
        last.until(
            lambda: counted(last) == written, f"{written} runs, each counted once, not {counted(last)}"
        )
        turns = len(one.host.standin.calls)
        last.until(lambda: len(one.host.standin.calls) > turns + 4, "it goes on reading")
        assert counted(last) == written, "one was counted twice"
        json.loads((state / "runs.json").read_bytes())
        one.host.until_nothing_runs()
        left = [path.name for path in state.iterdir() if path.name != "runs.json"]
        assert not left, f"left behind by the dead: {left}"
    return f"{times} times killed, {written} runs logged meanwhile, all counted once, nothing left behind"


def counted(exporter: Running) -> float | None:
    """How many good backups it has counted."""
    return exporter.value("runs_total", **_COUNTED)


def _one_life(one: World, chance: random.Random) -> int:
    """Start one and kill it after a while; return how many runs were logged in its life."""
    exporter, written = one.host.start(), chance.randrange(4)
    for _ in range(written):
        time.sleep(chance.uniform(0, 0.6))  # noqa: TID251 - there is no event loop here
        one.turn()
    time.sleep(chance.uniform(0, 1.5))  # noqa: TID251
    _kill(exporter)
    return written


def _kill(exporter: Running) -> None:
    exporter.gets(signal.SIGKILL)
    exporter.process.wait(20)
