"""The log of a run, also on a disk that is full for a while."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.restore import log
from exporter.restore.records import RecordError


@contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes: Python ignores the signal, and a write that is too long is cut (write(2))."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_lines_that_find_no_room_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    with log.opened(path, "title") as written:
        with full_beyond(20):
            written.line("a line that is longer than there is room")
            written.line("another")
        written.line("the end")
    assert path.read_text() == "title\na line that is\n(2 lines could not be written)\nthe end\n"


def test_it_is_its_owners_alone(tmp_path: Path) -> None:
    with log.opened(tmp_path / "run.log", "title"):
        pass
    assert (tmp_path / "run.log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("folder", ["no/such/folder", "full"])
def test_one_that_cannot_be_begun_is_told_and_leaves_nothing(tmp_path: Path, folder: str) -> None:
    (tmp_path / "full").mkdir()
    path = tmp_path / folder / "run.log"
    with full_beyond(0), pytest.raises(RecordError, match="cannot be written: "), log.opened(path, "title"):
        pass
    assert not path.exists()


def test_what_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    with log.opened(tmp_path / "run.log", "title") as written:
        written.line(os.fsdecode(b"\xff"))
    assert (tmp_path / "run.log").read_text() == "title\n?\n"
