import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pgbackrest.log import (
    COMMANDS,
    Begun,
    Dropped,
    Ended,
    Failed,
    LocalTime,
    Locked,
    Stamp,
    Verified,
    events,
)

AT = b"2026-11-22 07:05:01.627"
STAMP = Stamp(b"2026-11-22 07:05:01", 627)
BARE = Stamp(b"", 0)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """A machine in a zone where the clocks go back: on 2026-10-25 the hour from 02:00 comes twice."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield ZoneInfo("Europe/Berlin")
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            AT + b" P00   INFO: backup command begin 2.45: --exec-id=1-a --type=full",
            Begun(STAMP, "2.45", " --exec-id=1-a --type=full"),
        ),
        (b"P00   INFO: backup command begin 2.60.0dev: --x", Begun(BARE, "2.60.0dev", " --x")),
        (AT + b" P00   INFO: backup start archive = 0000, lsn = 0/2", Locked(STAMP)),
        (AT + b" P00   INFO: backup command end: completed successfully (2919ms)", Ended(STAMP, 2.919)),
        (AT + b" P00   INFO: backup command end: completed successfully", Ended(STAMP)),
        (AT + b" P00   INFO: backup command end: aborted with exception [050]", Ended(STAMP, None, 50)),
        (
            AT + b" P00   INFO: backup command end: terminated on signal [SIGTERM]",
            Ended(STAMP, None, 63, "SIGTERM"),
        ),
        (b"terminated on signal SIGINT", Ended(BARE, None, 63, "SIGINT")),
        (
            AT + b" P00  ERROR: [062]: stop file exists for stanza demo",
            Failed(STAMP, 62, b"stop file exists for stanza demo"),
        ),
        (AT + b" P00   WARN: dropped WAL file '0000' because archive queue exceeded 20MB", Dropped()),
    ],
)
def test_each_form_of_a_line_is_known(line: bytes, event: object) -> None:
    assert list(events(line + b"\n", "backup")) == [event]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"-------------------PROCESS START-------------------",
        AT + b" P00   INFO: expire command begin 2.45: --exec-id=1-a",
        AT + b" P00  DEBUG: storage backup command begin 2.45: --x",
        AT + b" P00   INFO: check archive for segment 'x backup command end: completed successfully'",
        b"                                    HINT: ERROR: [050]: is told",
        b"he was terminated on signal SIGTERM, it said",
    ],
)
def test_what_only_looks_like_one_is_none(line: bytes) -> None:
    assert list(events(line + b"\n", "backup")) == []


def test_an_error_goes_on_in_indented_lines() -> None:
    data = (
        AT + b" P00  ERROR: [103]: no valid repository:\n          repo1: gone\n" + AT + b" P00   INFO: x\n"
    )
    (failed,) = events(data, "backup")
    assert isinstance(failed, Failed)
    assert failed.words.split() == b"no valid repository: repo1: gone".split()


def test_the_result_of_verify_is_read_from_its_words() -> None:
    data = (
        AT + b" P00   INFO: stanza: demo\n"
        b"                                    status: error\n"
        b"                                      archiveId: 15-1, total WAL checked: 12, total valid WAL: 11\n"
        b"                                        missing: 0, checksum invalid: 2, size invalid: 0, other: 1\n"
        b"                                      backup: L, status: invalid, total files checked: 9\n"
    )
    assert list(events(data, "verify")) == [Verified(False, 0), Verified(None, 3)]


@given(st.binary(), st.sampled_from(sorted(COMMANDS)))
def test_any_bytes_are_read(data: bytes, command: str) -> None:
    list(events(data, command))


@given(
    st.lists(
        st.sampled_from(
            [b" command begin ", b"ERROR: [", AT, b" P00   INFO: ", b"backup", b"\n", b"x" * 70000]
        )
    )
)
def test_any_mixture_of_a_lines_parts_is_read(parts: list[bytes]) -> None:
    list(events(b"".join(parts), "backup"))


def stamp(moment: datetime) -> Stamp:
    return Stamp(moment.strftime("%Y-%m-%d %H:%M:%S").encode(), 0)


@given(st.integers(0, 15 * 365 * 86400))
def test_a_local_time_is_its_moment(berlin: ZoneInfo, seconds: int) -> None:
    wall = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    local = wall.replace(tzinfo=berlin)
    if local.astimezone(UTC).astimezone(berlin).replace(tzinfo=UTC) != wall:
        assert LocalTime().moment(stamp(wall), None) is None, "a time that the clocks jumped over"
    else:
        assert LocalTime().moment(stamp(wall), None) == local.timestamp()


def test_in_the_hour_that_comes_twice_the_order_of_the_lines_decides(berlin: ZoneInfo) -> None:
    clock, after = LocalTime(), None
    moments = []
    began = datetime(2026, 10, 25, 1, 50, tzinfo=berlin).timestamp()
    for minute in range(0, 180, 10):
        wall = datetime.fromtimestamp(began + minute * 60, berlin)
        after = clock.moment(stamp(wall), after)
        moments.append(after)
    assert moments == [began + minute * 60 for minute in range(0, 180, 10)]


@pytest.mark.parametrize(
    "text", [b"2026-13-01 00:00:00", b"2026-02-30 00:00:00", b"0000-00-00 00:00:00", b"9999-99-99 99:99:99"]
)
def test_what_is_no_time_is_none(text: bytes) -> None:
    assert LocalTime().moment(Stamp(text, 0), None) is None
