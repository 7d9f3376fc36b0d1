"""All sources read once, one after another where one builds on another: for commands that do not stay."""

import asyncio
import time
from dataclasses import replace
from typing import Any

from exporter.schedule import Collector, attempt
from exporter.settings import Settings
from exporter.snapshot import Reading, Reload, Snapshot
from exporter.sources import look_around, plan


async def read_once(settings: Settings) -> Snapshot:
    """Return what all collectors tell; one that fails says so in its reading, as it does in the exporter."""
    around = look_around(settings)
    snapshot = Snapshot(settings=settings, expected=around.expected, reload=Reload(time.time()))
    planned = plan(settings, around, lambda: snapshot)
    snapshot = replace(snapshot, off=planned.off)
    collectors = list(planned.collectors.values())
    # The others may want to know what backups there are.
    for group in (
        [one for one in collectors if one.name == "info"],
        [one for one in collectors if one.name != "info"],
    ):
        readings = await asyncio.gather(*(attempt(one, Reading()) for one in group))
        for collector, reading in zip(group, readings, strict=True):
            snapshot = _with(snapshot, collector, reading)
    return snapshot


def _with(snapshot: Snapshot, collector: Collector, reading: Reading[Any]) -> Snapshot:
    known = snapshot.readings()[collector.name]
    fields: dict[str, Any] = {collector.name: {**known, collector.stanza: reading}}
    return replace(snapshot, **fields)
