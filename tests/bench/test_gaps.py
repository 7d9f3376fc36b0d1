from tests.bench.gaps import PER_FOLDER, measured, table


def test_the_first_reading_costs_more_than_one_that_finds_nothing_new() -> None:
    found = measured(60 * PER_FOLDER)
    assert 0 < found.unchanged_cpu < found.first_cpu
    assert 0 <= found.extra < 150
    assert len(list(table(found))) == 5
