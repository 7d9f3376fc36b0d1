import os
from pathlib import Path

import pytest

from exporter.pgbackrest.spool import Spool

NOW = 1_700_000_000.0


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "archive" / "main" / "out"
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, name: str, written: float) -> Path:
    file = folder / name
    file.write_text("103\nunable to find a valid repository")
    os.utime(file, (written, written))
    return file


async def test_errors_of_the_last_two_minutes_count_and_what_went_well_does_not(out: Path) -> None:
    put(out, "000000010000000000000001.error", NOW - 5)
    put(out, "global.error", NOW - 119)
    put(out, "000000010000000000000002.ok", NOW - 200)
    put(out, "000000010000000000000003.error", NOW - 121)
    assert await Spool(out, lambda: NOW).errors(within=5) == 2


async def test_an_error_that_the_next_attempt_removed_counts_until_two_minutes_are_over(out: Path) -> None:
    now = NOW
    spool = Spool(out, lambda: now)
    error = put(out, "000000010000000000000001.error", NOW)
    assert await spool.errors(within=5) == 1
    error.unlink()
    now = NOW + 119
    assert await spool.errors(within=5) == 1
    put(out, error.name, NOW + 118)
    assert await spool.errors(within=5) == 1, "the same segment again is the same error"
    error.unlink()
    now = NOW + 240
    assert await spool.errors(within=5) == 0


async def test_without_a_folder_nothing_is_known(tmp_path: Path) -> None:
    assert await Spool(tmp_path / "gone", lambda: NOW).errors(within=5) is None


async def test_a_file_instead_of_the_folder_is_nothing_known(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.touch()
    assert await Spool(file, lambda: NOW).errors(within=5) is None


async def test_what_went_well_since_is_no_error_any_more(out: Path) -> None:
    spool = Spool(out, lambda: NOW)
    for name in ("000000010000000000000001.error", "000000010000000000000002.error", "global.error"):
        put(out, name, NOW - 60)
    assert await spool.errors(within=5) == 3
    for file in out.iterdir():
        file.unlink()
    put(out, "000000010000000000000001.ok", NOW - 50)
    assert await spool.errors(within=5) == 1, "the second segment is not there yet"
    put(out, "000000010000000000000002.ok", NOW - 40)
    assert await spool.errors(within=5) == 0


async def test_an_error_after_what_went_well_counts(out: Path) -> None:
    put(out, "000000010000000000000001.ok", NOW - 50)
    put(out, "global.error", NOW - 40)
    assert await Spool(out, lambda: NOW).errors(within=5) == 1
