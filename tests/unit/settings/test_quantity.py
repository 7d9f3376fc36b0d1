"""Durations and ratios, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.settings import quantity


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("26h", 93600),
        ("8d", 691200),
        ("2w", 1209600),
        ("1h30m", 5400),
        ("0.5s", 0.5),
    ],
)
def test_a_duration_is_read(written: str, seconds: float) -> None:
    assert quantity.seconds(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        "",
        "s",
        "30",
        "5 parsecs",
        "1:30",
        "30m1h",
        "1h1h",
        "-5m",
        "5M",
        "1e3s",
        "٣s",
        "5m\n",
        None,
        True,
        [],
        {},
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(ValueError, match=r"is not a duration: expected .* such as 30s or 8d"):
        quantity.seconds(written)


@pytest.mark.parametrize("written", [60, 0, 1.5])
def test_a_bare_number_is_refused_with_its_unit(written: float) -> None:
    with pytest.raises(ValueError, match=f"{written} has no unit: write {written}s for seconds"):
        quantity.seconds(written)


@pytest.mark.parametrize("written", ["36501d", "9" * 400 + "w"])
def test_a_duration_ends_somewhere(written: str) -> None:
    with pytest.raises(ValueError, match="more than a hundred years"):
        quantity.seconds(written)


@pytest.mark.parametrize(
    ("written", "value"), [("80%", 0.8), (0.8, 0.8), ("99.5%", 0.995), (1, 1.0), ("100%", 1.0)]
)
def test_a_ratio_is_read(written: object, value: float) -> None:
    assert quantity.ratio(written) == value


@pytest.mark.parametrize(
    "written", ["0%", "101%", 80, 0, -0.5, "0.8", "80 %", "-1%", None, True, float("inf"), float("nan")]
)
def test_what_is_no_ratio_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(ValueError, match=r"such as 80% or 0\.8"):
        quantity.ratio(written)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (60, "60s"),
        (90, "90s"),
        (600, "10m"),
        (3600, "1h"),
        (86400, "24h"),
        (691200, "8d"),
        (0.25, "0.25s"),
        (93600, "26h"),
    ],
)
def test_a_duration_is_written_with_a_unit_that_loses_nothing(seconds: float, written: str) -> None:
    assert quantity.show_seconds(seconds) == written


@given(st.floats(min_value=0, max_value=36500 * 86400))
def test_a_written_duration_reads_back_equal(seconds: float) -> None:
    assert quantity.seconds(quantity.show_seconds(seconds)) == seconds


@given(st.floats(min_value=0, max_value=1, exclude_min=True))
def test_a_written_ratio_reads_back_equal(ratio: float) -> None:
    assert quantity.ratio(quantity.show_ratio(ratio)) == ratio
