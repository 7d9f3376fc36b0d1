from tests.bench.archiver import archiver_cpu
from tests.bench.readings import patroni_cpu
from tests.bench.runs import first_reading, runs_cpu


def test_each_way_to_ask_patroni_is_measured_and_tls_costs_more() -> None:
    found = dict(patroni_cpu(readings=5))
    assert 0 < found["patroni, http"] < found["patroni, https"]
    assert len(found) == 2


def test_a_kept_connection_costs_less_than_looking_for_the_primary() -> None:
    found = dict(archiver_cpu(readings=5))
    assert 0 < found["archiver"] < found["archiver, looking for the primary of three hosts"]
    assert len(found) == 3


def test_logs_are_read_faster_when_most_lines_are_of_no_interest() -> None:
    assert first_reading(detail=True, size=500_000) > first_reading(detail=False, size=500_000) > 0
    assert len(dict(runs_cpu(readings=3))) == 1
