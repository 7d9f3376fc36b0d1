"""Each finding has its verdict, and nothing is found where all is well."""

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from exporter.model.archiver import Archiver, Archiving
from exporter.model.patroni import Cluster, Topology
from exporter.model.repository import Capacity, Held, Outlook, Recovery
from exporter.model.restore_tests import Record, RestoreTests
from exporter.model.restore_tests import Tested as Outcome
from exporter.model.runs import History, Kind, Run, Runs, Stop, Verification
from exporter.settings import Settings, Threshold, Thresholds
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.verdict import archiver, repository, restore_tests
from exporter.verdict.runs import findings as findings_of_runs
from exporter.verdict.scale import Finding, Verdict

NOW = 1795400000.0
HOUR, DAY = 3600.0, 86400.0

ARCHIVING = Archiving(
    server="pg1:5432",
    role="primary",
    hindrance=None,
    ready_segments=0,
    oldest_ready=None,
    lag_bytes=1000,
    failing=False,
    last_archived=NOW - 60,
    last_failed=None,
    archived=5,
    failures=0,
    timeline=1,
    wal_segment_size=16 << 20,
    position=1 << 30,
    clock_skew=0.0,
)
TOPOLOGY = Topology(dcs_reachable=True, has_leader=True, leader="pg1", timeline=1, paused=False)
HELD = Held(stanza="demo", repo=1, listed=NOW - 60)
RECOVERY = Recovery(
    missing_newest=0, missing_older=0, without_wal=(), start=int(NOW - DAY), end=int(NOW - 60)
)
OUTLOOK = Outlook(
    held=HELD,
    recovery=RECOVERY,
    orphans=0,
    orphan_size=0,
    backup_size=1 << 30,
    capacity=Capacity(size=100, used=50, available=50),
)
RECORD = Record(
    stanza="demo",
    repo=1,
    target="latest",
    started=NOW - HOUR,
    ended=NOW - HOUR + 60,
    result="proven",
    words="it is",
)


def snapshot(settings: Settings | None = None) -> Snapshot:
    return Snapshot(settings=settings or Settings(), expected=Expectation(("demo",)), reload=Reload(NOW))


def told(findings: Iterable[Finding]) -> list[tuple[Verdict, str]]:
    return [(finding.verdict, finding.words) for finding in findings]


def of_archiving(
    one: Archiving | None, topology: Topology = TOPOLOGY, spool: int | None = None
) -> list[tuple[Verdict, str]]:
    known = replace(
        snapshot(),
        archiver={"demo": Reading(value=Archiver(archiving=one, spool_errors=spool))},
        patroni={"demo": Reading(value=Cluster(topology=topology))},
    )
    return told(archiver.findings("demo", known, NOW))


def test_archiving_that_works_is_nothing_to_tell() -> None:
    assert of_archiving(ARCHIVING) == []
    waits = replace(ARCHIVING, oldest_ready=NOW - 30, ready_segments=1)
    assert of_archiving(waits) == [], "one that waits for a moment"


@pytest.mark.parametrize(
    ("one", "verdict", "words"),
    [
        (
            replace(ARCHIVING, oldest_ready=NOW - 301, ready_segments=1),
            "warning",
            "One complete WAL segment waits",
        ),
        (
            replace(ARCHIVING, oldest_ready=NOW - 601, ready_segments=40),
            "critical",
            "40 complete WAL segments wait",
        ),
        (
            replace(ARCHIVING, hindrance="archive_mode is off"),
            "critical",
            "No WAL is archived: archive_mode is off.",
        ),
        (
            replace(ARCHIVING, failing=True, last_failed=NOW - 5),
            "warning",
            "The last attempt to archive failed, at ",
        ),
        (
            replace(ARCHIVING, clock_skew=-90.0),
            "warning",
            "The clocks of pg1:5432 and of the exporter differ by 1 min 30 s.",
        ),
    ],
    ids=["late", "too late", "off", "failing", "clocks"],
)
def test_archiving_that_does_not_is_told(one: Archiving, verdict: Verdict, words: str) -> None:
    ((found, said),) = of_archiving(one)
    assert found == verdict
    assert said.startswith(words)


