"""Two real Prometheus servers that know an invented fleet, one watched by one exporter and one by a pair."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.dashboards.boards import FILES, key, load, queries
from tests.dashboards.fleet import Fleet
from tests.dashboards.history import backfill
from tests.dashboards.server import Server

STEP = 300
# At the same hour of the same day of the week whenever it runs: what is invented goes by the day and by the week.
WEEK, HOUR = 604_800, 3_600
NOW = int(time.time()) // WEEK * WEEK - 4 * HOUR
ONE, PAIR = 1, 2
STANZAS = 8
ALL = [query for path in FILES for query in queries(load(path))]
Answers = dict[tuple[str, str, str], list[Any]]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Server]]:
    """By the number of exporters that watch the same stanzas."""
    with ExitStack() as stack:
        found = {}
        for exporters in (ONE, PAIR):
            folder = tmp_path_factory.mktemp(f"prometheus-{exporters}")
            fleet = Fleet(stanzas=STANZAS, end=NOW, exporters=exporters)
            backfill(fleet, folder, start=NOW - 2 * 3600, end=NOW + 1, step=STEP)
            found[exporters] = stack.enter_context(Server(folder))
        yield found


@pytest.fixture(scope="session")
def answers(servers: dict[int, Server]) -> dict[int, Answers]:
    """What every query of every panel returns, by the number of exporters."""
    return {
        exporters: {key(query): server.answer(query, at=NOW)[0] for query in ALL}
        for exporters, server in servers.items()
    }
