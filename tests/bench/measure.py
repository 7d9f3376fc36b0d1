"""The measurements of one size: start, scrapes side by side, collections, and both at once."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.client import Address, Answer, BadAnswerError, Body, Connection, Lines
from tests.bench.documents import Document
from tests.bench.scrapes import MODES, Scrapes, steady_clock
from tests.bench.servers import Server, pause
from tests.bench.standin import StandIn

MARK = b"\npgbackrest_backup_info{"  # one per backup, here as in the peer
CHANGES = ("unchanged", "one backup added", "every archive moved on")


@dataclass
class Measured:
    """All that was learnt about one server at one size; None where it was not measured."""

    start: float | None = None
    scrapes: dict[str, Scrapes] = field(default_factory=dict)
    rss_scraped: float | None = None
    rss_collected: float | None = None
    collection_cpu: dict[str, float] = field(default_factory=dict)
    collection_cpu_scraped: dict[str, float] = field(default_factory=dict)
    busy: dict[str, Scrapes] = field(default_factory=dict)
    calm: dict[str, float] = field(default_factory=dict)
    incomplete: int = 0
    collections: int = 0
    held_up: float | None = None
    peak: float | None = None

    def wait(self, mode: str) -> float:
        """Seconds by which the longest scrape during collections exceeds the median of calm ones."""
        return max(self.busy[mode].seconds) - self.calm[mode]


def first_full_scrape(server: Server, backups: int, within: float = 120) -> float:
    """Seconds from the start of the process to the end of the first scrape that shows every backup."""
    server.wait_until_listening()
    connection = Connection(server.address, server.path)
    while time.perf_counter() - server.started < within:
        server.check()
        body = Body()
        with contextlib.suppress(OSError, BadAnswerError):
            connection.get(sink=body)
        if body.data.count(MARK) >= backups:
            connection.close()
            return time.perf_counter() - server.started
        pause(0.005)
    raise RuntimeError(f"{server.name} does not show {backups} backups within {within:g} s; see {server.log}")


class Collections:
    """Watches a server that collects every second, through the stand-in's calls."""

    def __init__(self, server: Server, standin: StandIn, document: Document) -> None:
        self._server = server
        self._standin = standin
        self._document = document

    def next_call(self, within: float = 120) -> float:
        """Waits until the next `info` begins; the server's CPU clock at that moment."""
        calls, end = self._standin.calls, time.perf_counter() + within
        while self._standin.calls == calls:
            if time.perf_counter() > end:
                self._server.check()
                raise RuntimeError(
                    f"{self._server.name} did not call pgbackrest for {within:g} s; see {self._server.log}"
                )
            pause(0.001)
        return self._server.cpu()

    def _change(self, what: str) -> None:
        if what == "one backup added":
            self._document.add_backup()
        elif what == "every archive moved on":
            self._document.move_archives()
        if what != "unchanged":
            self._standin.publish(self._document)

    def cpu(self, what: str, repeats: int, scrape: Callable[[], object] | None = None) -> list[float]:
        """CPU seconds of each of `repeats` collections, each finding the document changed as `what` says.

        A collection lasts from the begin of one `info` to the begin of the next, so nothing it puts off is
        missed. With `scrape`, one follows each and is counted with it: work left to the first scrape shows.
        """
        found: list[float] = []
        self.next_call()
        pause(0.3)  # by now `cat` has opened the document, however slowly it is read
        self._change(what)
        before = self.next_call()
        for left in range(repeats, 0, -1):
            pause(0.3)
            if left > 1:
                self._change(what)
            if scrape is not None:
                pause(0.4)
                scrape()
            now = self.next_call()
            found.append(now - before)
            before = now
        return found


class Turning:
    """Shows the next document as soon as a collection has begun to read the one before."""

    def __init__(self, standin: StandIn, documents: Sequence[Path]) -> None:
        self._standin = standin
        self._turn = itertools.cycle(documents)
        self._seen = self._first = standin.calls
        self._shown = time.perf_counter()

    def turn(self) -> None:
        """Call it again and again."""
        if self._standin.calls > self._seen and time.perf_counter() - self._shown > 0.5:
            pause(0.05)
            self._seen, self._shown = self._standin.calls, time.perf_counter()
            self._standin.show(next(self._turn))

    @property
    def collections(self) -> int:
        """How many have begun and were followed by another document."""
        return self._seen - self._first


def held_up(address: Address, turning: Turning, *, collections: int, budget: float) -> float:
    """Seconds that the longest small answer takes while collections find other documents and nothing else is asked.

    It moves no bytes that could be slow themselves: what it waits for is the event loop.
    """
    link = Connection(address, "/-/healthy")
    longest, end = 0.0, time.perf_counter() + budget
    with steady_clock():
        while turning.collections < collections and time.perf_counter() < end:
            longest = max(longest, link.get().seconds)
            pause(0.001)
            turning.turn()
    link.close()
    if turning.collections < collections:
        raise RuntimeError(f"only {turning.collections} collections began within {budget:g} s")
    return longest


def under_load(
    server: Server,
    turning: Turning,
    *,
    full: int,
    scrapes: int,
    collections: int,
    budget: float,
) -> Measured:
    """Back-to-back scrapes while every collection finds another document; every fifth is compressed."""
    result = Measured(busy={mode: Scrapes() for mode in MODES})
    link = Connection(server.address, server.path)
    server.reset_peak()
    end = time.perf_counter() + budget
    with steady_clock():
        for number in itertools.count(1):
            compressed = number % 5 == 0
            sink = Body() if compressed else Lines()
            answer: Answer = link.get(compressed=compressed, sink=sink)
            result.busy["gzip" if compressed else "plain"].seconds.append(answer.seconds)
            lines = sink.gunzipped_lines() if isinstance(sink, Body) else sink.count
            result.incomplete += lines < full
            turning.turn()
            enough = number >= scrapes and turning.collections >= collections
            if enough or (time.perf_counter() > end and number >= 5):
                break
    result.collections = turning.collections
    result.peak = server.peak
    link.close()
    return result
