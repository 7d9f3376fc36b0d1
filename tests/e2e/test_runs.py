"""Commands that fail, are killed or find damage, with the real pgBackRest: shown, and gone when all is well again."""

import fcntl
import os
import signal
import subprocess  # noqa: TID251 - a backup that is to be killed
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.exporter import PROJECT, Exporter
from tests.lab.lab import Lab
from tests.lab.program import LabError, until
from tests.lab.stanza import Stanza
from tests.lab.summary import Scrape

NAME = "watched"
BACKUP = {"stanza": NAME, "command": "backup", "backup_type": "incr", "repo": "1"}
EXPIRE = {"stanza": NAME, "command": "expire"}
# pgBackRest insists on its own name in the command.
BROKEN = "exit 1 # pgbackrest"
SHOWS_WITHIN = 20.0


@pytest.fixture(scope="module")
def stanza(lab: Lab) -> Stanza:
    return lab.stanza(NAME)


@pytest.fixture(scope="module")
def watching(lab: Lab, stanza: Stanza) -> Iterator[Exporter]:
    """An exporter that has seen one good backup."""
    state = lab.path / "state"
    state.mkdir()
    settings = {
        "info": {"every": "1s"},
        "runs": {"every": "1s"},
        "repository": {"enabled": False},
        "state_path": str(state),
    }
    with Exporter(lab, settings=settings, port=9954) as exporter:
        stanza.backup("full")
        stanza.backup("incr")
        until(
            lambda: value(exporter, "runs_total", **BACKUP, result="success") == 1,
            within=SHOWS_WITHIN,
            what="a good incr",
        )
        yield exporter


def value(exporter: Exporter, name: str, **labels: str) -> float | None:
    return Scrape(exporter.scrape()).value(name, **labels)


def failing(exporter: Exporter, **kind: str) -> bool:
    scrape = Scrape(exporter.scrape())
    failed = scrape.value("run_last_failure_timestamp_seconds", **kind)
    succeeded = scrape.value("run_last_success_timestamp_seconds", **kind)
    return failed is not None and (succeeded is None or failed > succeeded)


def shows(exporter: Exporter, condition: Callable[[], object], what: str) -> None:
    exporter.child.wait_until(condition, what=what)


def fails(code: int, command: Callable[[], object]) -> None:
    with pytest.raises(LabError, match=f"exit code {code}:"):
        command()


def archives_by(stanza: Stanza, command: str) -> str:
    """Set archive_command; what it was."""
    before = stanza.cluster.sql("show archive_command")
    stanza.cluster.sql(f"alter system set archive_command = '{command}'")
    stanza.cluster.sql("select pg_reload_conf()")
    until(lambda: stanza.cluster.sql("show archive_command") == command, within=10, what="archive_command")
    return before


def test_a_good_backup_and_the_expire_after_it_are_two_good_runs(watching: Exporter) -> None:
    scrape = Scrape(watching.scrape())
    assert scrape.value("run_last_exit_code", **BACKUP) == 0
    assert scrape.value("run_last_exit_code", **EXPIRE) == 0
    assert scrape.value("exporter_collector_success", collector="runs") == 1
    assert scrape.value("run_last_duration_seconds", **BACKUP) is not None


def test_a_backup_whose_wal_is_not_archived_fails_and_the_next_good_one_mends_it(
    watching: Exporter, stanza: Stanza
) -> None:
    before = archives_by(stanza, BROKEN)
    try:
        fails(82, lambda: stanza.pgbackrest("--type=incr", "--repo=1", "--archive-timeout=1", "backup"))
        shows(watching, lambda: failing(watching, **BACKUP), "the failed incr")
        assert value(watching, "run_last_exit_code", **BACKUP) == 82
        assert not failing(watching, **BACKUP | {"backup_type": "full"})
    finally:
        archives_by(stanza, before)
    stanza.backup("incr")
    shows(watching, lambda: not failing(watching, **BACKUP), "the good incr")
    assert value(watching, "runs_total", **BACKUP, result="failure") == 1


def test_an_archive_command_without_pgbackrest_fails_and_a_stronger_backup_mends_it(
    watching: Exporter, stanza: Stanza
) -> None:
    before = archives_by(stanza, "/bin/true")
    try:
        fails(68, lambda: stanza.backup("incr"))
        shows(watching, lambda: value(watching, "run_last_exit_code", **BACKUP) == 68, "exit code 68")
    finally:
        archives_by(stanza, before)
    stanza.backup("full")
    shows(watching, lambda: not failing(watching, **BACKUP), "that the good full has the last word")


def test_a_run_into_a_held_lock_fails(watching: Exporter, lab: Lab, stanza: Stanza) -> None:
    # Up to 2.52 a stanza has one lock, since 2.53 one for each repository.
    names = [f"{NAME}-backup.lock", f"{NAME}-backup-1.lock"]
    with_locks = []
    try:
        for name in names:
            path = lab.path / "server" / "lock" / name
            held = path.open("a")
            os.chown(path, lab.account.uid, lab.account.gid)
            fcntl.flock(held, fcntl.LOCK_EX)
            with_locks.append(held)
        fails(50, lambda: stanza.backup("incr"))
    finally:
        for held in with_locks:
            held.close()
    shows(watching, lambda: value(watching, "run_last_exit_code", **BACKUP) == 50, "exit code 50")
    stanza.backup("incr")
    shows(watching, lambda: not failing(watching, **BACKUP), "the good incr")


