import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.postgresql.answers import MIB, answer

WAITING = {"ready_segments": 2, "oldest_ready": 1_700_000_050.0, "first_ready": "0000000000000003"}


def test_where_nothing_waits_the_bytes_of_the_current_segment_are_not_archived() -> None:
    assert answer().lag_bytes == 1000
    assert answer(position=5 * 16 * MIB).lag_bytes == 0


@pytest.mark.parametrize("size", [1, 16, 64, 1024])
def test_bytes_that_wait_count_from_the_first_segment_that_waits_whatever_its_size(size: int) -> None:
    waiting = WAITING | {"segment_size": size * MIB}
    assert answer(**waiting, position=5 * size * MIB + 7).lag_bytes == 2 * size * MIB + 7


def test_a_segment_that_waits_behind_the_position_is_no_negative_lag() -> None:
    assert answer(**WAITING | {"first_ready": "00000000000000FF"}).lag_bytes == 0


def test_a_history_file_that_waits_is_no_position() -> None:
    history = answer(ready_segments=1, oldest_ready=1_700_000_050.0)
    assert history.first_ready is None
    assert history.lag_bytes == 1000


def test_the_timeline_is_a_hexadecimal_number_and_a_standby_tells_none() -> None:
    assert answer(timeline="0000001F").timeline == 31
    assert answer(in_recovery=True, timeline=None).timeline is None


def test_a_standby_that_has_received_nothing_is_at_the_beginning() -> None:
    assert answer(in_recovery=True, timeline=None, position=None).position == 0


def test_it_fails_while_what_waits_was_tried_in_vain() -> None:
    assert answer(**WAITING, last_failed=1_700_000_060.0, last_archived=1_700_000_055.0).failing
    assert answer(**WAITING, last_failed=1_700_000_050.9, last_archived=None).failing


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"last_failed": 1_700_000_060.0}, id="nothing waits any more"),
        pytest.param(
            WAITING | {"last_failed": 1_700_000_060.0, "last_archived": 1_700_000_061.0}, id="archived since"
        ),
        pytest.param(
            WAITING | {"last_failed": 1_700_000_049.0, "last_archived": None}, id="before a promotion"
        ),
        pytest.param(WAITING | {"last_failed": None, "last_archived": None}, id="statistics were reset"),
    ],
)
def test_a_failure_that_is_history_is_no_failure(columns: dict[str, object]) -> None:
    assert not answer(**columns).failing


@pytest.mark.parametrize(
    "command",
    [
        "pgbackrest --stanza=main archive-push %p",
        "/usr/bin/pgbackrest --config=/etc/x.conf --stanza=main archive-push %p # nightly",
        "test ! -f /archive/%f && cp %p /archive/%f",
        'sh -c "exec pgbackrest archive-push %p"',
        "echo %f >> /tmp/seen; pgbackrest archive-push %p",
        "unbalanced ' %p",
    ],
)
def test_a_command_that_names_the_file_can_archive(command: str) -> None:
    assert answer(command=command).hindrance is None


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "archive_command is empty"),
        ("   ", "archive_command is empty"),
        ("true", "true, which archives nothing"),
        ("/bin/true", "true, which archives nothing"),
        ("/usr/bin/true %p", "true, which archives nothing"),
        (":", ":, which archives nothing"),
        ("exit 0", "exit, which archives nothing"),
        ("/bin/false", "false, which archives nothing"),
        ("cd .", "cd, which archives nothing"),
        ("echo %p", "echo, which archives nothing"),
        ("true # pgbackrest --stanza=main archive-push %p", "true, which archives nothing"),
        ("# pgbackrest --stanza=main archive-push %p", "archive_command is a comment"),
        ("pgbackrest --stanza=main archive-push", "%p is missing"),
        ("pgbackrest --stanza=main archive-push # %p", "%p is missing"),
    ],
)
def test_a_command_that_cannot_archive_is_told(command: str, words: str) -> None:
    hindrance = answer(command=command).hindrance
    assert hindrance is not None
    assert words in hindrance


@given(st.text())
def test_whatever_the_command_is_the_words_about_it_are_one_short_line(command: str) -> None:
    hindrance = answer(command=command).hindrance
    assert hindrance is None or (hindrance.isprintable() and len(hindrance) < 80)


def test_a_library_archives_without_a_command() -> None:
    assert answer(command="", library="basic_archive").hindrance is None


def test_with_archive_mode_off_nothing_is_archived_and_nothing_lags() -> None:
    off = answer(mode="off", command="(disabled)")
    assert off.hindrance == "archive_mode is off"
    assert off.lag_bytes is None


def test_what_waits_lags_even_where_archiving_is_hindered() -> None:
    assert answer(**WAITING, command="").lag_bytes == 2 * 16 * MIB + 1000


def test_a_standby_archives_only_with_archive_mode_always() -> None:
    assert answer().archives
    assert not answer(in_recovery=True, timeline=None).archives
    assert answer(in_recovery=True, timeline=None, mode="always").archives
