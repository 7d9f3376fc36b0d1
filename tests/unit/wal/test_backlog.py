from hypothesis import given
from hypothesis import strategies as st

from exporter.wal.backlog import Backlog


def test_what_is_archived_in_time_never_waits() -> None:
    backlog = Backlog()
    for number in range(10):
        backlog = backlog.after(number, number, now=100.0 + number)
        assert backlog.since is None


def test_the_first_segment_that_waits_tells_since_when() -> None:
    backlog = Backlog().after(5, 5, now=100).after(6, 5, now=115).after(6, 5, now=130).after(9, 5, now=145)
    assert backlog.since == 115
    assert backlog.after(9, 6, now=160).since == 145, "7 to 9 were seen then"
    assert backlog.after(9, 8, now=160).since == 145
    assert backlog.after(9, 9, now=160).since is None


def test_an_idle_database_has_no_lag_however_old_its_archive_is() -> None:
    backlog = Backlog().after(5, 5, now=100)
    assert backlog.after(5, 5, now=1e9).since is None


def test_at_the_first_look_it_waits_from_now_on() -> None:
    assert Backlog().after(9, 5, now=100).since == 100


def test_a_database_that_is_further_back_begins_anew() -> None:
    backlog = Backlog().after(100, 50, now=100).after(60, 50, now=200)
    assert backlog.since == 200


def test_nothing_new_is_the_same_object() -> None:
    backlog = Backlog().after(9, 5, now=100)
    assert backlog.after(9, 5, now=115) is backlog


@given(st.lists(st.integers(0, 5), max_size=600))
def test_it_is_bounded_and_never_tells_less_than_what_really_waits(steps: list[int]) -> None:
    backlog, complete = Backlog(), 0
    first = None
    for now, step in enumerate(steps):
        complete += step
        if complete > 0 and first is None:
            first = float(now)
        backlog = backlog.after(complete, 0, float(now))
        assert len(backlog.seen) <= 256
        assert backlog.since == first
