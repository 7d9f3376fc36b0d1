"""What is asked for on the command line."""

from datetime import UTC, datetime

import pytest

from exporter.restore.order import Aim, OrderError, aim


@pytest.mark.parametrize("word", ["latest", "immediate", "random"])
def test_a_word_is_a_target(word: str) -> None:
    assert aim(word).kind == word
    assert str(aim(word)) == word


@pytest.mark.parametrize(
    "written",
    ["2026-11-22 10:00:00+00", "2026-11-22T10:00:00Z", "2026-11-22 11:00:00+01", "2026-11-22 10:00:00+00:00"],
)
def test_a_moment_is_understood_as_postgresql_writes_it(written: str) -> None:
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp()
    assert aim(f"time={written}") == Aim("time", moment)


@pytest.mark.parametrize(
    "written", ["", "now", "time", "time=", "time=soon", "latest=1", "random=2026-11-22"]
)
def test_anything_else_is_refused_in_one_line(written: str) -> None:
    with pytest.raises(OrderError) as caught:
        aim(written)
    assert "\n" not in str(caught.value)
    assert "2026-11-22 10:00:00+00" in str(caught.value)
