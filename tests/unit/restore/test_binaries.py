"""Which PostgreSQL is taken, and what is said where there is none."""

from pathlib import Path

import pytest

from exporter.restore.binaries import BinariesError, find


def installed(folder: Path, version: str, *others: str) -> Path:
    """A folder with a `postgres` of that version and further programs."""
    folder.mkdir()
    (folder / "postgres").write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    for name in others:
        (folder / name).write_text("#!/bin/sh\n")
    for program in folder.iterdir():
        program.chmod(0o755)
    return folder


async def test_the_folder_of_that_version_is_taken(tmp_path: Path) -> None:
    installed(tmp_path / "14", "14.23")
    folder = installed(tmp_path / "15", "15.20 (Debian 15.20-0+deb12u1)", "pg_controldata")
    found = await find("15", {}, [f"{tmp_path}/14", f"{tmp_path}/{{}}"], needed=("pg_controldata",))
    assert (found.folder, found.major) == (folder, 15)
    assert found.program("postgres") == str(folder / "postgres")
    assert (found.has("pg_controldata"), found.has("pg_amcheck")) == (True, False)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("other", "other holds version 14)"),
        ("bare", "bare holds version 15 and lacks pg_controldata, pg_checksums)"),
        ("none", "looked in"),
    ],
)
async def test_one_that_does_not_do_is_told_with_its_reason(tmp_path: Path, named: str, words: str) -> None:
    installed(tmp_path / "other", "14.23", "pg_controldata", "pg_checksums")
    installed(tmp_path / "bare", "15.20")
    with pytest.raises(BinariesError) as caught:
        await find("15", {"15": str(tmp_path / named)}, needed=("pg_controldata", "pg_checksums"))
    assert words in str(caught.value)
    assert "restore_tests.binaries" in str(caught.value)
