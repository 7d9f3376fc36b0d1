import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import wal

MIB = 1 << 20


def test_a_name_is_timeline_upper_half_and_number() -> None:
    assert wal.parse("0000000A000000010000002F") == wal.Segment(timeline=10, high=1, low=0x2F)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "00000001000000000000000",
        "0000000100000000000000010",
        "00000001000000000000000g",
        "00000002.history",
        "000000010000000000000001.partial",
        "000000010000000000000001\n",
        "00000001000000000000000\N{FULLWIDTH DIGIT ONE}",
    ],
)
def test_anything_else_is_no_segment(name: str) -> None:
    assert wal.parse(name) is None


@pytest.mark.parametrize(("size", "number"), [(MIB, 4096 + 1), (16 * MIB, 256 + 1), (1024 * MIB, 4 + 1)])
def test_a_number_counts_all_segments_before(size: int, number: int) -> None:
    assert wal.Segment(timeline=7, high=1, low=1).number(size) == number


@pytest.mark.parametrize("power", range(20, 31))
def test_every_segment_size_is_found_from_one_backup_beyond_the_first_segment(power: int) -> None:
    size = 1 << power
    lsn = f"0/{size + 0x28:X}"
    assert wal.infer_segment_size([(lsn, "000000010000000000000001")]) == size


def test_a_start_in_the_first_segment_leaves_the_size_open() -> None:
    assert wal.infer_segment_size([("0/28", "000000010000000000000000")]) is None


def test_later_backups_settle_what_an_earlier_left_open() -> None:
    starts = [("2/28", "000000010000000200000000"), ("2/4000028", "000000010000000200000001")]
    assert wal.infer_segment_size(starts) == 64 * MIB


def test_starts_that_contradict_each_other_give_no_size() -> None:
    starts = [("2/28", "000000010000000200000000"), ("2/28", "000000010000000200000005")]
    assert wal.infer_segment_size(starts) is None


def test_what_the_newest_backup_settles_no_older_one_unsettles() -> None:
    starts = [("0/4000028", "000000010000000000000001"), ("0/1000028", "000000010000000000000001")]
    assert wal.infer_segment_size(starts) == 64 * MIB


def test_words_that_are_no_lsn_are_passed_over() -> None:
    starts = [("nonsense", "000000010000000000000001"), ("0/2000028", "000000010000000000000002")]
    assert wal.infer_segment_size(starts) == 16 * MIB
    assert wal.infer_segment_size([]) is None


@given(st.integers(min_value=0, max_value=(1 << 64) - 1))
def test_a_position_is_read_as_it_is_written(position: int) -> None:
    assert wal.position(wal.lsn(position)) == position


@pytest.mark.parametrize("text", ["", "/", "0/", "/0", "0/123456789", "0/0 ", "0/0\n", "G/0", "٣/٣"])
def test_what_is_no_lsn_is_no_position(text: str) -> None:
    assert wal.position(text) is None
