"""What becomes of restore tests in the exposition."""

from dataclasses import replace

from exporter.exposition import Block
from exporter.metrics import restore_tests
from exporter.model import restore_tests as model
from exporter.model.info import Archive, Backup, Backups, Database, Info, Repository, Stanza, Status
from exporter.model.restore_tests import Check, Record, RestoreTests, Running
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.table import Renderer
from tests.unit.rendering import rendered

OK = Status(code=0, message="ok")
RECORD = Record(
    stanza="main", repo=1, target="latest", backup="F", backup_type="full", started=1000.0, ended=1020.0,
    result="proven", words="", phases={"restore": 4.0, "replay": 6.0}, restored_bytes=1 << 20,
    replayed_wal_bytes=32 << 20, recovered_to=990.0,
    checks=(
        Check(name="restored", state="ok"),
        Check(name="indexes", state="failed"),
        Check(name="queries", state="skipped"),
    ),
)  # fmt: skip
TESTED = model.Tested(last=RECORD, last_success=1020.0, totals={"proven": 3})


def main() -> Stanza:
    """A stanza whose newest backup is twice what was restored, with two segments of WAL since."""
    segment = "00000001000000000000000{}"
    backup = Backup(
        stanza="main", repo=1, label="F", type="full", database_id=1, start=1, stop=2, size=2 << 20, delta=1,
        repo_size=1, repo_delta=1, error=None, prior=None, wal_start=segment.format(4),
        wal_stop=segment.format(4), lsn_start=None, backrest_version="2.45",
    )  # fmt: skip
    archive = Archive(
        database_id=1, repo=1, oldest=segment.format(1), newest=segment.format(7), wal_segment_size=16 << 20
    )
    return Stanza(
        name="main",
        status=OK,
        repos=(Repository(key=1, cipher="none", status=OK),),
        databases=(Database(id=1, repo=1, version="15", system_id=7),),
        archives=(archive,),
        backups=Backups("main", (backup,)),
    )


def samples(tests: RestoreTests) -> list[str]:
    known = Snapshot(
        settings=Settings(),
        expected=Expectation(),
        reload=Reload(1.0),
        info={"": Reading(value=Info(stanzas=(main(),)), attempted=1.0)},
        restore_tests={"": Reading(value=tests, attempted=1.0)},
    )
    body = rendered(Renderer(restore_tests.GROUPS), known).body(
        "", gzip=False, now=0.0, own=lambda _: Block.of(b"")
    )
    lines = b"".join(body.pieces).decode().splitlines()
    return [line.removeprefix("pgbackrest_") for line in lines if not line.startswith("#")]


def test_a_test_is_told_with_its_checks_phases_and_counts() -> None:
    where = 'stanza="main",repo="1",target="latest"'
    found = samples(
        RestoreTests(tested=(TESTED,), history=(RECORD,), running=(Running(stanza="main", running=True),))
    )
    assert found == [
        f"restore_test_last_run_timestamp_seconds{{{where}}} 1020.0",
        f"restore_test_last_success_timestamp_seconds{{{where}}} 1020.0",
        f"restore_test_success{{{where}}} 1",
        f"restore_test_duration_seconds{{{where}}} 20.0",
        f"restore_test_restored_bytes{{{where}}} 1048576",
        f"restore_test_replayed_wal_bytes{{{where}}} 33554432",
        f"restore_test_recovered_to_timestamp_seconds{{{where}}} 990.0",
        f'restore_test_last_result{{{where},result="proven"}} 1',
        f'restore_test_check_success{{{where},check="restored"}} 1',
        f'restore_test_check_success{{{where},check="indexes"}} 0',
        f'restore_test_phase_duration_seconds{{{where},phase="restore"}} 4.0',
        f'restore_test_phase_duration_seconds{{{where},phase="replay"}} 6.0',
        f'restore_test_info{{{where},backup="F",backup_type="full"}} 1',
        f'restore_tests_total{{{where},result="proven"}} 3',
        f'restore_tests_total{{{where},result="not_proven"}} 0',
        f'restore_tests_total{{{where},result="could_not_try"}} 0',
        f'restore_tests_total{{{where},result="polluted"}} 0',
        'restore_test_running{stanza="main"} 1',
        # Twice the bytes: 8 s; twice the WAL, four segments: 12 s.
        'recovery_time_estimate_seconds{stanza="main",repo="1"} 20.0',
    ]


def test_what_could_not_be_tried_is_neither_success_nor_failure() -> None:
    record = replace(
        RECORD, result="could_not_try", repo=None, backup=None, checks=(), phases={}, restored_bytes=None
    )
    found = samples(RestoreTests(tested=(model.Tested(last=record),), history=(record,)))
    assert not [line for line in found if line.startswith(("restore_test_success", "restore_test_info"))]
    assert not [line for line in found if line.startswith("recovery_time_estimate")]
    assert 'restore_test_last_result{stanza="main",repo="",target="latest",result="could_not_try"} 1' in found
