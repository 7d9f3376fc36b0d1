from pathlib import Path

from tests.bench.boards import DAY, LONG, SHORT, History, measured, table
from tests.dashboards.boards import FILES, load, panels
from tests.dashboards.fleet import Fleet
from tests.dashboards.history import HOUR, backfill_hourly
from tests.dashboards.server import Server

END = 1_795_500_000


def test_every_panel_that_asks_is_measured_over_both_ranges(tmp_path: Path) -> None:
    fleet = Fleet(stanzas=1, end=END, exporters=1)
    backfill_hourly(fleet, tmp_path / "data", start=END - 2 * HOUR, end=END + HOUR, step=300)
    with Server(tmp_path / "data") as server:
        found = measured(History(server.api, fleet, 300))
    asking = {
        (board["uid"].removeprefix("pgbackrest-"), panel["title"])
        for board in map(load, FILES)
        for panel in panels(board)
        if panel.get("targets")
    }
    assert found.keys() == asking
    assert all(long > 0 and short > 0 for long, short in found.values())


def test_a_panel_that_is_too_slow_over_one_range_is_missed() -> None:
    found = {("a", "slow now"): (0.1, 0.3), ("b", "slow ever"): (1.1, 0.1), ("c", "quick"): (0.9, 0.1)}
    _, *rows = table(found)
    assert {row[1]: row[-1] for row in rows} == {"slow now": "MISSED", "slow ever": "MISSED", "quick": "met"}
    assert (LONG.seconds, SHORT.seconds) == (30 * DAY, HOUR)
