"""Readings of the archiver as the exporter makes them, and waiting for what they tell."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from exporter.collectors.archiver import ArchiverCollector
from exporter.model.archiver import Archiving
from exporter.settings import Archiver as Settings


def reader(conninfo: str, within: float = 15.0) -> ArchiverCollector:
    """Return a collector with the usual settings."""
    return ArchiverCollector(settings=Settings(within=within), stanza="main", conninfo=conninfo)


async def archiving(collector: ArchiverCollector) -> Archiving:
    """Read once; there must be a server that archives."""
    found = (await collector.read()).archiving
    assert found is not None
    return found


async def until(
    collector: ArchiverCollector, holds: Callable[[Archiving], Any], within: float = 20
) -> Archiving:
    """Read until *holds* is true of what was read."""
    deadline = time.monotonic() + within
    while not holds(found := await archiving(collector)):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
    return found
