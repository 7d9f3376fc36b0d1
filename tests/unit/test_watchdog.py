from dataclasses import dataclass, field
from typing import Any

import pytest

from exporter.metrics import GROUPS
from exporter.notify import Manager
from exporter.schedule import longest_silence
from exporter.settings import Settings
from exporter.settings.cadence import Cadence
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.state import State
from exporter.watchdog import Watchdog, status

KEY = ("info", "")


@dataclass(frozen=True)
class Source:
    """A collector that is never read here."""

    name: str = "info"
    stanza: str = ""
    settings: Cadence = field(default_factory=lambda: Cadence(every=60.0, within=60.0))

    async def read(self) -> Any:
        raise AssertionError("it was read")


@dataclass
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def state(**readings: Any) -> State:
    snapshot = Snapshot(settings=Settings(), expected=Expectation(("demo",)), reload=Reload(5.0), **readings)
    return State(snapshot, ("/metrics", GROUPS))


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def watchdog(clock: Time) -> Watchdog:
    one = Watchdog(Manager(), clock)
    one.beat(*KEY)
    return one


def test_a_collector_may_use_its_time_and_its_deadline(watchdog: Watchdog, clock: Time) -> None:
    clock.now += longest_silence(Source()) + 20
    assert watchdog.hung({KEY: Source()}, state()) == set()


def test_a_schedule_that_stands_still_is_hung_until_it_reads_again(watchdog: Watchdog, clock: Time) -> None:
    one = state()
    clock.now += longest_silence(Source()) + 31
    assert watchdog.hung({KEY: Source()}, one) == {"info"}
    watchdog.beat(*KEY)
    assert watchdog.hung({KEY: Source()}, one) == set()


def test_each_collector_has_a_time_of_its_own(watchdog: Watchdog, clock: Time) -> None:
    slow = Source("repository", "main", Cadence(every=900.0, within=600.0))
    watchdog.beat("repository", "main")
    clock.now += 1000
    running = {KEY: Source(), ("repository", "main"): slow}
    assert watchdog.hung(running, state()) == {"info"}
    clock.now += 1000
    assert watchdog.hung(running, state()) == {"info", "repository main"}


def test_a_collector_that_was_taken_away_is_not_waited_for(watchdog: Watchdog, clock: Time) -> None:
    clock.now += 10_000
    assert watchdog.hung({}, state()) == set()


def test_what_is_known_and_not_served_is_a_hang_of_the_rendering(watchdog: Watchdog, clock: Time) -> None:
    one = state()
    assert watchdog.hung({}, one) == set()
    one.change(reload=Reload(6.0))
    clock.now += 29
    assert watchdog.hung({}, one) == set()
    clock.now += 2
    assert watchdog.hung({}, one) == {"rendering"}


async def test_rendering_that_lags_behind_and_goes_on_is_no_hang(watchdog: Watchdog, clock: Time) -> None:
    one = state()
    for _ in range(5):
        assert watchdog.hung({}, one) == set()
        await one.render_first()
        one.change(reload=Reload(6.0))
        clock.now += 25
    assert watchdog.hung({}, one) == set()


GOOD: Reading[Any] = Reading(attempted=1.0, succeeded=1.0)
BAD: Reading[Any] = Reading(attempted=2.0, error="no\nroute")


def test_the_status_is_one_line_of_words() -> None:
    assert status(state(info={"": Reading()}).latest) == (
        "0 stanzas; 1 of 1 collector reading for the first time"
    )
    assert status(state(info={"": GOOD}, archiver={"a": GOOD}).latest) == "0 stanzas; 2 collectors working"
    assert status(state(info={"": GOOD}, archiver={"a": BAD}).latest) == (
        "0 stanzas; 1 of 2 collectors failing: archiver a"
    )


def test_the_status_names_some_of_many() -> None:
    many = {f"s{number}": BAD for number in range(9)}
    words = status(state(archiver=many).latest)
    assert words.startswith("0 stanzas; 9 of 9 collectors failing: archiver s0, ")
    assert words.endswith("archiver s4 …")
