"""What one reading of PostgreSQL's archiving costs: over the kept connection, and when the primary is looked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from exporter.collectors.archiver import ArchiverCollector
from exporter.settings import Archiver
from tests.bench.cost import READINGS, cpu
from tests.lab.postgresql import PORT
from tests.lab.site import Site
from tests.postgresql.node import Node, role


def archiver_cpu(readings: int = READINGS) -> Iterator[tuple[str, float]]:
    """Readings of a real server, which is throw-away."""
    with Site() as site:
        node = Node("bench", site)
        node.make()
        node.sql(role())
        others = f"host=127.0.0.1,127.0.0.1,{node.socket} port=1,1,{PORT} user=exporter"
        for title, conninfo in (("archiver", node.conninfo), ("archiver, third of three hosts", others)):
            yield title, asyncio.run(_kept(conninfo, readings))
        yield "archiver, looking for the primary of three hosts", asyncio.run(_found_anew(others, readings))


def _collector(conninfo: str) -> ArchiverCollector:
    return ArchiverCollector(settings=Archiver(), stanza="main", conninfo=conninfo)


async def _kept(conninfo: str, readings: int) -> float:
    return await cpu(_collector(conninfo).read, readings)


async def _found_anew(conninfo: str, readings: int) -> float:
    async def read() -> None:
        await _collector(conninfo).read()

    return await cpu(read, readings)
