"""What a test must never do: touch production, meet another test, leave anything behind however it ends."""

import signal
import subprocess  # noqa: TID251 - the test is outside of the exporter
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.program import until
from tests.lab.stanza import Stanza
from tests.restore.proofs import Proofs, working_in
from tests.restore.standins import going_wrong

SLOW_QUERY = [{"name": "slow", "query": "select true from pg_sleep(60)"}]


def held(lab: Lab, proofs: Proofs, stanza: Stanza, phase: str) -> subprocess.Popen[str]:
    """A test that has come to *phase* and stays there."""
    marks = {"restore": "--set=", "replay": "archive-get"}
    if phase == "checks":
        process = proofs.start(stanza, amcheck="off", queries=SLOW_QUERY)
        ready = "skipped indexes"
    else:
        command = going_wrong(
            lab.path, f"held-{phase}", when=marks[phase], then=f"touch {proofs.scratch}/{phase}; sleep 60"
        )
        process = proofs.start(stanza, amcheck="off", command=command)
        until((proofs.scratch / phase).exists, within=60, what=f"phase {phase}")
        (proofs.scratch / phase).unlink()
        return process
    assert process.stdout is not None
    for line in process.stdout:
        if ready in line:
            break
    return process


@pytest.mark.parametrize("phase", ["restore", "replay", "checks"])
def test_sigterm_ends_it_cleanly(lab: Lab, proofs: Proofs, plain: Stanza, phase: str) -> None:
    process = held(lab, proofs, plain, phase)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 3, said
    assert "it was interrupted" in said
    assert proofs.leftovers() == []


@pytest.mark.parametrize("phase", ["restore", "replay", "checks"])
def test_after_sigkill_nothing_runs_and_the_next_run_removes_the_files(
    lab: Lab, proofs: Proofs, plain: Stanza, phase: str
) -> None:
    process = held(lab, proofs, plain, phase)
    process.kill()
    process.communicate(timeout=30)
    assert (proofs.scratch / plain.name).is_dir()
    outcome = proofs.run(plain, "--target=immediate", amcheck="off")
    assert outcome.code == 0, outcome.said
    assert "removed what an earlier run" in outcome.said
    assert working_in(proofs.scratch) == []
    assert proofs.leftovers() == []


def test_two_at_once_are_one(lab: Lab, proofs: Proofs, plain: Stanza) -> None:
    first = held(lab, proofs, plain, "checks")
    second = proofs.run(plain)
    assert second.code == 3
    assert "another restore test of stanza plain runs" in second.said
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert first.returncode == 3


def test_a_folder_in_or_around_a_data_directory_is_refused(
    proofs: Proofs, plain: Stanza, sound: Stanza
) -> None:
    for folder in (plain.cluster.data / "base", sound.cluster.data.parent.parent):
        outcome = proofs.run(plain, f"--to={folder}")
        assert (outcome.code, outcome.failed) == (3, ["target_folder"]), outcome.said


def test_a_folder_with_somebody_elses_files_is_refused_and_left_alone(proofs: Proofs, plain: Stanza) -> None:
    theirs = proofs.scratch / plain.name / "theirs"
    proofs.lab.as_account("mkdir", str(theirs.parent))
    proofs.lab.as_account("touch", str(theirs))
    outcome = proofs.run(plain)
    assert (outcome.code, outcome.failed) == (3, ["target_folder"]), outcome.said
    assert theirs.exists()
    theirs.unlink()
    theirs.parent.rmdir()


def test_a_tablespace_made_after_the_backup_is_not_replayed_beside_production(
    lab: Lab, proofs: Proofs
) -> None:
    """Replaying its creation would empty production's folder: PostgreSQL removes what it finds there first."""
    stanza = lab.stanza("spaced")
    stanza.backup("full")
    space = stanza.cluster.data.parent / "later"
    lab.as_account("mkdir", str(space))
    stanza.cluster.sql(f"create tablespace later location '{space}'")
    stanza.cluster.sql("create table precious (n int) tablespace later")
    stanza.cluster.sql("insert into precious select generate_series(1, 100)")
    stanza.switch_wal()
    before = files(space)
    outcome = proofs.run(stanza, amcheck="off")
    assert (outcome.code, outcome.record["result"]) == (3, "could_not_try"), outcome.said
    assert "a tablespace was created or dropped after the backup" in outcome.said
    assert files(space) == before
    assert stanza.cluster.sql("select count(*) from precious") == "100"


def files(folder: Path) -> set[Path]:
    """All that lies below a folder."""
    return set(folder.rglob("*"))


def test_kept_files_of_a_failed_test_are_removed_by_the_next(proofs: Proofs, plain: Stanza) -> None:
    queries = [{"name": "wrong", "query": "select false"}]
    outcome = proofs.run(plain, "--keep-on-failure", amcheck="off", queries=queries)
    assert outcome.code == 1, outcome.said
    assert (proofs.scratch / plain.name / "data" / "PG_VERSION").exists()
    assert working_in(proofs.scratch) == []
    assert proofs.run(plain, amcheck="off").code == 0
    assert proofs.leftovers() == []
