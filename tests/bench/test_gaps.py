from tests.bench.gaps import PER_FOLDER, measured, table


def test_every_cost_of_the_gap_scan_is_measured() -> None:
    found = measured(60 * PER_FOLDER)
    assert min(found.first_cpu, found.first_took, found.unchanged_cpu, found.newest_changed_cpu) > 0
    assert len(list(table(found))) == 5
