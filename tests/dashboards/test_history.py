"""The past that is back-filled by the hour: what is measured moves in between, what is a state does not."""

from collections import defaultdict
from itertools import pairwise

from tests.dashboards.fleet import Fleet
from tests.dashboards.history import HOUR, gliding

END = 1_795_500_000 // HOUR * HOUR


def _told(family: str) -> dict[str, list[float]]:
    fleet = Fleet(stanzas=2, end=END, exporters=1)
    found: dict[str, list[float]] = defaultdict(list)
    for text in gliding(fleet, range(END - 2 * HOUR, END, HOUR), 600):
        for line in text.splitlines():
            if line.startswith(family):
                series, value, _ = line.rsplit(" ", 2)
                found[series].append(float(value))
    return found


def test_an_age_grows_by_the_second() -> None:
    ages = _told("pgbackrest_backup_age_seconds")
    assert ages
    for values in ages.values():
        rises = [after - before for before, after in pairwise(values)]
        assert all(rise == 600 or rise < 0 for rise in rises), values


def test_a_state_is_never_in_between() -> None:
    for family in ("pgbackrest_wal_archive_failing", "pgbackrest_patroni_timeline", "pgbackrest_stanza_ok"):
        for series, values in _told(family).items():
            assert len(values) == 12, series
            assert all(value == int(value) for value in values), series