@pytest.mark.parametrize(
    ("topology", "verdict", "words"),
    [
        (replace(TOPOLOGY, has_leader=False, leader=None), "critical", "has no leader"),
        (replace(TOPOLOGY, paused=True), "warning", "is paused"),
        (replace(TOPOLOGY, dcs_reachable=False), "warning", "cannot reach"),
    ],
)
def test_what_patroni_says_of_its_cluster_is_told(topology: Topology, verdict: Verdict, words: str) -> None:
    ((found, said),) = of_archiving(ARCHIVING, topology)
    assert found == verdict
    assert words in said


def test_a_leader_that_is_not_known_is_not_missing() -> None:
    assert of_archiving(None, replace(TOPOLOGY, has_leader=None, leader=None)) == []


def test_wal_that_waits_without_a_connection_is_told() -> None:
    behind = Archiver(asked=False, behind=NOW - 700)
    known = replace(snapshot(), archiver={"demo": Reading(value=behind)})
    ((verdict, words),) = told(archiver.findings("demo", known, NOW))
    assert verdict == "critical"
    assert "for 11 min 40 s" in words


def test_errors_in_the_spool_are_told_without_a_server() -> None:
    assert [verdict for verdict, _ in of_archiving(None, spool=2)] == ["warning"]


def of_repository(outlook: Outlook, settings: Settings | None = None) -> list[tuple[Verdict, str]]:
    return told(repository.findings(outlook, snapshot(settings), NOW))


def test_a_whole_archive_with_room_is_nothing_to_tell() -> None:
    assert of_repository(OUTLOOK) == []
    assert of_repository(replace(OUTLOOK, recovery=Recovery(), capacity=None, orphans=None)) == [], (
        "nothing is known"
    )


@pytest.mark.parametrize(
    ("recovery", "verdict", "words"),
    [
        (replace(RECOVERY, missing_newest=1), "critical", "1 WAL segment is missing since the newest backup"),
        (
            replace(RECOVERY, missing_older=3),
            "warning",
            "3 WAL segments are missing before the newest backup",
        ),
        (replace(RECOVERY, without_wal=("a", "b", "c", "d")), "critical", "4 backups lack WAL of their own"),
        (replace(RECOVERY, strays=(3,)), "critical", "The archive holds timeline 3"),
    ],
)
def test_a_hole_is_told(recovery: Recovery, verdict: Verdict, words: str) -> None:
    ((found, said),) = of_repository(replace(OUTLOOK, recovery=recovery))
    assert (found, said[: len(words)]) == (verdict, words)


@pytest.mark.parametrize(
    ("used", "found"), [(80, []), (81, ["warning"]), (90, ["warning"]), (91, ["critical"])]
)
def test_room_is_judged_as_df_counts_it(used: int, found: list[Verdict]) -> None:
    room = Capacity(size=120, used=used, available=100 - used)  # 20 are kept for root
    assert [verdict for verdict, _ in of_repository(replace(OUTLOOK, capacity=room))] == found


def test_a_short_window_is_told_once_it_is_asked_for() -> None:
    wanted = Settings(thresholds=Thresholds(recovery_window=Threshold(warning=2 * DAY, critical=DAY / 2)))
    assert of_repository(OUTLOOK, wanted) == [("warning", "The recovery window is 1 d, 2 d is wanted.")]
    both = Settings(thresholds=Thresholds(recovery_window=Threshold(warning=9 * DAY, critical=2 * DAY)))
    assert [verdict for verdict, _ in of_repository(OUTLOOK, both)] == ["critical"]


def test_a_listing_that_failed_since_is_told() -> None:
    ((verdict, words),) = of_repository(
        replace(OUTLOOK, held=replace(HELD, listed=NOW - 7200, error="no route"))
    )
    assert (verdict, words) == ("warning", "It was last listed 2 h ago, since then: no route")


def of_tests(
    record: Record, success: float | None, settings: Settings | None = None
) -> list[tuple[Verdict, str]]:
    tests = RestoreTests(tested=(Outcome(last=record, last_success=success),))
    known = replace(snapshot(settings), restore_tests={"": Reading(value=tests)})
    return told(restore_tests.findings("demo", known, NOW))


