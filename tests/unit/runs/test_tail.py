import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.runs import tail
from exporter.runs.tail import Position


class Follower:
    """Reads a folder of logs again and again, as the exporter does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.positions: dict[str, Position] = {}
        self.seen: dict[str, tuple[int, int, int]] = {}

    def read(self) -> str:
        got = []
        for news in tail.look(self.folder, lambda _: True, self.positions, self.seen):
            for part in news.parts:
                reader = tail.Reader(part)
                while data := reader.read():
                    got.append(data)
                reader.close()
                if part.last:
                    self.positions[news.name] = reader.position(0)
            self.seen[news.name] = news.state
        return b"".join(got).decode()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "demo-backup.log"
    path.write_text("one\n")
    return path


@pytest.fixture
def follower(log: Path) -> Follower:
    follower = Follower(log.parent)
    assert follower.read() == "one\n"
    return follower


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_only_what_is_new_is_read(follower: Follower, log: Path) -> None:
    assert follower.read() == ""
    append(log, "two\n")
    assert follower.read() == "two\n"
    assert follower.read() == ""


def test_a_line_is_read_when_it_is_whole(follower: Follower, log: Path) -> None:
    append(log, "tw")
    assert follower.read() == ""
    append(log, "o\nthr")
    assert follower.read() == "two\n"


def test_the_rest_of_a_renamed_log_is_read_before_the_new_one(follower: Follower, log: Path) -> None:
    append(log, "two\n")
    log.rename(log.with_name("demo-backup.log.1"))
    log.write_text("three\n")
    assert follower.read() == "two\nthree\n"
    assert follower.read() == ""


def test_several_rotations_between_two_readings_lose_nothing(follower: Follower, log: Path) -> None:
    append(log, "two\n")
    log.rename(log.with_name("demo-backup.log.2"))
    os.utime(log.with_name("demo-backup.log.2"), (1000, 1000))
    log.with_name("demo-backup.log.1").write_text("three\n")
    log.write_text("four\n")
    assert follower.read() == "two\nthree\nfour\n"


@pytest.mark.parametrize("name", ["demo-backup.log.1", "demo-backup.log-20261122"])
def test_a_log_that_is_copied_and_truncated_loses_nothing(follower: Follower, log: Path, name: str) -> None:
    append(log, "two\n")
    log.with_name(name).write_bytes(log.read_bytes())
    log.write_text("three and more than there was before\n")
    assert follower.read() == "two\nthree and more than there was before\n"


def test_a_log_that_is_compressed_at_once_loses_nothing(follower: Follower, log: Path) -> None:
    append(log, "two\n")
    log.with_name("demo-backup.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    log.write_text("three\n")
    assert follower.read() == "two\nthree\n"


def test_a_truncated_log_without_a_copy_is_read_from_its_beginning(follower: Follower, log: Path) -> None:
    log.write_text("new\n")
    assert follower.read() == "new\n"


def test_the_first_time_rotated_logs_are_read_too_oldest_first(tmp_path: Path) -> None:
    (tmp_path / "a.log.2.gz").write_bytes(gzip.compress(b"one\n"))
    (tmp_path / "a.log.1").write_text("two\n")
    (tmp_path / "a.log").write_text("three\n")
    for age, name in enumerate(("a.log", "a.log.1", "a.log.2.gz")):
        os.utime(tmp_path / name, (9000 - age, 9000 - age))
    assert Follower(tmp_path).read() == "one\ntwo\nthree\n"


def test_the_first_time_no_more_is_read_than_is_useful(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "FIRST_BYTES", 10)
    (tmp_path / "a.log.2").write_text("one\n" * 3)
    os.utime(tmp_path / "a.log.2", (1000, 1000))
    (tmp_path / "a.log.1").write_text("two\n")
    (tmp_path / "a.log").write_text("three\n")
    assert Follower(tmp_path).read() == "two\nthree\n"


def test_a_rotated_log_is_not_taken_for_another_logs(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\n")
    (tmp_path / "a.log.d").mkdir()
    (tmp_path / "aXlog.1").write_text("other\n")
    (tmp_path / "a.logger").write_text("other\n")
    assert Follower(tmp_path).read() == "one\n"


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "nowhere.log").symlink_to("none")
    assert Follower(tmp_path).read() == ""


def test_a_line_without_end_takes_no_memory_and_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * (3 * tail.CHUNK) + b"\nafter\n")
    assert Follower(tmp_path).read().endswith("\nafter\n")


def test_an_empty_log_that_fills_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    follower = Follower(tmp_path)
    assert follower.read() == ""
    append(tmp_path / "a.log", "one\n")
    assert follower.read() == "one\n"


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["line", "rename", "copy", "gzip", "read"]), max_size=25))
def test_whatever_is_done_to_a_log_each_line_is_read_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = folder / "a.log"
    log.write_text("0\n")
    follower, got, written = Follower(folder), "", 1
    got += follower.read()
    for turn, step in enumerate(steps):
        rotated = folder / f"a.log.{turn}"
        if step == "line":
            append(log, f"{written}\n")
            written += 1
        elif step == "read":
            got += follower.read()
        elif log.stat().st_size:
            got += follower.read() if step == "copy" else ""
            if step == "rename":
                log.rename(rotated)
            elif step == "copy":
                rotated.write_bytes(log.read_bytes())
            else:
                rotated.with_suffix(f".{turn}.gz").write_bytes(gzip.compress(log.read_bytes()))
            if step != "rename":
                log.unlink()
            log.write_text(f"{written}\n")
            written += 1
            for name in folder.glob("a.log.*"):
                number = int(name.name.split(".")[2])
                os.utime(name, (1000 + number, 1000 + number))
    got += follower.read()
    assert [int(one) for one in got.split()] == list(range(written))
