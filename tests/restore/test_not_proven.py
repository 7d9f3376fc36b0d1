"""Backups that do not restore: each fault fails the check that is about it, and what cannot be tried is told apart."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.postgresql import binaries
from tests.lab.stanza import Stanza
from tests.restore.proofs import Proofs, dsn
from tests.restore.standins import going_wrong


@contextmanager
def replaced(path: Path, content: bytes | None) -> Iterator[None]:
    """Another content for a while; None: no file."""
    before, stat = path.read_bytes(), path.stat()
    path.chmod(0o644)
    try:
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        yield
    finally:
        path.write_bytes(before)
        os.chown(path, stat.st_uid, stat.st_gid)
        path.chmod(stat.st_mode)


def segments(lab: Lab, stanza: Stanza, repo: int = 1) -> list[Path]:
    """The archived segments, oldest first."""
    return sorted((lab.repository(repo) / "archive" / stanza.name).glob("*/*/*.gz"))


def after_backup(lab: Lab, stanza: Stanza) -> Path:
    """A segment after the newest backup that is not the last one."""
    stop = max(
        backup["archive"]["stop"] for backup in stanza.info()["backup"] if backup["database"]["repo-key"] == 1
    )
    return next(path for path in segments(lab, stanza)[:-1] if path.name[:24] > stop)


def test_a_flipped_byte_in_the_repository_fails_the_restore(lab: Lab, proofs: Proofs, plain: Stanza) -> None:
    folder = lab.repository(1) / "backup" / plain.name
    file = max(folder.glob("2*F/pg_data/base/*/*.gz"), key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    with replaced(file, bytes(content)):
        outcome = proofs.run(plain)
    assert (outcome.code, outcome.failed) == (1, ["restored"]), outcome.said
    assert proofs.leftovers() == []


def test_missing_wal_is_seen_although_recovery_ends_without_an_error(
    lab: Lab, proofs: Proofs, sound: Stanza
) -> None:
    sound.write(10)
    sound.switch_wal()
    sound.write(10)
    sound.switch_wal()
    with replaced(after_backup(lab, sound), None):
        outcome = proofs.run(sound, amcheck="off")
    assert (outcome.code, outcome.failed) == (1, ["recovered_to"]), outcome.said
    assert "although the archive reaches" in outcome.checks["recovered_to"]["words"]


def test_a_damaged_page_fails_the_checks_that_read_it(lab: Lab, proofs: Proofs) -> None:
    stanza = lab.stanza("damaged")
    cluster = stanza.cluster
    control, checksums = str(binaries() / "pg_ctl"), str(binaries() / "pg_checksums")
    lab.as_account(control, "stop", "-w", "-s", "-m", "fast", "-D", str(cluster.data))
    lab.as_account(checksums, "--enable", "--pgdata", str(cluster.data))
    cluster.start()
    stanza.write(2_000)
    file = cluster.data / cluster.sql("select pg_relation_filepath('lab')")
    lab.as_account(control, "stop", "-w", "-s", "-m", "fast", "-D", str(cluster.data))
    content = bytearray(file.read_bytes())
    content[3 * 8192 + 4000 : 3 * 8192 + 4010] = b"\xff" * 10
    file.write_bytes(content)
    cluster.start()
    stanza.backup("full")
    stanza.switch_wal()
    outcome = proofs.run(stanza)
    assert outcome.code == 1, outcome.said
    assert outcome.failed == ["tables", "indexes", "data_checksums"], outcome.said
    assert "lab: invalid page in block 3" in outcome.checks["tables"]["words"]


def test_an_index_that_misses_rows_fails_amcheck_alone(proofs: Proofs, plain: Stanza) -> None:
    outcome = proofs.run(plain, amcheck="full")
    assert (outcome.code, outcome.failed) == (1, ["indexes"]), outcome.said
    assert "twisted" in outcome.checks["indexes"]["words"]


def test_a_query_with_another_result_is_told(proofs: Proofs, plain: Stanza) -> None:
    queries = [{"name": "customers", "query": "select 7", "expected": 8}]
    outcome = proofs.run(plain, amcheck="off", queries=queries)
    assert (outcome.code, outcome.failed) == (1, ["queries"]), outcome.said
    assert outcome.record["words"] == "queries: customers: gave 7 where 8 is expected"


def test_another_cluster_is_not_taken_for_production(proofs: Proofs, plain: Stanza, sound: Stanza) -> None:
    outcome = proofs.run(plain, amcheck="off", postgresql=dsn(sound))
    assert outcome.code == 1, outcome.said
    assert "system_id" in outcome.failed


def test_replay_that_stalls_is_given_up(lab: Lab, proofs: Proofs, plain: Stanza) -> None:
    segment = segments(lab, plain)[-1].name[:24]
    command = going_wrong(lab.path, "stalls", when=f"archive-get {segment}", then="sleep 100")
    outcome = proofs.run(plain, amcheck="off", command=command, stalled_after="3s")
    assert (outcome.code, outcome.failed) == (1, ["recovery_ended"]), outcome.said
    assert "replay stalled for 3 s" in outcome.record["words"]
    assert proofs.leftovers() == []


def test_a_crash_in_replay_is_told_with_its_cause(lab: Lab, proofs: Proofs, plain: Stanza) -> None:
    segment = segments(lab, plain)[-1].name[:24]
    kill = "kill -SEGV $(cut -d ' ' -f 4 /proc/$PPID/stat); sleep 5"
    command = going_wrong(lab.path, "crashes", when=f"archive-get {segment}", then=kill)
    outcome = proofs.run(plain, amcheck="off", command=command)
    assert (outcome.code, outcome.failed) == (1, ["recovery_ended"]), outcome.said
    assert "terminated by signal 11" in outcome.record["words"]
    assert proofs.leftovers() == []


def test_a_backup_that_expires_meanwhile_is_replaced_by_the_next(
    lab: Lab, proofs: Proofs, sound: Stanza
) -> None:
    sound.backup("incr")
    label = newest(sound)
    note = lab.path / "scratch" / "expired"
    real = f"{shutil.which('pgbackrest')} --config={lab.config} --stanza=sound --repo=1"
    expire = f"test -e {note} || {{ touch {note}; {real} --set={label} expire; }}"
    command = going_wrong(lab.path, "expires", when=f"--set={label}", then=expire)
    outcome = proofs.run(sound, amcheck="off", command=command)
    note.unlink()
    assert outcome.code == 0, outcome.said
    assert f"backup {label} has expired meanwhile" in outcome.said
    assert outcome.record["backup"] != label


def newest(stanza: Stanza) -> str:
    """The label of the newest backup in repository 1."""
    backups = [backup for backup in stanza.info()["backup"] if backup["database"]["repo-key"] == 1]
    return str(max(backups, key=lambda backup: backup["timestamp"]["stop"])["label"])


@pytest.mark.parametrize(
    ("settings", "check", "words"),
    [
        ({"keep_free": "900TiB"}, "disk_space", "are free"),
        ({"binaries": {"15": "/usr/bin"}}, "binaries", "PostgreSQL 15 is needed"),
        ({"allow_repository_filesystem": False}, "target_folder", "shares a file system with the repository"),
        ({"canary": True}, "canary", "needs a connection to production"),
    ],
)
def test_what_stands_in_the_way_is_no_verdict_on_the_backup(
    proofs: Proofs, plain: Stanza, settings: dict[str, object], check: str, words: str
) -> None:
    outcome = proofs.run(plain, **settings)
    assert (outcome.code, outcome.record["result"], outcome.failed) == (3, "could_not_try", [check])
    assert words in outcome.said
    assert proofs.leftovers() == []
