"""Patroni through a running exporter: what is seen, and that its failure is its own."""

import asyncio
import queue
import threading
from collections.abc import Iterator

import pytest

from tests.process.host import Host
from tests.process.running import Running
from tests.unit.patroni.answering import Member, member

PASSWORD = "word-for-patroni"
VERSION = "4.1.5"


@pytest.fixture
def pg1() -> Iterator[Member]:
    """A member with a healthy cluster, in a thread of its own."""
    told: queue.Queue[tuple[Member, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def serve() -> None:
        done = asyncio.Event()
        async with member() as one:
            one.tells(VERSION, "switched")
            told.put((one, asyncio.get_running_loop(), done))
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    one, loop, done = told.get(timeout=30)
    try:
        yield one
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


@pytest.fixture
def watching(host: Host, pg1: Member) -> Running:
    """An exporter that has read it once."""
    password = host.writes("password", PASSWORD)
    host.sets(
        stanzas={"demo": {"patroni": [pg1.url]}},
        patroni={"every": "1s", "within": "1s", "username": "exporter", "password_file": str(password)},
    )
    exporter = host.start("--log.level=debug").until_ready()
    assert succeeds(exporter, "patroni", "demo")
    return exporter


def succeeds(exporter: Running, collector: str, stanza: str) -> bool:
    return exporter.value("exporter_collector_success", collector=collector, stanza=stanza) == 1


def test_a_cluster_is_seen(watching: Running) -> None:
    scrape = watching.scrape()
    assert scrape.value("patroni_has_leader", stanza="demo") == 1
    assert scrape.value("patroni_timeline", stanza="demo") == 2
    assert scrape.value("patroni_leader_info", stanza="demo", member="pg2") == 1
    assert scrape.value("patroni_members", stanza="demo", role="replica", state="streaming") == 2


def test_another_leader_replaces_the_first(watching: Running, pg1: Member) -> None:
    pg1.tells(VERSION, "failed_over")
    watching.until(
        lambda: watching.value("patroni_leader_info", stanza="demo", member="pg2") is None, "it is seen"
    )
    assert watching.value("patroni_leader_info", stanza="demo", member="pg3") == 1


@pytest.mark.parametrize("answer", [503, b"<html>", b'{"members": [{"na', b"", None])
def test_a_patroni_that_fails_fails_alone_and_comes_back(
    watching: Running, pg1: Member, answer: bytes | int | None
) -> None:
    pg1.answers = {} if answer is None else {"/cluster": answer, "/patroni": answer}
    watching.until(lambda: not succeeds(watching, "patroni", "demo"), "it fails")
    assert succeeds(watching, "info", "")
    assert watching.value("patroni_has_leader", stanza="demo") == 1, "what was known stays for a while"
    assert watching.logged(
        'msg="reading failed" collector=patroni stanza=demo error="Patroni cannot be asked'
    )
    pg1.tells(VERSION, "switched")
    watching.until(lambda: succeeds(watching, "patroni", "demo"), "it works again")
    assert PASSWORD not in watching.log + watching.page + watching.scrape().text
