"""The sentences that say whether a database can be recovered, on facts as their sources give them."""

from dataclasses import replace

from exporter.model.archiver import Archiver
from exporter.model.info import Stanza, Status
from exporter.model.restore_tests import Record, RestoreTests
from exporter.model.restore_tests import Tested as Outcome
from exporter.snapshot import Reading, Snapshot
from exporter.verdict.recovery import sentences
from exporter.verdict.stanza import judge
from tests.unit.test_page import HOUR, NOW, backup, snapshot, stanza
from tests.unit.verdict.test_findings import ARCHIVING


def said(one: Stanza, known: Snapshot | None = None) -> str:
    return " ".join(sentences(one, known or snapshot(one), NOW))


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
