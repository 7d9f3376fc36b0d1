import dataclasses
import json
import os
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.runs.records import FORMAT, Reader, Record, Writing

BEGUN = Record(stanza="main", command="backup", backup_type="full", repo=None, pid=7, started=1000.5)
ENDED = dataclasses.replace(BEGUN, ended=1060.0, exit_code=82, words="[082]: no WAL")


def test_a_run_that_goes_on_is_neither_ended_nor_killed(tmp_path: Path) -> None:
    writing = Writing(tmp_path, BEGUN)
    assert list(Reader(tmp_path).read().values()) == [BEGUN]
    writing.finish(ENDED)


def test_a_run_that_has_ended_is_read_as_it_was_written(tmp_path: Path) -> None:
    Writing(tmp_path, BEGUN).finish(ENDED)
    reader = Reader(tmp_path)
    assert list(reader.read().values()) == [ENDED]
    assert reader.troubles == ()


def test_a_run_whose_writer_is_gone_was_killed(tmp_path: Path) -> None:
    os.close(Writing(tmp_path, BEGUN)._lock)
    assert list(Reader(tmp_path).read().values()) == [dataclasses.replace(BEGUN, killed=True)]


def test_the_same_reader_sees_the_end(tmp_path: Path) -> None:
    reader, writing = Reader(tmp_path), Writing(tmp_path, BEGUN)
    reader.read()
    writing.finish(ENDED)
    assert list(reader.read().values()) == [ENDED]


def test_a_record_that_is_as_it_was_is_the_very_same_object(tmp_path: Path) -> None:
    Writing(tmp_path, BEGUN).finish(ENDED)
    reader = Reader(tmp_path)
    (first,), (second,) = reader.read().values(), reader.read().values()
    assert first is second


def test_a_file_that_was_left_half_written_is_removed_after_a_day(tmp_path: Path) -> None:
    left, recent = tmp_path / ".left.json", tmp_path / ".recent.json"
    for path in (left, recent):
        path.write_text("{")
    os.utime(left, (time.time() - 90000,) * 2)
    Writing(tmp_path, BEGUN).finish(ENDED)
    assert (left.exists(), recent.exists()) == (False, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"format": "pgbackrest-exporter run 1", "stan', "cut off"),
        (b"", "cut off"),
        (b"\xff\x00\xfe", "no JSON"),
        (b"[" * 100000, "no JSON"),
        (b'{"format": "another"}', "no record of a run"),
        (b"[]", "no record of a run"),
        (json.dumps({"format": FORMAT, "stanza": 5}).encode(), "missing or wrong"),
    ],
)
def test_a_bad_file_is_one_line_and_hides_no_other(tmp_path: Path, content: bytes, words: str) -> None:
    Writing(tmp_path, BEGUN).finish(ENDED)
    (tmp_path / "bad.json").write_bytes(content)
    reader = Reader(tmp_path)
    assert list(reader.read().values()) == [ENDED]
    (line,) = reader.troubles
    assert "bad.json" in line
    assert words in line


def test_fields_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    Writing(tmp_path, BEGUN).finish(ENDED)
    (path,) = tmp_path.iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": "db1"}))
    assert list(Reader(tmp_path).read().values()) == [ENDED]


@pytest.mark.parametrize("stanza", ["with/slash", "ü" * 200, "a\0b", "@", "-"])
def test_any_stanza_can_be_recorded(tmp_path: Path, stanza: str) -> None:
    ended = dataclasses.replace(ENDED, stanza=stanza)
    Writing(tmp_path, ended).finish(ended)
    assert list(Reader(tmp_path).read().values()) == [ended]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Reader(tmp_path / "none").read()


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@given(st.dictionaries(st.sampled_from(sorted(Record.__dataclass_fields__)), VALUES))
def test_whatever_fields_a_file_has_it_is_a_record_or_a_line(fields: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "any.json").write_text(json.dumps({"format": FORMAT} | fields))
        reader = Reader(Path(folder))
        assert len(reader.read()) + len(reader.troubles) == 1
