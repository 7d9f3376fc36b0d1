"""The archive after a test: a timeline of the test's own in it is harm, one of production's is a failover."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.pgbackrest.client import Client
from exporter.restore.archivefolder import ArchiveFolder
from exporter.restore.checks import repository
from exporter.restore.console import Console
from exporter.restore.findings import Findings
from exporter.restore.workplace import Workplace
from tests.lab.lab import Lab
from tests.lab.stanza import Stanza
from tests.restore.standins import going_wrong

OURS = b"1\t0/5000000\tno recovery target specified\n"
PRODUCTIONS = b"1\t0/7000000\tno recovery target specified\n"


def archive_of(lab: Lab, stanza: Stanza) -> ArchiveFolder:
    client = Client(command=(str(lab.command),), config=str(lab.config))
    return ArchiveFolder(client, stanza.name, 1, "15-1", 60.0)


@contextmanager
def archived(lab: Lab, stanza: Stanza, content: bytes) -> Iterator[None]:
    """A history file of timeline 2 in the archive, for a while."""
    file = lab.repository(1) / "archive" / stanza.name / "15-1" / "00000002.history"
    file.write_bytes(content)
    os.chown(file, lab.account.uid, lab.account.gid)
    try:
        yield
    finally:
        file.unlink()


async def unharmed(lab: Lab, stanza: Stanza, tmp_path: Path, content: bytes) -> tuple[bool, Findings]:
    """What is found when that history came into the archive during a test that was promoted to timeline 2."""
    wal = tmp_path / "data" / "pg_wal"
    wal.mkdir(parents=True)
    (wal / "00000002.history").write_bytes(OURS)
    archive, findings = archive_of(lab, stanza), Findings(Console())
    before = await archive.timelines()
    with archived(lab, stanza, content):
        clean = await repository.check(archive, before, Workplace(tmp_path, -1), 2, findings)
    return clean, findings


async def test_the_tests_own_timeline_in_the_archive_is_harm(lab: Lab, plain: Stanza, tmp_path: Path) -> None:
    clean, findings = await unharmed(lab, plain, tmp_path, OURS)
    assert not clean
    check = findings.checks["repository_unchanged"]
    assert check.state == "failed"
    assert "remove 00000002*" in check.words


async def test_a_failover_of_production_meanwhile_is_none(lab: Lab, plain: Stanza, tmp_path: Path) -> None:
    clean, findings = await unharmed(lab, plain, tmp_path, PRODUCTIONS)
    assert clean
    assert findings.checks["repository_unchanged"].state == "ok"


def silent(lab: Lab, stanza: Stanza, answers: int, *, fails: int) -> ArchiveFolder:
    """An archive that is listed so many times, fails so many times, and is listed again."""
    count = lab.path / "listed"
    count.unlink(missing_ok=True)
    fail = (
        f"echo . >>{count}; n=$(wc -l <{count}); "
        f'test $n -le {answers} -o $n -gt {answers + fails} || {{ echo "the store is away" >&2; exit 42; }}'
    )
    command = going_wrong(lab.path, "silent", when="repo-ls", then=fail)
    return ArchiveFolder(Client(command=tuple(command), config=str(lab.config)), stanza.name, 1, "15-1", 60.0)


@pytest.mark.parametrize(("fails", "state"), [(1, "ok"), (1000, "skipped")])
async def test_an_archive_that_falls_silent_is_asked_again_and_never_said_to_be_unharmed(
    lab: Lab, plain: Stanza, tmp_path: Path, fails: int, state: str
) -> None:
    archive, findings = silent(lab, plain, 1, fails=fails), Findings(Console())
    before = await archive.timelines()
    assert await repository.check(archive, before, Workplace(tmp_path, -1), 2, findings, patience=1.0)
    check = findings.checks["repository_unchanged"]
    assert check.state == state
    assert ("the store is away" in check.words) == (state == "skipped")


async def test_the_archive_tells_when_a_segment_came(lab: Lab, plain: Stanza) -> None:
    archive = archive_of(lab, plain)
    folder = lab.repository(1) / "archive" / plain.name / "15-1"
    newest = max(folder.glob("*/*.gz"))
    assert await archive.arrived(newest.name[:24]) == int(newest.stat().st_mtime)
    assert await archive.arrived("0000000100000000000000FF") is None
