import pytest

from exporter import human


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (90000, "1 d 1 h"),
        (86400 + 59, "1 d"),
        (-5, "0 s"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert human.span(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (300 << 20, "300 MiB"),
        (5 << 60, "5120 PiB"),
    ],
)
def test_a_size_is_told_in_binary_units(size: int | None, words: str) -> None:
    assert human.size(size) == words


def test_a_time_out_of_range_is_told_and_raises_nothing() -> None:
    assert human.moment(1e30) == "a time out of range"


def test_others_words_become_one_printable_line_of_bounded_length() -> None:
    assert human.line("a\nb\x1b[31m\u2028c\u202ed\x00") == "a b [31m c d"
    assert len(human.line("x" * 5000)) == 402
