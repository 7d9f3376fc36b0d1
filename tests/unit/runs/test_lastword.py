import dataclasses
import gc

import pytest

from exporter.metrics import GROUPS
from exporter.model.info import Backup, Backups, BackupType, Info, Stanza, Status
from exporter.model.runs import Dropped, History, Kind, Run, Runs, Stop, Verification
from exporter.runs import lastword
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.table import Renderer
from tests.unit.test_table import lines

FULL = Kind(stanza="demo", command="backup", backup_type="full", repo="1")
INCR = dataclasses.replace(FULL, backup_type="incr")
EXPIRE = Kind(stanza="demo", command="expire")


def backup(type_: BackupType, stop: int, *, repo: int = 1, error: bool = False) -> Backup:
    return Backup(
        stanza="demo", repo=repo, label=f"{type_}{stop}", type=type_, database_id=1, start=stop - 10, stop=stop,
        size=1, delta=1, repo_size=1, repo_delta=1, error=error, prior=None, wal_start=None, wal_stop=None,
        lsn_start=None, backrest_version="2.59.1",
    )  # fmt: skip


def failed(kind: Kind, start: float, end: float) -> History:
    run = Run(kind=kind, result="failure", start=start, end=end, exit_code=82)
    return History(kind=kind, last_start=start, last=run, last_failed=run, failures=1)


def snapshot(*histories: History, backups: tuple[Backup, ...] = (), **facts: object) -> Snapshot:
    stanza = Stanza(name="demo", status=Status(code=0, message="ok"), backups=Backups("demo", backups))
    info = Reading(value=Info(stanzas=(stanza,)), attempted=1.0, succeeded=1.0)
    runs = Reading(value=Runs(histories=histories, **facts), attempted=1.0, succeeded=1.0)  # type: ignore[arg-type]
    return Snapshot(
        settings=Settings(),
        expected=Expectation(("demo",)),
        reload=Reload(1.0),
        info={"": info},
        runs={"": runs},
    )


def judged(*histories: History, backups: tuple[Backup, ...]) -> dict[Kind, History]:
    return {one.kind: one for one in lastword.histories(snapshot(*histories, backups=backups))}


@pytest.mark.parametrize(
    ("newest", "failing"),
    [
        (backup("incr", 2000), False),
        (backup("diff", 2000), False),
        (backup("full", 2000), False),
        (backup("full", 900), True),
        (backup("full", 2000, error=True), True),
        (backup("full", 2000, repo=2), True),
    ],
)
def test_a_newer_good_backup_of_that_or_a_stronger_type_has_the_last_word(
    newest: Backup, failing: bool
) -> None:
    assert judged(failed(INCR, 980, 1000), backups=(newest,))[INCR].failing is failing


def test_a_failing_full_is_not_hidden_by_a_good_incr() -> None:
    assert judged(failed(FULL, 980, 1000), backups=(backup("incr", 2000), backup("diff", 2000)))[FULL].failing


def test_a_command_that_took_a_good_backup_and_failed_has_failed_at_its_expire() -> None:
    found = judged(failed(INCR, 985, 1005), backups=(backup("incr", 1000),))
    assert (found[INCR].failing, found[EXPIRE].failing) == (False, True)
    codes = {kind: history.last.exit_code for kind, history in found.items() if history.last}
    assert codes == {INCR: 0, EXPIRE: 82}


def test_a_failure_that_the_log_tells_of_is_the_backups_own() -> None:
    failure = failed(INCR, 985, 1005)
    assert failure.last is not None
    run = dataclasses.replace(failure.last, logged=True)
    logged = dataclasses.replace(failure, last=run, last_failed=run)
    found = judged(logged, backups=(backup("incr", 1000),))
    assert found == {INCR: dataclasses.replace(logged, last_success=1000.0)}
    assert found[INCR].failing


