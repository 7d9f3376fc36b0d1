"""`python -m tests.bench`: measures the exporter beside nginx and, given its binary, another exporter."""

from __future__ import annotations

import argparse
import contextlib
import functools
import signal
import statistics
import subprocess  # noqa: TID251 - asks nginx and the peer for their versions
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import gaps, readings, report
from tests.bench.client import Connection
from tests.bench.documents import Document, Size
from tests.bench.measure import (
    CHANGES,
    Collections,
    Measured,
    Turning,
    first_full_scrape,
    held_up,
    under_load,
)
from tests.bench.scrapes import calm, copy_for_nginx, side_by_side
from tests.bench.servers import Server, as_installed, nginx, ours, pause, peer
from tests.bench.standin import StandIn

SIZES = "1x30,10x100,50x200,100x1000"
QUICK = "1x30,10x100"
NEVER = 86_400  # s between collections of a server whose scrapes are measured alone
ADDED_AT_MOST = 200  # backups that the measurements add to a stanza

_began = time.monotonic()


def say(words: str) -> None:
    """Progress, on stderr."""
    print(f"[{time.monotonic() - _began:4.0f} s] {words}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything is measured at one size."""

    starts: int
    budget: float  # s of scrapes side by side
    at_least: int  # scrapes of each kind even beyond the budget
    collections: int
    load: float  # s at most of scrapes under load

    @classmethod
    def of(cls, size: Size) -> Plan:
        backups = size.stanzas * size.backups
        if backups > 50_000:
            return cls(starts=1, budget=20, at_least=10, collections=3, load=40)
        if backups > 5_000:
            return cls(starts=2, budget=15, at_least=30, collections=5, load=40)
        return cls(starts=5, budget=8, at_least=50, collections=5, load=30)


class Bench:
    """The servers and documents of one size, in one folder."""

    def __init__(self, size: Size, folder: Path, peer_binary: Path | None) -> None:
        self.size = size
        self.plan = Plan.of(size)
        self.folder = folder
        self.standin = StandIn(folder)
        self.document = Document(size)
        self.standin.publish(self.document)
        conf = self.standin.configuration(self.document)
        log = folder / "exporter.log"
        self.exporters: dict[str, Callable[[int], Server]] = {
            "exporter": lambda every: ours(self.standin, conf, every, size.backups + ADDED_AT_MOST, log)
        }
        if peer_binary is not None:
            self.exporters["peer"] = lambda every: peer(peer_binary, self.standin, every, folder / "peer.log")
        self.results = {name: Measured() for name in ("exporter", "nginx", *self.exporters)}

    @functools.cached_property
    def backups(self) -> int:
        """In the document at the beginning."""
        return self.size.stanzas * self.size.backups

    def run(self) -> Mapping[str, Measured]:
        """Everything, one phase after the other."""
        self.scrapes()
        for name in self.exporters:
            say(f"{self.size}: collections, {name}")
            self.collections(name)
        return self.results

    def scrapes(self) -> None:
        """Starts, then scrapes of all servers in turn while nobody collects."""
        with contextlib.ExitStack() as stack:
            running: list[Server] = []
            for name, make in self.exporters.items():
                say(f"{self.size}: start, {name}")
                taken: list[float] = []
                for _ in range(self.plan.starts - 1):
                    with make(NEVER) as server:
                        taken.append(first_full_scrape(server, self.backups))
                running.append(stack.enter_context(make(NEVER)))
                taken.append(first_full_scrape(running[-1], self.backups))
                result = self.results[name]
                result.start = statistics.median(taken)
                # before the next one is started, whose mere presence disturbs
                result.calm, _ = calm(running[-1], self.plan.at_least if name == "exporter" else 1)
            web = stack.enter_context(nginx(self.folder, self.folder / "nginx.log"))
            web.wait_until_listening()
            copy_for_nginx(running[0], self.folder / "www")
            say(f"{self.size}: scrapes side by side")
            found = side_by_side(
                [running[0], web], running[1] if running[1:] else None, self.plan.budget, self.plan.at_least
            )
            for name, scrapes in found.items():
                self.results[name].scrapes = scrapes
            for server in running:
                self.results[server.name].rss_scraped = server.rss

    def collections(self, name: str) -> None:
        """Collections every second: alone, then with scrapes back to back."""
        result = self.results[name]
        with self.exporters[name](1) as server:
            server.wait_until_listening()
            watch = Collections(server, self.standin, self.document)
            for _ in range(2):
                watch.next_call()
            for what in CHANGES:
                result.collection_cpu[what] = statistics.median(watch.cpu(what, self.plan.collections))
            result.rss_collected = server.rss
            if name == "exporter":
                self._collections_scraped(server, watch, result)
            self._load(server, watch, result)

    def _collections_scraped(self, server: Server, watch: Collections, result: Measured) -> None:
        link = Connection(server.address, server.path)
        scrape = functools.partial(link.get, compressed=True)
        scrape()
        for what in CHANGES[1:]:
            # the mean: what a slow collection leaves to a later scrape is counted in the next one
            cost = statistics.fmean(watch.cpu(what, self.plan.collections, scrape))
            result.collection_cpu_scraped[what] = max(0.0, cost - result.scrapes["gzip"].cpu_each)
        link.close()

    def _load(self, server: Server, watch: Collections, result: Measured) -> None:
        watch.next_call()
        documents = [self.standin.prepare(self.document, "load-0.json")]
        for number in range(1, 4):
            self.document.add_backup()
            self.document.move_archives()
            documents.append(self.standin.prepare(self.document, f"load-{number}.json"))
        watch.next_call()
        pause(0.3)
        full = calm(server, 1)[1]
        turning = Turning(self.standin, documents)
        loaded = under_load(server, turning, full=full, scrapes=100, collections=5, budget=self.plan.load)
        result.busy, result.peak = loaded.busy, loaded.peak
        result.incomplete, result.collections = loaded.incomplete, loaded.collections
        if server.name == "exporter":
            turning = Turning(self.standin, documents)
            result.held_up = held_up(server.address, turning, collections=5, budget=self.plan.load)


def _version(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    return (done.stdout + done.stderr).strip().split("\n")[0]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--sizes", metavar="SxB,…", help=f"stanzas x backups (default {SIZES})")
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK}")
    parser.add_argument(
        "--peer", type=Path, metavar="BINARY", help="an exporter with the flags of pgbackrest_exporter"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    given = parser.parse_args()
    try:
        given.sizes = [
            Size.parse(text) for text in (given.sizes or (QUICK if given.quick else SIZES)).split(",")
        ]
    except ValueError as error:
        parser.error(str(error))
    if given.peer is not None and not given.peer.is_file():
        parser.error(f"--peer {given.peer}: no such file")
    return given


def main() -> int:
    """Runs all sizes; exit code 0 whether the targets are met or not, 1 when something cannot be measured."""
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then too
    as_installed()
    chapters: list[str] = []
    versions = f"{report.machine()}, {_version('/usr/sbin/nginx', '-v')}"
    if given.peer:
        versions += f", peer: {_version(str(given.peer.resolve()), '--version')}"
    print(versions)
    for size in given.sizes:
        with tempfile.TemporaryDirectory(prefix="exporter-bench-") as folder:
            try:
                results = Bench(size, Path(folder), given.peer and given.peer.resolve()).run()
            except RuntimeError as error:
                print(f"bench: {size}: {error}", file=sys.stderr)
                return 1
        rows, judged = list(report.table(results)), list(report.verdicts(size, results))
        print(f"\n{size} (stanzas x backups)\n{report.text(rows)}\n\n{report.text(judged)}", flush=True)
        chapters.append(f"## {size}\n\n{report.markdown(rows)}\n\n{report.markdown(judged)}\n")
    say("readings of other sources")
    rows = list(readings.rows())
    print(f"\nOther readings\n{report.text(rows)}", flush=True)
    chapters.append(f"## Other readings\n\n{report.markdown(rows)}\n")
    say("gap scan")
    rows = list(gaps.table(gaps.measured()))
    print(f"\nGap scan\n{report.text(rows)}", flush=True)
    chapters.append(f"## Gap scan\n\n{report.markdown(rows)}\n")
    if given.markdown:
        given.markdown.write_text(report.chapter(versions, chapters), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
