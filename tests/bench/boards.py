"""`python -m tests.bench.boards`: how long Prometheus takes for the boards' queries, over a month of fifty stanzas."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import report
from tests.dashboards.boards import EVERYTHING, FILES, Query, load, queries
from tests.dashboards.fleet import Fleet
from tests.dashboards.history import HOUR, backfill_hourly
from tests.dashboards.server import Api, Server

DAY = 24 * HOUR
POINTS = 1000  # Grafana asks for at most one a pixel, and these panels are about so wide
UNITS = {"s": 1, "m": 60, "h": HOUR, "d": DAY}
TIMES = 3  # each query is asked; the median counts


@dataclass(frozen=True, slots=True)
class Range:
    """A time range that somebody chooses, and how long the slowest query of a panel may take then."""

    name: str
    seconds: int
    demanded: float


LONG, SHORT = Range("30 days", 30 * DAY, 1.0), Range("1 hour", HOUR, 0.2)


@dataclass(frozen=True, slots=True)
class History:
    """A Prometheus with the past of a fleet, a sample of each series every *every* seconds."""

    api: Api
    fleet: Fleet
    every: int

    def seconds(self, query: Query, range_: Range) -> float:
        """How long the query takes, as Grafana asks it for this range."""
        step = max(_duration(query.interval or "15s"), range_.seconds // (query.points or POINTS))
        variables = {
            **EVERYTHING,
            "$__rate_interval": f"{max(step + self.every, 4 * self.every)}s",
            "$__range": f"{range_.seconds}s",
            "$__interval": f"{step}s",
        }
        if query.board == "pgbackrest-stanza":
            variables["$stanza"] = self.fleet.name(0)
        return statistics.median(
            self.api.answer(query, at=self.fleet.end, span=range_.seconds, step=step, variables=variables)[1]
            for _ in range(TIMES)
        )


def _duration(words: str) -> int:
    return int(words[:-1]) * UNITS[words[-1]]


def measured(history: History) -> Mapping[tuple[str, str], tuple[float, float]]:
    """For each board and panel its slowest query: over the long range and over the short one."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for path in FILES:
        for query in queries(load(path)):
            taken = (history.seconds(query, LONG), history.seconds(query, SHORT))
            found[query.board.removeprefix("pgbackrest-"), query.panel].append(taken)
    return {
        panel: (max(long for long, _ in taken), max(short for _, short in taken))
        for panel, taken in found.items()
    }


def table(found: Mapping[tuple[str, str], tuple[float, float]]) -> Iterator[tuple[str, ...]]:
    """A row a panel, the slowest first, the header before them."""
    yield (
        "board",
        "panel",
        *(f"{range_.name}, ≤ {report.seconds(range_.demanded)}" for range_ in (LONG, SHORT)),
        "",
    )
    for (board, panel), (long, short) in sorted(found.items(), key=lambda item: -max(item[1])):
        met = long <= LONG.demanded and short <= SHORT.demanded
        yield (board, panel, report.seconds(long), report.seconds(short), "met" if met else "MISSED")


def main() -> int:
    """Write the past, ask, print; exit code 0 whether the bounds are met or not."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.boards", description=__doc__)
    parser.add_argument("--stanzas", type=int, default=50)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--exporters", type=int, default=1, help="that watch the same stanzas, default 1")
    parser.add_argument("--every", type=int, default=600, help="seconds between two samples, default 600")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    given = parser.parse_args()
    end = int(time.time()) // HOUR * HOUR
    fleet = Fleet(stanzas=given.stanzas, end=end, exporters=given.exporters)
    with tempfile.TemporaryDirectory(prefix="exporter-bench-") as name:
        folder = Path(name) / "data"
        folder.mkdir()
        began = time.monotonic()
        backfill_hourly(fleet, folder, start=end - given.days * DAY, end=end + HOUR, step=given.every)
        filled = time.monotonic() - began
        with Server(folder) as server:
            rows = list(table(measured(History(server.api, fleet, given.every))))
    size = f"{given.stanzas} stanzas, {given.days} days, {sum(1 for _ in fleet.at(end))} series at the end"
    print(f"\nBoards: {size}, back-filled in {filled:.0f} s\n{report.text(rows)}", flush=True)
    if given.markdown:
        given.markdown.write_text(report.markdown(rows) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
