import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

import pytest

from exporter.schedule import Clock, attempt, keep
from exporter.settings.cadence import Cadence
from exporter.snapshot import PartlyReadError, Reading

PATIENT = Cadence(every=60.0, within=60.0, stale_after=10_000.0)


class EndError(Exception):
    """The script of a test has come to its end."""


@dataclass
class Time:
    """A clock that stands still but for sleeping and what a test adds."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)
    naps: int = 5

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        if len(self.slept) == self.naps:
            raise EndError

    @property
    def clock(self) -> Clock:
        return Clock(wall=lambda: self.now, elapsed=lambda: self.now, sleep=self.sleep)


@dataclass
class Scripted:
    """A collector that gives, or raises, one thing after the other."""

    script: list[Any]
    time: Time = field(default_factory=Time)
    takes: float = 0.0
    name: str = "info"
    stanza: str = ""
    settings: Cadence = field(default_factory=lambda: Cadence(every=60.0, within=60.0, stale_after=100.0))

    async def read(self) -> Any:
        self.time.now += self.takes
        value = self.script.pop(0)
        if isinstance(value, BaseException):
            raise value
        return value


async def published(collector: Scripted) -> list[Reading[Any]]:
    readings: list[Reading[Any]] = []
    collector.time.naps = len(collector.script)
    with pytest.raises(EndError):
        await keep(collector, lambda _name, _stanza, reading: readings.append(reading), collector.time.clock)
    return readings


async def test_a_failure_keeps_the_last_value_and_says_why() -> None:
    good, bad = await published(Scripted(["facts", OSError("the disk is gone")]))
    assert (good.value, good.success, good.errors) == ("facts", True, 0)
    assert (bad.value, bad.success, bad.errors, bad.error) == ("facts", False, 1, "the disk is gone")
    assert (bad.succeeded, bad.attempted) == (1000.0, 1060.0)


async def test_a_value_is_dropped_when_it_is_older_than_stale_after() -> None:
    readings = await published(Scripted(["facts", OSError("x"), OSError("x"), OSError("x"), "new"]))
    assert [reading.value for reading in readings] == ["facts", "facts", None, None, "new"]
    assert readings[-1].errors == 3


async def test_an_error_without_words_is_called_by_its_name() -> None:
    reading = await attempt(Scripted([ValueError()]), Reading(), Time().clock)
    assert reading.error == "ValueError after 0s"


async def test_cancellation_passes_through() -> None:
    with pytest.raises(asyncio.CancelledError):
        await attempt(Scripted([asyncio.CancelledError()]), Reading(), Time().clock)


@pytest.mark.parametrize(("takes", "slept"), [(0, [60, 60]), (10, [50, 50]), (70, [50, 50]), (60, [60, 60])])
async def test_readings_keep_to_their_grid_and_skip_what_they_missed(
    takes: float, slept: list[float]
) -> None:
    collector = Scripted(["a", "b"], takes=takes)
    await published(collector)
    assert collector.time.slept == slept


async def test_only_a_change_of_outcome_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    script = ["a", "b", OSError("x"), OSError("x"), OSError("y"), "c"]
    await published(Scripted(script, settings=PATIENT))
    assert [(record.message, getattr(record, "error", None)) for record in caplog.records] == [
        ("reading works", None),
        ("reading failed", "x"),
        ("reading failed", "y"),
        ("reading works", None),
    ]


async def test_a_reader_that_forgot_its_deadline_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.schedule._MARGIN", 0.0)

    @dataclass
    class Stuck(Scripted):
        async def read(self) -> Any:
            await asyncio.get_running_loop().create_future()

    reading = await attempt(Stuck([], settings=Cadence(every=60.0, within=0.01)), Reading())
    assert reading.error == "TimeoutError after 0s"


async def test_a_reading_that_failed_in_part_brings_its_values_and_its_words() -> None:
    words = "repository 2: it is down"
    script = [{"1": 1, "2": 1}, *[PartlyReadError(words, {"1": number}) for number in range(2, 6)]]
    readings = await published(Scripted(script))
    assert [reading.value for reading in readings[1:]] == [{"1": number} for number in range(2, 6)]
    assert {(reading.error, reading.success) for reading in readings[1:]} == {(words, False)}
    assert [reading.errors for reading in readings] == [0, 1, 2, 3, 4]
    assert readings[-1].value is not None, "what is read anew each time never grows stale"
