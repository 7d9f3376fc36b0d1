import dataclasses
import re
from html.parser import HTMLParser

import pytest

from exporter import page
from exporter.model.info import Backup, Backups, Database, Info, Lock, Progress, Repository, Stanza, Status
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot

NOW = 1795400000.0
HOUR, DAY = 3600, 86400
OK = Status(code=0, message="ok")


def backup(age: float, type_: str = "full", repo: int = 1, *, error: bool = False) -> Backup:
    stop = int(NOW - age)
    return Backup(
        stanza="demo",
        repo=repo,
        label=f"20261122-071108F-{stop}",
        type=type_,  # type: ignore[arg-type]
        database_id=1,
        start=stop - 90,
        stop=stop,
        size=5 << 30,
        delta=3 << 20,
        repo_size=None,
        repo_delta=2048,
        error=error,
        prior=None,
        wal_start=None,
        wal_stop=None,
        lsn_start=None,
        backrest_version="2.59.1",
    )


def stanza(
    *backups: Backup, status: Status | None = OK, repo_status: Status = OK, locks: tuple[Lock, ...] = ()
) -> Stanza:
    repos = sorted({one.repo for one in backups} or {1})
    return Stanza(
        name="demo",
        status=status,
        repos=tuple(Repository(key=repo, cipher="none", status=repo_status) for repo in repos),
        databases=tuple(Database(id=1, repo=repo, version="15", system_id=1) for repo in repos),
        locks=locks,
        backups=Backups("demo", backups),
    )


def snapshot(*stanzas: Stanza, expected: tuple[str, ...] = ("demo",)) -> Snapshot:
    reading = Reading(
        value=Info(stanzas=stanzas, version="2.59.1"), attempted=NOW, succeeded=NOW - 5, took=0.2
    )
    return Snapshot(
        settings=Settings(), expected=Expectation(expected), reload=Reload(NOW), info={"": reading}
    )


def shown(known: Snapshot) -> str:
    return page.render(known, now=NOW, telemetry_path="/metrics")


def headline(known: Snapshot) -> str:
    found = re.search(r"<h1>(.*)</h1>", shown(known))
    assert found is not None
    return re.sub(r"<[^>]+>", "", found[1])


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (stanza(backup(HOUR)), "✓ The stanza is fine"),
        (stanza(backup(9 * DAY), backup(HOUR, "incr")), "! 1 of 1 stanza to look at"),
        (stanza(backup(60 * HOUR)), "✗ 1 of 1 stanza in danger"),
        (stanza(backup(HOUR, error=True)), "! 1 of 1 stanza to look at"),
        (stanza(backup(HOUR), backup(60 * HOUR, repo=2)), "! 1 of 1 stanza to look at"),
        (stanza(status=Status(code=2, message="no valid backups")), "✗ 1 of 1 stanza in danger"),
        (stanza(backup(HOUR), status=None), "✗ 1 of 1 stanza in danger"),
        (stanza(backup(HOUR), repo_status=Status(code=99, message="x")), "✗ 1 of 1 stanza in danger"),
    ],
)
def test_the_headline_judges_by_the_thresholds(one: Stanza, said: str) -> None:
    assert headline(snapshot(one)) == said


def test_the_backup_that_makes_it_red_is_marked() -> None:
    assert "too old</strong>" in shown(snapshot(stanza(backup(60 * HOUR))))
    assert "old</strong>" not in shown(snapshot(stanza(backup(60 * HOUR), backup(HOUR, "incr"))))


def test_before_the_first_reading_it_says_so() -> None:
    known = dataclasses.replace(snapshot(), info={"": Reading()})
    assert headline(known) == "? pgBackRest has not been asked yet"


def test_without_any_value_it_is_not_fine() -> None:
    failed: Reading[Info] = Reading(attempted=NOW, error="pgbackrest: not found", errors=1)
    known = dataclasses.replace(snapshot(), info={"": failed})
    assert headline(known) == "✗ pgBackRest could not be asked"
    assert "pgbackrest: not found" in shown(known)


def test_what_is_kept_after_a_failure_is_called_old_at_the_top() -> None:
    known = snapshot(stanza(backup(HOUR)))
    failed = dataclasses.replace(known.info[""], error="no answer", succeeded=NOW - 300)
    html = shown(dataclasses.replace(known, info={"": failed}))
    assert "The collector info fails, it worked 5 min ago: what it told last is shown." in html


def test_a_stanza_of_which_nothing_is_known_is_not_passed_over() -> None:
    known = snapshot(stanza(backup(HOUR)), expected=("demo", "own"))
    known = dataclasses.replace(
        known,
        info={**known.info, "own": Reading()},
        expected=Expectation(("demo", "own"), own=frozenset({"own"})),
    )
    assert headline(known) == "? 1 of 2 stanzas not known"
    assert "Nothing is known of it" in shown(known)


def test_a_running_backup_shows_how_far_it_is() -> None:
    lock = Lock(command="backup", held=True, progress=(Progress(repo=2, size=4 << 30, done=1 << 30),))
    assert "A backup to repo2 is running: 1.0 GiB of 4.0 GiB" in shown(
        snapshot(stanza(backup(HOUR), locks=(lock,)))
    )


def test_nothing_that_others_wrote_becomes_markup() -> None:
    evil = Status(code=99, message="<script>alert(1)</script>\x00\x1b[31m\n" + "x" * 5000)
    one = dataclasses.replace(stanza(status=evil, repo_status=evil), name="<b>&\"'")
    html = shown(snapshot(one, expected=("<i>",)))
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", html)
    assert "x" * 1000 not in html


def test_every_tag_is_closed() -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
            if tag not in {"meta", "br"}:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    lock = Lock(command="restore", held=True, progress=(Progress(repo=None, size=1, done=1),))
    tags = Tags()
    tags.feed(
        shown(snapshot(stanza(backup(HOUR), backup(1, "diff"), locks=(lock,)), expected=("demo", "gone")))
    )
    assert tags.open == []


def test_it_needs_no_script_and_nothing_from_elsewhere() -> None:
    html = shown(snapshot(stanza(backup(HOUR))))
    assert "<script" not in html
    assert "http://" not in html
    assert "https://" not in html
