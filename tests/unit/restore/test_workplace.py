"""The scratch folder: ours by its marker, locked, and removed with what works in it and nothing beside."""

import os
import pty
import signal
import subprocess  # noqa: TID251 - a process that is left over
from pathlib import Path

import pytest

from exporter.restore import workplace
from exporter.restore.prechecks import may_be_here, overlaps
from exporter.restore.workplace import MARKER, WorkplaceError, working_in
from tests.unit.shut import shut


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a socket's name fits."""
    return tmp_path_factory.mktemp("w") / "main"


async def test_it_is_made_with_all_its_parts_and_removed_with_them(short: Path) -> None:
    place, left_over = await workplace.enter(short)
    assert not left_over
    assert {path.name for path in short.iterdir()} >= {"data", "tablespaces", "socket", "spool", MARKER}
    assert {path.stat().st_mode & 0o777 for path in (short, place.data, place.socket)} == {0o700}
    await place.leave(keep=False)
    assert not short.exists()


async def test_what_a_link_points_to_is_left_alone(short: Path, tmp_path: Path) -> None:
    """pg_tblspc is full of links, of which one may lead into production."""
    precious = tmp_path / "production"
    precious.mkdir()
    (precious / "file").touch()
    place, _ = await workplace.enter(short)
    (place.data / "link").symlink_to(precious)
    (short / "link").symlink_to(precious)
    await place.leave(keep=False)
    assert (precious / "file").exists()
    assert not short.exists()


async def test_somebody_elses_folder_is_refused(short: Path) -> None:
    short.mkdir()
    (short / "file").touch()
    with pytest.raises(WorkplaceError, match="is not empty and was not made by a restore test"):
        await workplace.enter(short)
    assert (short / "file").exists()
    assert not (short / MARKER).exists()


async def test_a_second_test_does_not_enter(short: Path) -> None:
    place, _ = await workplace.enter(short)
    with pytest.raises(WorkplaceError, match="another restore test works in it"):
        await workplace.enter(short)
    await place.leave(keep=False)


async def test_a_path_that_is_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkplaceError, match="too long for the name of a socket"):
        await workplace.enter(tmp_path / ("x" * 90))


async def test_leftovers_are_removed_and_what_runs_in_them_is_ended(short: Path) -> None:
    place, _ = await workplace.enter(short)
    await place.leave(keep=True)
    with subprocess.Popen(["sleep", "100"], cwd=place.data, start_new_session=True) as orphan:
        assert list(working_in(short)) == [orphan.pid]
        place, left_over = await workplace.enter(short)
        assert left_over
        assert orphan.wait(10) == -signal.SIGQUIT
    await place.leave(keep=False)


async def test_a_person_who_looks_at_kept_files_is_not_ended(short: Path) -> None:
    place, _ = await workplace.enter(short)
    await place.leave(keep=True)
    master, slave = pty.openpty()
    # A session leader that opens a terminal gets it as its controlling one.
    argv = ["sh", "-c", 'exec <"$0"; echo ready; read line', os.ttyname(slave)]
    with subprocess.Popen(argv, cwd=place.data, start_new_session=True, stdout=subprocess.PIPE) as person:
        assert person.stdout is not None
        assert person.stdout.readline() == b"ready\n"
        assert list(working_in(short)) == []
        person.kill()
    os.close(master)
    os.close(slave)
    place, _ = await workplace.enter(short)
    await place.leave(keep=False)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("a", "a", True),
        ("a/b", "a", True),
        ("a", "a/b/c", True),
        ("a", "b", False),
        ("link", "a", True),
        ("a", "ab", False),
    ],
)
def test_folders_overlap_also_by_links(tmp_path: Path, one: str, other: str, near: bool) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    assert overlaps(tmp_path / one, tmp_path / other) == near


def test_what_is_shut_for_us_may_be_here(tmp_path: Path) -> None:
    """As the unit shuts production's data: it is guarded from what WAL does to tablespaces all the same."""
    folder = tmp_path / "shut"
    (folder / "main").mkdir(parents=True)
    assert may_be_here(folder / "main")
    assert not may_be_here(folder / "other")
    with shut(folder):
        assert may_be_here(folder / "main")