def test_where_expire_has_a_log_of_its_own_it_speaks_for_itself() -> None:
    good = Run(kind=EXPIRE, result="success", start=1000, end=1001, exit_code=0)
    expire = History(kind=EXPIRE, last=good, last_success=1001)
    found = judged(failed(INCR, 985, 1005), expire, backups=(backup("incr", 1000),))
    assert found[EXPIRE] == expire


def test_nothing_is_claimed_until_info_was_asked_once() -> None:
    known = snapshot(failed(FULL, 1000, 1100))
    before = dataclasses.replace(known, info={"": Reading()})
    assert list(lastword.histories(before)) == []
    unanswered = dataclasses.replace(known, info={"": Reading(attempted=1.0, error="pgbackrest: not found")})
    assert [one.failing for one in lastword.histories(unanswered)] == [True]


def test_the_same_facts_are_the_same_objects() -> None:
    known = snapshot(failed(INCR, 985, 1005), backups=(backup("incr", 1000),))
    for one, other in zip(lastword.histories(known), lastword.histories(known), strict=True):
        assert one is other


def test_no_list_of_backups_is_kept_but_the_last() -> None:
    for stop in range(7000, 7050):
        judged(failed(FULL, 900, 1000), backups=(backup("full", stop),))
    gc.collect()
    kept = [one for one in gc.get_objects() if isinstance(one, Backup) and 7000 <= one.stop < 7050]
    assert [one.stop for one in kept] == [7049]


def test_a_stanza_that_nobody_expects_or_lists_is_left_out() -> None:
    gone = dataclasses.replace(INCR, stanza="gone")
    assert judged(failed(gone, 1, 2), failed(INCR, 1, 2), backups=()).keys() == {INCR}


def test_every_fact_is_a_sample_and_what_is_unknown_is_none() -> None:
    history = failed(FULL, 980.25, 1000.5)
    silent = History(kind=INCR, last_start=7.5)
    known = snapshot(
        history,
        silent,
        verifications=(Verification(stanza="demo", repo="1", ok=False, invalid_files=3, completed=5.5),),
        dropped=(Dropped(stanza="demo", segments=2),),
        stops=(Stop(stanza="demo", stopped=True),),
        troubles=("one",),
    )
    shown = [
        line
        for line in lines(Renderer(GROUPS), known)
        if "run" in line or "verify" in line or "stop" in line or "dropped" in line
    ]
    full = 'stanza="demo",command="backup",backup_type="full",repo="1"'
    incr = full.replace("full", "incr")
    assert set(shown) >= {
        f"pgbackrest_run_last_start_timestamp_seconds{{{full}}} 980.25",
        f"pgbackrest_run_last_end_timestamp_seconds{{{full}}} 1000.5",
        f"pgbackrest_run_last_failure_timestamp_seconds{{{full}}} 1000.5",
        f"pgbackrest_run_last_duration_seconds{{{full}}} 20.25",
        f"pgbackrest_run_last_exit_code{{{full}}} 82",
        f'pgbackrest_runs_total{{{full},result="failure"}} 1',
        f'pgbackrest_runs_total{{{full},result="killed"}} 0',
        'pgbackrest_verify_last_ok{stanza="demo",repo="1"} 0',
        'pgbackrest_verify_last_invalid_files{stanza="demo",repo="1"} 3',
        'pgbackrest_verify_last_completion_timestamp_seconds{stanza="demo",repo="1"} 5.5',
        'pgbackrest_wal_dropped_segments_total{stanza="demo"} 2',
        'pgbackrest_stanza_stopped{stanza="demo"} 1',
        "pgbackrest_runs_unreadable_sources 1",
    }
    assert [line for line in shown if f"{{{incr}}}" in line] == [
        f"pgbackrest_run_last_start_timestamp_seconds{{{incr}}} 7.5"
    ]
    assert f"pgbackrest_run_last_success_timestamp_seconds{{{full}}}" not in " ".join(shown)
