"""What a test must never do: touch production, use what is not its own, leave anything behind."""

from pathlib import Path

from tests.lab.lab import Lab
from tests.lab.stanza import Stanza
from tests.restore.proofs import Proofs, working_in


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
