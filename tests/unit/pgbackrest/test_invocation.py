import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.pgbackrest.invocation import Invocation, of_options, of_words


def asked(
    command: str = "backup", stanza: str = "main", backup_type: str = "", repo: str | None = None
) -> Invocation:
    return Invocation(command=command, stanza=stanza, backup_type=backup_type, repo=repo)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pgbackrest --stanza=main backup", asked(backup_type="incr")),
        ("pgbackrest --stanza=main --type=full backup", asked(backup_type="full")),
        ("pgbackrest backup --stanza main --type diff --repo 2", asked(backup_type="diff", repo="2")),
        ("/usr/bin/pgbackrest --repo1-path=/b --stanza=main expire", asked("expire")),
        ("sudo -u backup pgbackrest --stanza=main verify", asked("verify")),
        ("ssh repo-host pgbackrest --stanza=main --type=time --target=x restore", asked("restore")),
        ("pgbackrest check", asked("check", stanza="")),
        ("pgbackrest --stanza=main --repo=all backup", asked(backup_type="incr")),
        ("/usr/local/bin/nightly", asked("", stanza="")),
        ("nightly-backup expire", asked("expire", stanza="")),
    ],
)
def test_a_command_line_tells_what_it_asks_for(line: str, expected: Invocation) -> None:
    assert of_words(line.split(), {}) == expected


def test_the_environment_tells_what_the_command_line_does_not() -> None:
    environ = {"PGBACKREST_STANZA": "env", "PGBACKREST_TYPE": "full", "PGBACKREST_REPO": "3"}
    assert of_words(["pgbackrest", "--stanza=main", "backup"], environ) == asked(backup_type="full", repo="3")


def test_the_options_of_a_begin_line_tell_the_same() -> None:
    line = " 2.45: --exec-id=1-a --repo=2 --repo1-path=/one --repo3-host=h --stanza=other --type=diff"
    assert of_options("backup", "main", line) == (asked(backup_type="diff", repo="2"), "1")


def test_the_lowest_repository_is_the_one_that_is_used() -> None:
    found, lowest = of_options("backup", "main", " 2.59.1: --repo2-path=/two --repo10-path=/ten")
    assert found.repository(lowest) == "2"
    found, lowest = of_options("expire", "main", " 2.59.1: --repo2-path=/two --repo10-path=/ten")
    assert found.repository(lowest) == ""


@given(st.lists(st.text()))
def test_any_words_are_read(words: list[str]) -> None:
    found = of_words(words, {})
    assert found.backup_type in ("", "full", "diff", "incr")
