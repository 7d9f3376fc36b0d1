from hypothesis import given
from hypothesis import strategies as st

from exporter.wal.spans import Spans, runs_of_bits

PAIRS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)))


def numbers(pairs: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in pairs for number in range(first, last + 1)}


@given(PAIRS, st.integers(0, 70), st.integers(0, 70))
def test_they_are_a_set_of_numbers(pairs: list[tuple[int, int]], first: int, last: int) -> None:
    spans, plain = Spans(pairs), numbers(pairs)
    assert numbers(list(spans)) == plain
    assert spans.last == max(plain, default=None)
    assert spans.missing(first, last) == len(set(range(first, last + 1)) - plain)
    assert numbers(list(spans.within(first, last))) == plain & set(range(first, last + 1))
    assert (first in spans) == (first in plain)
    holes = list(spans.holes_from_the_end())
    assert numbers(holes) == set(range(min(plain, default=0), max(plain, default=-1) + 1)) - plain
    assert holes == sorted(holes, reverse=True)


@given(PAIRS, st.integers(0, 70))
def test_a_run_is_as_long_as_it_can_be(pairs: list[tuple[int, int]], number: int) -> None:
    run, plain = Spans(pairs).run(number), numbers(pairs)
    assert (run is not None) == (number in plain)
    if run is not None:
        assert set(range(run[0], run[1] + 1)) <= plain
        assert not {run[0] - 1, run[1] + 1} & plain


@given(st.sets(st.integers(0, 4095)))
def test_runs_of_bits_are_those_that_are_set(bits: set[int]) -> None:
    assert numbers(list(runs_of_bits(sum(1 << bit for bit in bits)))) == bits
