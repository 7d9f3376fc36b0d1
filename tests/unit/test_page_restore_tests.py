"""What the status page shows of restore tests."""

import re

from exporter.model.restore_tests import CHECKS, Check, Record, RestoreTests, Result, Running
from exporter.page import restore_tests
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot

NOW = 1_000_000.0
CHECKED = (
    Check(name="tables", state="ok", value="12 tables, 3000 rows"),
    Check(name="indexes", state="failed", words="heap <item> not found"),
    Check(name="slots", state="skipped", words="no connection to production is set"),
)


def run(age: float, result: Result = "proven", words: str = "20 checks passed") -> Record:
    return Record(
        stanza="main", repo=1, target="latest", started=NOW - age, ended=NOW - age + 90, result=result,
        words=words, checks=CHECKED, phases={"restore": 60.0, "replay": 30.0}, backup="20261122-100000F",
    )  # fmt: skip


def shown(*history: Record, running: bool = False, tail: tuple[str, ...] = ()) -> str:
    tests = RestoreTests(
        history=history,
        running=(Running(stanza="main", running=running),),
        tails={"main": tail} if tail else {},
    )
    known = Snapshot(
        settings=Settings(),
        expected=Expectation(),
        reload=Reload(1.0),
        restore_tests={"": Reading(value=tests, attempted=1.0)},
    )
    return restore_tests.block("main", known, NOW)


def test_without_a_run_it_says_how_to_make_one() -> None:
    assert "pgbackrest-exporter restore-test makes one" in shown()


def test_the_last_runs_are_shown_and_failed_ones_for_longer() -> None:
    history = [run(n * 3600) for n in range(1, 8)] + [run(9 * 3600, "not_proven", "indexes: rotten")]
    page = shown(*history, run(10 * 3600))
    assert [int(hours) for hours in re.findall(r">(\d+) h ago<", page)] == [1, 2, 3, 4, 5, 9]
    assert "indexes: rotten" in page
    assert "20 checks passed" not in page


def test_each_check_is_told_in_words() -> None:
    page = shown(run(60))
    assert "1 good, 1 failed, 1 skipped" in page
    for words in (
        f"{CHECKS['tables']} – 12 tables, 3000 rows",
        f"Not true: {CHECKS['indexes'].replace(chr(39), '&#x27;')} – heap &lt;item&gt; not found",
        f"Not checked: {CHECKS['slots'].replace(chr(39), '&#x27;')} – no connection to production is set",
    ):
        assert words in page
    assert page.index("Not true") < page.index("<details>"), "what failed needs no click"


def test_phases_the_log_and_a_test_that_runs_are_shown() -> None:
    page = shown(run(60, "not_proven"), running=True, tail=("-- restore", "ERROR: <no>"))
    assert "restore 60.0 s, replay 30.0 s" in page
    assert "ERROR: &lt;no&gt;" in page
    assert "one is running" in page
