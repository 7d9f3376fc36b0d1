from tests.bench.archiver import archiver_cpu
from tests.bench.readings import patroni_cpu
from tests.bench.runs import first_reading, runs_cpu


def test_each_way_to_ask_patroni_is_measured() -> None:
    found = dict(patroni_cpu(readings=5))
    assert {"patroni, http", "patroni, https"} <= found.keys()
    assert min(found.values()) > 0


def test_each_way_to_ask_postgresql_is_measured() -> None:
    found = dict(archiver_cpu(readings=5))
    assert {"archiver", "archiver, looking for the primary of three hosts"} <= found.keys()
    assert min(found.values()) > 0


def test_reading_logs_is_measured() -> None:
    assert min(first_reading(detail=detail, size=500_000) for detail in (True, False)) > 0
    assert min(dict(runs_cpu(readings=3)).values()) > 0
