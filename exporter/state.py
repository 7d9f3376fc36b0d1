"""The one place where what is known changes: the current snapshot, and what is served of it."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter import page
from exporter.exposition import Block, Body, Exposition, Format
from exporter.snapshot import Reading, Snapshot
from exporter.table import Group, Renderer
from exporter.turns import TURNS

Table = tuple[str, Sequence[Group[Any]]]
"""A telemetry path and the metrics that are served there."""


class State:
    """Takes readings in, and serves the last snapshot that was rendered whole."""

    def __init__(self, snapshot: Snapshot, *tables: Table, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._latest = snapshot
        self._renderers = {path: Renderer(groups) for path, groups in tables}
        self._changed = asyncio.Event()
        self._own = OwnMetrics()
        self._served = snapshot
        self._expositions = {path: Exposition() for path, _ in tables}

    @property
    def telemetry_paths(self) -> tuple[str, ...]:
        """Where metrics are served, the exporter's own table first."""
        return tuple(self._renderers)

    @property
    def latest(self) -> Snapshot:
        """All that is known, rendered or not yet."""
        return self._latest

    @property
    def served(self) -> Snapshot:
        """All that was known when what is served was rendered."""
        return self._served

    @property
    def ready(self) -> bool:
        """Whether every collector has made its first attempt and what it found is served."""
        readings = [one for by_stanza in self._served.readings().values() for one in by_stanza.values()]
        return bool(readings) and all(reading.attempted is not None for reading in readings)

    def put(self, collector: str, stanza: str, reading: Reading[Any]) -> None:
        """Take in a reading, if its collector is still one of the plan's."""
        known: Mapping[str, Reading[Any]] = getattr(self._latest, collector)
        if stanza in known:
            self.change(**{collector: {**known, stanza: reading}})

    def change(self, **fields: Any) -> None:
        """Replace *fields* of the snapshot."""
        self._latest = replace(self._latest, **fields)
        self._changed.set()

    async def render_first(self) -> None:
        """Render what is known before anything was read, so that the first scrape is answered."""
        await self._render()

    async def keep_rendering(self) -> None:
        """Render each change for ever; changes that come meanwhile are rendered together."""
        while True:
            await self._changed.wait()
            await self._render()

    async def _render(self) -> None:
        self._changed.clear()
        snapshot, work = self._latest, TURNS.work()
        made: dict[str, Exposition] = {}
        for path, renderer in self._renderers.items():
            slices = renderer.render(snapshot)
            while path not in made:
                try:
                    next(slices)
                except StopIteration as done:
                    made[path] = done.value
                else:
                    await work.pause()
        self._served, self._expositions = snapshot, made

    def scrape(self, path: str, accept: str, gzip: bool) -> Body:
        """Answer a scrape of one of the telemetry paths."""
        return self._expositions[path].body(accept, gzip=gzip, now=self._wall(), own=self._own.block)

    def page(self) -> bytes:
        """Return the status page."""
        return page.render(self._served, now=self._wall(), telemetry_path=self.telemetry_paths[0]).encode()


class OwnMetrics:
    """The metrics of the process itself, a second old at most: collecting them costs more than a small scrape."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._made: dict[Format, tuple[float, Block]] = {}

    def block(self, format_: Format) -> Block:
        """Return the metrics in *format_*."""
        made = self._made.get(format_)
        if made is None or self._elapsed() - made[0] >= 1.0:
            encode = generate_openmetrics if format_ == "openmetrics" else generate_latest
            plain = encode(self._registry).removesuffix(b"# EOF\n")
            made = self._made[format_] = self._elapsed(), Block.of(plain)
        return made[1]
