import asyncio
from contextlib import suppress

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from exporter.metrics import GROUPS
from exporter.model.info import Backups, Info, Stanza, Status
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.state import OwnMetrics, State


def state() -> State:
    snapshot = Snapshot(
        settings=Settings(), expected=Expectation(("demo",)), reload=Reload(5.0), info={"": Reading()}
    )
    return State(snapshot, ("/metrics", GROUPS), wall=lambda: 100.0)


def reading(code: int = 0) -> Reading[Info]:
    stanza = Stanza(name="demo", status=Status(code=code, message=""), backups=Backups("demo"))
    return Reading(value=Info(stanzas=(stanza,)), attempted=1.0, succeeded=1.0, took=0.1)


def scraped(one: State) -> str:
    return b"".join(one.scrape("/metrics", "application/openmetrics-text", gzip=False).pieces).decode()


async def rendered(one: State) -> None:
    """Let the state render until nothing is left to do."""
    task = asyncio.create_task(one.keep_rendering())
    for _ in range(1000):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_first_scrape_says_that_nothing_was_read_yet() -> None:
    one = state()
    await one.render_first()
    body = scraped(one)
    assert 'pgbackrest_exporter_collector_success{collector="info",stanza=""} 0' in body
    assert 'pgbackrest_stanza_expected{stanza="demo"} 1' in body
    assert "pgbackrest_stanza_ok{" not in body
    assert not one.ready


async def test_a_reading_is_served_once_it_is_rendered_whole() -> None:
    one = state()
    await one.render_first()
    one.put("info", "", reading())
    assert "pgbackrest_stanza_ok{" not in scraped(one)
    await rendered(one)
    assert 'pgbackrest_stanza_ok{stanza="demo"} 1' in scraped(one)
    assert one.ready
    assert "demo" in one.page().decode()


async def test_a_reading_of_a_collector_that_is_no_longer_planned_is_not_taken_in() -> None:
    one = state()
    one.put("info", "gone", reading())
    assert set(one.latest.info) == {""}


async def test_page_and_scrape_tell_the_same_snapshot() -> None:
    one = state()
    await one.render_first()
    one.put("info", "", reading(code=99))
    assert "has not been asked yet" in one.page().decode()
    await rendered(one)
    assert 'stanza_ok{stanza="demo"} 0' in scraped(one)
    assert "in danger" in one.page().decode()


async def test_the_whole_scrape_is_legal_openmetrics() -> None:
    one = state()
    one.put("info", "", reading())
    await rendered(one)
    families = {family.name for family in openmetrics(scraped(one))}
    assert {"pgbackrest_stanza_ok", "process_cpu_seconds", "python_info"} <= families


def test_the_metrics_of_the_process_are_collected_once_a_second() -> None:
    now = 0.0
    own = OwnMetrics(lambda: now)
    first = own.block("text")
    now = 0.9
    assert own.block("text") is first
    now = 1.1
    assert own.block("text") is not first
    assert b"process_resident_memory_bytes" in first.plain
    assert not own.block("openmetrics").plain.endswith(b"# EOF\n")
