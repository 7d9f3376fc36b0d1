import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pgbackrest.lasterror import LONGEST, last_error, one_line


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        (
            b"ERROR: [050]: unable to acquire lock on file '/l': busy\n       HINT: is another one running?\n",
            "[050]: unable to acquire lock on file '/l': busy",
        ),
        (b"WARN: x\nP00  ERROR: [055]: unable to open\n", "[055]: unable to open"),
        (
            (
                b"2026-11-22 07:25:32.135 P00  ERROR: [103]: unable to find a valid repository:\n"
                b"                                    repo1: [FileMissingError] unable to load\n"
                b"2026-11-22 07:25:32.135 P00   INFO: backup command end: aborted with exception [103]\n"
            ),
            "[103]: unable to find a valid repository: repo1: [FileMissingError] unable to load",
        ),
        (b"ERROR: [001]: first\nERROR: [002]: second", "[002]: second"),
        (b"sh: nightly: not found\n", "sh: nightly: not found"),
        (b"", None),
        (b"\n \n", None),
    ],
)
def test_the_last_error_is_one_line(printed: bytes, words: str | None) -> None:
    assert last_error(printed) == words


@pytest.mark.parametrize(
    "told",
    [
        "repo1-cipher-pass=hunter2",
        "--repo1-s3-key-secret=hunter2 more",
        "password: hunter2",
        "PASSWORD='hunter2'",
        "https://me:hunter2@s3.example",
        "GET /x?sig=hunter2&se=1",
        "X-Amz-Security-Token=hunter2",
    ],
)
def test_no_secret_is_kept(told: str) -> None:
    assert "hunter2" not in one_line(told)
    assert "<redacted>" in one_line(told)


@given(st.binary())
def test_whatever_was_printed_becomes_one_bounded_printable_line(printed: bytes) -> None:
    words = last_error(printed)
    assert words is None or (words.isprintable() and len(words) <= LONGEST + 10)
