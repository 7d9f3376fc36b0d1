"""The sentences that say whether a database can be recovered, on facts as their sources give them."""

from dataclasses import replace

import pytest

from exporter.model.archiver import Archiver
from exporter.model.info import Archive, Database, Stanza, Status
from exporter.model.repository import Held, Holdings
from exporter.model.restore_tests import Record, RestoreTests
from exporter.model.restore_tests import Tested as Outcome
from exporter.snapshot import Reading, Snapshot
from exporter.verdict.recovery import sentences
from exporter.verdict.stanza import judge, judge_repository
from tests.unit import archives
from tests.unit.test_page import HOUR, NOW, backup, snapshot, stanza
from tests.unit.verdict.test_findings import ARCHIVING


def said(one: Stanza, known: Snapshot | None = None) -> str:
    return " ".join(sentences(one, known or snapshot(one), NOW))


MIB = 1 << 20
START, END = int(NOW - 4 * HOUR), int(NOW - HOUR)


def listed(
    *missing: int, repos: tuple[Status, ...] = (Status(code=0, message="ok"),), attempted: float = NOW - 60
) -> tuple[Stanza, Snapshot]:
    """A stanza with a backup of segment 2, and of each repository a listing, a minute old, of 1 to 5 less *missing*."""
    numbers = range(1, len(repos) + 1)
    one = stanza(
        *(replace(archives.backup("20261122-071108F", 2, 2, stop=START), repo=repo) for repo in numbers)
    )
    one = replace(
        one,
        repos=tuple(replace(repo, status=status) for repo, status in zip(one.repos, repos, strict=True)),
        databases=tuple(Database(id=1, repo=repo, version="15", system_id=1) for repo in numbers),
        archives=tuple(
            Archive(database_id=1, repo=repo, oldest=None, newest=None, wal_segment_size=16 * MIB)
            for repo in numbers
        ),
    )
    moments = {number: START if number < 5 else END for number in range(1, 6) if number not in missing}
    holdings = Holdings(
        stanza="demo",
        repos=tuple(
            Held(
                stanza="demo",
                repo=repo,
                listed=NOW - 60,
                archives=(archives.archive({(1, number): at for number, at in moments.items()}),),
            )
            for repo in numbers
        ),
    )
    reading = Reading(value=holdings, attempted=attempted, succeeded=NOW - 59)
    return one, replace(snapshot(one), repository={"demo": reading})


def test_the_window_is_told_from_its_first_moment_to_its_last() -> None:
    words = said(*listed())
    assert words.startswith("Can be recovered to any moment from 2026-")
    assert "(4 h ago) to" in words
    assert words.endswith("(1 h ago), from repo1.")


def test_a_window_that_was_not_read_lately_does_not_pass_for_todays() -> None:
    words = said(*listed(attempted=NOW - 1))
    assert words.endswith("(1 h ago), from repo1 as it was 1 min ago: it could not be listed since.")


def test_a_hole_behind_the_only_backup_leaves_its_own_moment() -> None:
    words = said(*listed(3))
    assert words.startswith("Can be recovered to 2026-")
    assert words.endswith(" (4 h ago) and to no other moment, from repo1.")


def test_a_backup_without_its_own_wal_cannot_be_restored() -> None:
    words = "No backup of the present timeline in repo1 can be restored: each lacks WAL of its own."
    assert said(*listed(2)) == words


@pytest.mark.parametrize(("broken", "whole"), [(1, 2), (2, 1)])
def test_of_two_repositories_the_one_that_answers_is_told_and_the_other_is_red(
    broken: int, whole: int
) -> None:
    statuses = [Status(code=0, message="ok"), Status(code=0, message="ok")]
    statuses[broken - 1] = Status(code=99, message="[FileOpenError] unable to open the repository")
    one, known = listed(repos=tuple(statuses))
    assert said(one, known).endswith(f"from repo{whole}.")
    assert [judge_repository(one, repo, known, NOW) for repo in one.repos] == [
        "critical" if repo.key == broken else "ok" for repo in one.repos
    ]
    assert judge(one, known, NOW) == "warning"


def test_without_a_listing_it_does_not_claim_that_wal_is_whole() -> None:
    words = said(stanza(backup(2 * HOUR), backup(HOUR, "incr")))
    assert words.startswith("Its newest backup is of 2026-")
    assert words.endswith("whether the WAL since then is whole is not known.")


def test_without_a_backup_it_cannot_be_recovered() -> None:
    assert said(stanza()) == "It cannot be recovered: no backup of the current database is known."


def test_without_an_answer_of_its_repository_it_claims_nothing() -> None:
    refused = Status(code=99, message="[HostConnectError] unable to connect to 'repo-host:8432'")
    one = stanza(status=refused, repo_status=refused)
    assert said(one) == "Whether it can be recovered is not known: repo1 cannot be read."
    assert judge(one, snapshot(one), NOW) == "critical"


def test_of_a_stanza_that_is_not_listed_nothing_is_claimed() -> None:
    assert said(stanza(status=None)) == "pgBackRest does not list it: nothing is known of its backups."


def test_what_is_not_archived_yet_and_the_last_proof_are_told() -> None:
    one = stanza(backup(HOUR))
    proof = Record(
        stanza="demo", repo=1, target="latest", started=NOW - 9, ended=NOW, result="proven", words=""
    )
    known = replace(
        snapshot(one),
        archiver={"demo": Reading(value=Archiver(archiving=replace(ARCHIVING, lag_bytes=3 << 20)))},
        restore_tests={
            "": Reading(value=RestoreTests(tested=(Outcome(last=proof, last_success=NOW - HOUR),)))
        },
    )
    words = said(one, known)
    assert "3.0 MiB of WAL are not archived yet." in words
    assert words.endswith("A restore test proved it 1 h ago.")
    assert judge(one, known, NOW) == "ok"


def test_a_finding_beside_the_repositories_makes_the_stanza_red() -> None:
    one = stanza(backup(HOUR))
    off = replace(ARCHIVING, hindrance="archive_mode is off")
    known = replace(snapshot(one), archiver={"demo": Reading(value=Archiver(archiving=off))})
    assert judge(one, known, NOW) == "critical"