def test_a_backup_that_is_killed_shows_by_itself(watching: Exporter, lab: Lab, stanza: Stanza) -> None:
    killed = value(watching, "runs_total", **BACKUP, result="killed") or 0
    before = archives_by(stanza, BROKEN)
    try:
        # It waits for WAL that does not come.
        argv = (str(lab.command), f"--config={lab.config}", f"--stanza={NAME}")
        backup = subprocess.Popen(
            (*argv, "--type=incr", "--repo=1", "--archive-timeout=120", "--log-level-console=off", "backup"),
            env=lab.environment,
            cwd=lab.path,
            start_new_session=True,
        )
        started = value(watching, "run_last_start_timestamp_seconds", **BACKUP) or 0
        shows(
            watching,
            lambda: (value(watching, "run_last_start_timestamp_seconds", **BACKUP) or 0) > started,
            "the backup that runs",
        )
        shows(watching, lambda: seen_twice(watching), "two more readings")
        os.killpg(backup.pid, signal.SIGKILL)
        backup.wait(20)
        shows(
            watching,
            lambda: value(watching, "runs_total", **BACKUP, result="killed") == killed + 1,
            "the killed backup",
        )
        assert failing(watching, **BACKUP)
        assert value(watching, "run_last_exit_code", **BACKUP) is None
    finally:
        archives_by(stanza, before)
    stanza.switch_wal()
    stanza.backup("incr")
    shows(watching, lambda: not failing(watching, **BACKUP), "the good incr")


def seen_twice(exporter: Exporter) -> bool:
    first = value(exporter, "exporter_collector_last_success_timestamp_seconds", collector="runs") or 0
    until(
        lambda: (
            (value(exporter, "exporter_collector_last_success_timestamp_seconds", collector="runs") or 0)
            > first + 1.5
        ),
        within=SHOWS_WITHIN,
        what="readings",
    )
    return True


def test_a_stop_file_shows_and_what_it_made_fail_is_mended(watching: Exporter, stanza: Stanza) -> None:
    assert value(watching, "stanza_stopped", stanza=NAME) == 0
    stanza.pgbackrest("stop")
    try:
        fails(62, lambda: stanza.pgbackrest("expire"))
        shows(watching, lambda: value(watching, "stanza_stopped", stanza=NAME) == 1, "the stop file")
        shows(watching, lambda: failing(watching, **EXPIRE), "the expire that failed")
        assert not failing(watching, **BACKUP)
    finally:
        stanza.pgbackrest("start")
    stanza.pgbackrest("expire")
    shows(watching, lambda: value(watching, "stanza_stopped", stanza=NAME) == 0, "no stop file")
    shows(watching, lambda: not failing(watching, **EXPIRE), "the good expire")


def test_damage_that_verify_finds_shows_though_its_exit_code_is_0(
    watching: Exporter, lab: Lab, stanza: Stanza
) -> None:
    stanza.pgbackrest("--repo=1", "verify")
    shows(watching, lambda: value(watching, "verify_last_ok", stanza=NAME, repo="1") == 1, "a good verify")
    newest = lab.repository(1) / "backup" / NAME / "latest"
    damaged = next(iter(sorted(newest.glob("pg_data/global/pg_control*"))))
    away = damaged.with_name(f"{damaged.name}.away")
    damaged.rename(away)
    try:
        stanza.pgbackrest("--repo=1", "verify")
        shows(watching, lambda: value(watching, "verify_last_ok", stanza=NAME, repo="1") == 0, "the damage")
        assert (value(watching, "verify_last_invalid_files", stanza=NAME, repo="1") or 0) >= 1
        assert value(watching, "run_last_exit_code", stanza=NAME, command="verify") == 0
    finally:
        away.rename(damaged)
    stanza.pgbackrest("--repo=1", "verify")
    shows(watching, lambda: value(watching, "verify_last_ok", stanza=NAME, repo="1") == 1, "a good verify")


def test_a_run_through_the_wrapper_is_counted_once(watching: Exporter, lab: Lab, stanza: Stanza) -> None:
    before = value(watching, "runs_total", **BACKUP, result="success") or 0
    command = (str(lab.command), f"--config={lab.config}", f"--stanza={stanza.name}", "--repo=1", "backup")
    records = lab.path / "state" / "runs"
    wrapper = (sys.executable, "-m", "exporter", "run", f"--records={records}", "--", *command)
    environment = lab.environment | {"PYTHONPATH": str(PROJECT)}
    assert subprocess.run(wrapper, env=environment, cwd=lab.path, timeout=120).returncode == 0
    assert len(list(records.iterdir())) == 1
    shows(
        watching,
        lambda: value(watching, "runs_total", **BACKUP, result="success") == before + 1,
        "one more good run",
    )
    assert seen_twice(watching)
    assert value(watching, "runs_total", **BACKUP, result="success") == before + 1


def test_the_folder_of_the_state_holds_what_outlives_a_restart(lab: Lab, watching: Exporter) -> None:  # noqa: ARG001
    assert Path(lab.path / "state" / "runs.json").stat().st_size > 0
