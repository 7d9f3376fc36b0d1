"""What becomes of a server's answers; tests/postgresql asks real servers."""

import math
from typing import Any

import pytest

from exporter.collectors.archiver import ArchiverCollector, Counts
from exporter.model.archiver import Archiving
from exporter.model.info import Archive, Backups, Database, Info, Stanza, Status
from exporter.model.patroni import Cluster, Member, Topology
from exporter.postgresql.primary import Found
from exporter.postgresql.server import Server
from exporter.settings import Archiver as Settings
from exporter.settings import Settings as AllSettings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from tests.unit.postgresql.answers import ROW, answer

NOW: float = ROW["now"]


def told(collector: ArchiverCollector, ahead: float, *, took: float = 0.002, **columns: Any) -> Archiving:
    """Return what the collector makes of an answer of a server whose clock is so many seconds *ahead*."""
    found = Found(
        Server(name="pg1:5432", conninfo=""),
        answer(**columns),
        asked=columns.get("now", NOW) - ahead,
        took=took,
    )
    return collector._told(found)


@pytest.fixture
def collector() -> ArchiverCollector:
    return ArchiverCollector(settings=Settings(), stanza="main")


WAITING: dict[str, Any] = {"ready_segments": 1, "oldest_ready": NOW - 100, "first_ready": "0000000000000004"}


def test_a_skew_below_a_second_moves_no_time(collector: ArchiverCollector) -> None:
    found = {told(collector, ahead, **WAITING) for ahead in (0.0, 0.4, -0.7, 0.99)}
    assert {(one.clock_skew, one.oldest_ready) for one in found} == {(0.0, NOW - 100)}
    assert len(found) == 1, "the same facts"


def test_times_are_by_the_exporters_clock(collector: ArchiverCollector) -> None:
    ahead = told(collector, 3600.3, **WAITING, last_failed=NOW - 90)
    assert ahead.clock_skew == 3600
    assert ahead.oldest_ready == NOW - 100 - 3600
    assert ahead.last_failed == NOW - 90 - 3600
    assert ahead.failing, "judged by the server's own times"


def test_a_skew_is_moved_only_where_it_surely_changed(collector: ArchiverCollector) -> None:
    skews = [told(collector, ahead).clock_skew for ahead in (5.3, 4.8, 5.9, 6.2, 6.1, 0.4)]
    assert skews == [5, 5, 5, 6, 6, 0]


def test_a_slow_answer_is_no_skew(collector: ArchiverCollector) -> None:
    assert told(collector, 1.4, took=3.0).clock_skew == 0
    assert told(collector, 2.6, took=3.0).clock_skew == 3


def test_counts_begin_with_the_first_look() -> None:
    counts = Counts()
    counts.add(answer(archived_count=500, failed_count=7))
    assert (counts.archived, counts.failures) == (0, 0)
    counts.add(answer(archived_count=503, failed_count=8))
    assert (counts.archived, counts.failures) == (3, 1)


def test_counts_do_not_jump_at_a_failover_and_go_on_when_it_comes_back() -> None:
    counts = Counts()
    counts.add(answer(archived_count=500))
    counts.add(answer(archived_count=90_000, stats_reset=1_400_000_000.0))
    assert counts.archived == 0
    counts.add(answer(archived_count=90_001, stats_reset=1_400_000_000.0))
    counts.add(answer(archived_count=502))
    assert counts.archived == 3


def test_what_was_counted_since_a_reset_that_was_watched_counts() -> None:
    counts = Counts()
    counts.add(answer(archived_count=500))
    counts.add(answer(archived_count=4, now=NOW + 15, stats_reset=NOW + 5))
    assert counts.archived == 4


def test_counts_that_fell_without_a_reset_do_not_fall() -> None:
    counts = Counts()
    for archived in (500, 510, 3, 5):
        counts.add(answer(archived_count=archived))
    assert counts.archived == 12


def test_only_some_servers_are_remembered() -> None:
    counts = Counts()
    for number in range(100):
        counts.add(answer(stats_reset=float(number)))
    assert len(counts._seen) == 16


async def test_without_a_connection_and_a_spool_it_knows_nothing(collector: ArchiverCollector) -> None:
    found = await collector.read()
    assert (found.asked, found.archiving, found.spool_errors) == (False, None, None)
    assert await collector.read() is found


def test_a_hindrance_is_told(collector: ArchiverCollector) -> None:
    assert told(collector, 0.0).enabled
    assert not told(collector, 0.0, command="/bin/true").enabled
    assert math.isfinite(told(collector, 0.0).position)


SIZE = 1 << 24


def seen(
    position: int | None,
    *newest: str | None,
    timeline: int = 1,
    role: str = "leader",
    size: int | None = SIZE,
) -> Snapshot:
    """Return what others found: the leader's position, and the newest segment of each repository."""
    archives = tuple(
        Archive(database_id=1, repo=repo, oldest=name, newest=name, wal_segment_size=size)
        for repo, name in enumerate(newest, start=1)
    )
    databases = tuple(Database(id=1, repo=one.repo, version="15", system_id=1) for one in archives)
    stanza = Stanza(
        name="main",
        status=Status(code=0, message=""),
        databases=databases,
        archives=archives,
        backups=Backups("main"),
    )
    members = (Member(name="pg1", role=role, state="running"),)
    topology = Topology(dcs_reachable=True, has_leader=True, leader="pg1", members=members, timeline=timeline)
    cluster = Cluster(topology=topology, leader_position=position)
    return Snapshot(
        settings=AllSettings(),
        expected=Expectation(),
        reload=Reload(0.0),
        info={"": Reading(value=Info(stanzas=(stanza,)), attempted=1.0)},
        patroni={"main": Reading(value=cluster, attempted=1.0)},
    )


async def behind(*snapshots: Snapshot) -> list[float | None]:
    """Read once for each snapshot, 15 seconds apart from 1000 on."""
    now, current = 985.0, snapshots[0]
    collector = ArchiverCollector(
        settings=Settings(), stanza="main", latest=lambda: current, wall=lambda: now
    )
    found = []
    for one in snapshots:
        now, current = now + 15, one
        found.append((await collector.read()).behind)
    return found


NINE, TEN = "000000010000000000000009", "00000001000000000000000A"


async def test_without_a_connection_a_complete_segment_that_is_not_listed_waits() -> None:
    inside, beyond = seen(10 * SIZE + 5, NINE), seen(11 * SIZE + 5, NINE)
    archived = seen(11 * SIZE + 5, TEN)
    assert await behind(inside, beyond, beyond, archived) == [None, 1015, 1015, None]


async def test_a_repository_that_lags_behind_the_others_counts() -> None:
    assert await behind(seen(11 * SIZE, TEN, NINE)) == [1000]


async def test_a_segment_of_an_older_timeline_counts_and_a_stray_one_tells_nothing() -> None:
    assert await behind(seen(11 * SIZE, NINE, timeline=2)) == [1000]
    assert await behind(seen(11 * SIZE, "000000020000000000000009")) == [None]


@pytest.mark.parametrize(
    "unknown",
    [
        seen(None, NINE),
        seen(99 * SIZE),
        seen(99 * SIZE, None),
        seen(99 * SIZE, NINE, size=None),
        seen(99 * SIZE, NINE, role="standby_leader"),
    ],
    ids=["no position", "no archive", "an empty archive", "no segment size", "a standby cluster"],
)
async def test_what_is_not_known_is_no_lag(unknown: Snapshot) -> None:
    assert await behind(unknown) == [None]
