"""Scrapes of several servers in one interleaved run, and what each of them cost."""

from __future__ import annotations

import contextlib
import gc
import itertools
import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.client import Body, Connection, Lines
from tests.bench.servers import Server

MODES = ("plain", "gzip")


@contextlib.contextmanager
def steady_clock() -> Iterator[None]:
    """No garbage collection of the measuring process within a measured time."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass
class Scrapes:
    """Seconds of each scrape, CPU seconds of the server for each, bytes on the wire."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    size: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, math.ceil(len(ordered) * 0.99) - 1)]

    @property
    def cpu_each(self) -> float:
        return statistics.fmean(self.cpu)


def copy_for_nginx(server: Server, www: Path) -> None:
    """The exporter's own bytes, plain and compressed, as the files that nginx serves."""
    connection = Connection(server.address, server.path)
    for mode, name in zip(MODES, ("metrics", "metrics.gz"), strict=True):
        body = Body()
        connection.get(compressed=mode == "gzip", sink=body)
        (www / name).write_bytes(body.data)
    connection.close()


class Lane:
    """One server in the interleaved run: its connection, and what its scrapes took.

    What its CPU clock shows between the starts of two of its scrapes belongs to the former, so work behind the
    last byte counts too.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.found = {mode: Scrapes() for mode in MODES}
        self.spent = 0.0
        self._link = Connection(server.address, server.path)
        for mode in MODES:
            self._link.get(compressed=mode == "gzip")
        self._last: Scrapes | None = None
        self._clock = server.cpu()

    def scrape(self, mode: str) -> None:
        """Scrapes once."""
        self._charge()
        answer = self._link.get(compressed=mode == "gzip")
        self._last = self.found[mode]
        self._last.seconds.append(answer.seconds)
        self._last.size = answer.size
        self.spent += answer.seconds

    def _charge(self) -> None:
        clock = self.server.cpu()
        if self._last is not None:
            self._last.cpu.append(clock - self._clock)
        self._clock = clock

    def finish(self) -> dict[str, Scrapes]:
        """Closes the connection; what was found."""
        self._charge()
        self._link.close()
        return self.found


def side_by_side(
    servers: Sequence[Server], guest: Server | None, budget: float, at_least: int
) -> dict[str, dict[str, Scrapes]]:
    """Scrapes `servers` in turn, plain and compressed, until `budget` seconds have gone and each had `at_least`.

    The `guest`, slower by far, joins the rounds while it has taken less than half of the time; three times at least.
    """
    lanes = [Lane(server) for server in servers]
    extra = Lane(guest) if guest else None
    began = time.perf_counter()
    with steady_clock():
        for rounds in itertools.count():
            elapsed = time.perf_counter() - began
            few = rounds < at_least or (extra is not None and len(extra.found["gzip"].seconds) < 3)
            if elapsed > budget and not few:
                break
            joined = [extra] if extra and extra.spent <= elapsed / 2 else []
            for mode, lane in itertools.product(MODES, (*lanes, *joined)):
                lane.scrape(mode)
    return {lane.server.name: lane.finish() for lane in (*lanes, *([extra] if extra else []))}


def calm(server: Server, repeats: int) -> tuple[dict[str, float], int]:
    """The median of scrapes without collections, counted as `under_load` counts, and the lines of one."""
    link = Connection(server.address, server.path)
    found: dict[str, list[float]] = {mode: [] for mode in MODES}
    lines = 0
    with steady_clock():
        for _ in range(repeats):
            counter = Lines()
            found["plain"].append(link.get(sink=counter).seconds)
            found["gzip"].append(link.get(compressed=True, sink=Body()).seconds)
            lines = counter.count
    link.close()
    return {mode: statistics.median(seconds) for mode, seconds in found.items()}, lines
