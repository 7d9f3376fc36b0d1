"""A clock that jumps, by libfaketime: readings go on, ages follow the clock, and what is stale stays stale."""

import random
import time
from pathlib import Path

from tests.process.running import Running
from tests.soak.world import NEWEST, World, world

_LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
_DAY = 86_400.0
_NEAR = 60.0


def clock_jumps(folder: Path, chance: random.Random) -> str:
    """Jump a day ahead, two back, an hour while pgbackrest fails, and home."""
    with world(folder, postgresql=False) as one:
        clock = one.host.writes("clock", "+0\n")
        one.host.variables |= {
            "LD_PRELOAD": _library(), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        exporter = one.host.start().until_ready()
        jumps = [_DAY, -_DAY, *(round(chance.uniform(-3, 3) * _DAY) for _ in range(4)), 0.0]
        for jump in jumps:
            _jump(one, exporter, jump)
        assert exporter.collector("errors_total") == 0, "no jump spoilt a reading"
        _stale_stays_stale(one, exporter)
    return f"{len(jumps)} jumps of up to 3 days and one while pgbackrest failed: no reading lost, none kept too long"


def _jump(one: World, exporter: Running, by: float) -> None:
    """Set the clock; the next readings are of the new time, and so is the age."""
    one.host.writes("clock", f"{by:+.0f}\n")
    exporter.until(lambda: _read_at(exporter, by), f"a reading at {by:+.0f} s")
    calls = len(one.host.standin.calls)
    exporter.until(lambda: len(one.host.standin.calls) > calls + 3, "it goes on reading")
    exporter.until(lambda: _read_at(exporter, by) and exporter.works(), "and works")
    stop = exporter.value("backup_last_completion_timestamp_seconds", **NEWEST) or 0
    age = exporter.value("backup_age_seconds", **NEWEST) or 0
    assert abs(age - max(0.0, time.time() + by - stop)) < _NEAR, (age, by)
    assert exporter.value("stanza_ok", stanza="demo") == 1


def _read_at(exporter: Running, by: float) -> bool:
    last = exporter.collector("last_success_timestamp_seconds") or 0
    return abs(last - time.time() - by) < _NEAR


def _stale_stays_stale(one: World, exporter: Running) -> None:
    """A clock set back an hour makes nothing young again."""
    one.host.standin.behaves("silent")
    exporter.until(lambda: exporter.fails(2), "pgbackrest fails")
    one.host.writes("clock", "-3600\n")
    exporter.until(lambda: exporter.value("stanza_ok", stanza="demo") is None, "what is too old is dropped")
    one.host.standin.behaves("")
    exporter.until(exporter.works, "it works again")
    assert exporter.value("stanza_ok", stanza="demo") == 1


def _library() -> str:
    found = [path for folder in _LIBRARIES for path in Path(folder).glob("**/libfaketime.so.1")]
    assert found, "libfaketime is not installed: apt-get install faketime"
    return str(found[0])
