"""A primary and its standby: who is asked, before, while and after they change places."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from exporter.collectors.archiver import ArchiverCollector
from exporter.model.archiver import Archiving
from exporter.postgresql.complaints import ServerError
from tests.lab.postgresql import PORT
from tests.postgresql.node import Node
from tests.postgresql.pooler import Pooler, pooler
from tests.postgresql.reading import archiving, reader, until


def both(first: Node, second: Node) -> str:
    return f"host={first.socket},{second.socket} port={PORT} user=exporter target_session_attrs=any"


async def again(collector: ArchiverCollector) -> Archiving:
    """Read until a server that was just started or promoted is found."""
    for _ in range(100):
        try:
            return await archiving(collector)
        except ServerError:
            await asyncio.sleep(0.1)
    raise AssertionError("nothing is found")


@pytest.fixture
async def between(pair: tuple[Node, Node]) -> AsyncIterator[Pooler]:
    """A pooler in front of the first server."""
    async with pooler(pair[0].socket) as one:
        yield one


async def test_the_primary_is_followed_through_a_switchover_and_the_demoted_node_is_left(
    pair: tuple[Node, Node], between: Pooler
) -> None:
    """One story, in the order in which it happens to a cluster."""
    first, second = pair
    collector, turned = reader(both(first, second)), reader(both(second, first))
    for one in (collector, turned):
        found = await archiving(one)
        assert (found.server, found.role, found.timeline) == (first.name, "primary", 1)
    first.switch_wal()
    counted = (await until(collector, lambda one: one.archived >= 1)).archived

    standby = reader(second.conninfo)
    known = await standby.read()
    assert known.asked
    assert known.archiving is None, "an idle standby, which is known"
    assert await standby.read() is known

    second.leave()
    second.configure(archive_mode="always")
    second.start()
    found = await archiving(standby)
    assert (found.server, found.role, found.timeline, found.enabled) == (second.name, "standby", None, True)
    assert (await archiving(reader(both(second, first)))).server == first.name, "the primary goes before it"

    hosts = f"host=127.0.0.1,{second.socket} port={between.port},{PORT} user=exporter"
    pooled = reader(f"{hosts} sslmode=disable gssencmode=disable")
    for _ in range(2):
        assert (await archiving(pooled)).server == f"127.0.0.1:{between.port}"
    assert between.sessions == 1, "it is kept"

    first.leave()
    with pytest.raises(ServerError) as caught:
        await collector.read()
    assert str(caught.value) == (
        f"no primary found: {first.name} is not there; {second.name} is a standby: "
        "start PostgreSQL, or check host and port"
    )

    second.sql("select pg_promote()")
    found = await again(collector)
    assert (found.server, found.role, found.timeline) == (second.name, "primary", 2)
    assert found.archived == counted, "what the other one archived before is no news"

    first.demote()
    assert int(first.sql("select archived_count from pg_stat_archiver")) >= 1, "stale, and not to be shown"
    assert (await archiving(collector)).server == second.name
    assert (await archiving(reader(both(first, second)))).server == second.name
    assert (await reader(first.conninfo).read()).archiving is None
    between.renew()
    assert (await archiving(pooled)).server == second.name, "the kept session was the demoted server's"
    del pooled

    second.stop()
    first.stop()
    with pytest.raises(ServerError) as caught:
        await collector.read()
    assert str(caught.value).startswith(
        f"no primary found: {first.name} is not there; {second.name} is not there: "
    )

    first.configure(hot_standby="off")
    first.start()
    with pytest.raises(ServerError) as caught:
        await reader(first.conninfo).read()
    assert str(caught.value) == (
        f"{first.name}: the database system is not accepting connections: nothing to do here, it is asked again"
    )