def test_a_proof_is_nothing_to_tell_until_it_is_old() -> None:
    assert of_tests(RECORD, NOW - DAY) == []
    assert [verdict for verdict, _ in of_tests(RECORD, NOW - 9 * DAY)] == ["warning"]
    assert [verdict for verdict, _ in of_tests(RECORD, NOW - 16 * DAY)] == ["critical"]
    off = Settings(
        thresholds=Thresholds(restore_test=Threshold()),
    )
    assert of_tests(RECORD, NOW - 99 * DAY, off) == []


def test_what_stood_in_the_way_is_told_until_another_test_was_made() -> None:
    """A test that chose no repository is never followed by another of that repository."""
    stopped = Outcome(last=replace(RECORD, repo=None, result="could_not_try", ended=NOW - 60))
    since = Outcome(last=replace(RECORD, ended=NOW - 30), last_success=NOW - 30)
    before = Outcome(last=replace(RECORD, ended=NOW - 90), last_success=NOW - 90)
    for other, count in ((since, 0), (before, 1)):
        tests = RestoreTests(tested=(stopped, other))
        known = replace(snapshot(), restore_tests={"": Reading(value=tests)})
        assert len(told(restore_tests.findings("demo", known, NOW))) == count


def test_a_stanza_that_was_never_tested_is_not_blamed() -> None:
    assert told(restore_tests.findings("demo", snapshot(), NOW)) == []


@pytest.mark.parametrize(
    ("result", "verdict"),
    [("not_proven", "critical"), ("polluted", "critical"), ("could_not_try", "warning")],
)
def test_a_test_that_failed_is_told_in_its_own_words(result: str, verdict: Verdict) -> None:
    record = replace(RECORD, result=result, words="a page is damaged")  # type: ignore[arg-type]
    ((found, said),) = of_tests(record, NOW - DAY)
    assert found == verdict
    assert said.endswith("a page is damaged")


KIND = Kind(stanza="demo", command="backup", backup_type="full", repo="1")
FAILED = Run(
    kind=KIND, result="failure", start=NOW - 90, end=NOW - 60, exit_code=82, words="WAL was not archived"
)


def of_runs(runs: Runs) -> list[tuple[Verdict, str]]:
    return told(findings_of_runs("demo", replace(snapshot(), runs={"": Reading(value=runs)})))


def test_a_run_that_failed_is_told_until_one_of_its_kind_succeeds() -> None:
    history = History(kind=KIND, last=FAILED, last_failed=FAILED, last_success=NOW - HOUR)
    ((verdict, words),) = of_runs(Runs(histories=(history,)))
    assert verdict == "warning"
    assert words.startswith("The last full backup to repo1 failed at 2026-")
    assert words.endswith(" with exit code 82: WAL was not archived")
    assert of_runs(Runs(histories=(replace(history, last_success=NOW),))) == []


def test_a_run_that_vanished_was_killed() -> None:
    killed = replace(FAILED, result="killed", end=None, exit_code=None, words=None)
    ((_, words),) = of_runs(Runs(histories=(History(kind=KIND, last=killed, last_failed=killed),)))
    assert re.fullmatch(r"The last full backup to repo1 was killed at [-0-9: ]+ UTC\.", words)


@pytest.mark.parametrize(
    "runs",
    [
        Runs(stops=(Stop(stanza="demo", stopped=True),)),
        Runs(
            verifications=(Verification(stanza="demo", repo="1", ok=False, invalid_files=2, completed=NOW),)
        ),
    ],
    ids=["stop file", "verify"],
)
def test_a_stop_file_and_damage_are_critical(runs: Runs) -> None:
    assert [verdict for verdict, _ in of_runs(runs)] == ["critical"]


def test_what_is_of_another_stanza_or_good_is_not_told() -> None:
    other = Runs(
        stops=(Stop(stanza="other", stopped=True), Stop(stanza="demo", stopped=False)),
        verifications=(Verification(stanza="demo", repo="1", ok=True, invalid_files=0, completed=NOW),),
    )
    assert of_runs(other) == []
