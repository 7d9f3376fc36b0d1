"""The records of restore tests: written, counted, forgotten, and read back as the same objects."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.collectors.restore_tests import RestoreTestsCollector
from exporter.model.restore_tests import Check, Record, Result
from exporter.restore import records
from exporter.restore.records import BusyError, RecordError
from exporter.settings.restore_tests import RestoreTests as RestoreTestsSettings


def record(number: int, result: Result = "proven", *, stanza: str = "main", repo: int | None = 1) -> Record:
    return Record(
        stanza=stanza, repo=repo, target="latest", backup="20261122-100000F", backup_type="full",
        started=1000.0 + number, ended=1060.5 + number, result=result, words="so it went",
        checks=(Check(name="restored", state="ok", value="7 bytes"),), phases={"restore": 2.5, "replay": 4.0},
        restored_bytes=1000, replayed_wal_bytes=100, recovered_to=1001.0, log=f"{number}.log",
    )  # fmt: skip


def put(where: Path, one: Record, *, history: int = 50) -> None:
    with records.locked(where, one.stanza) as folder:
        name = records.stem(folder, one.started)
        (folder / f"{name}.log").write_text("one\ntwo\n")
        records.write(folder, name, replace(one, log=f"{name}.log"), history=history)


def collector(where: Path, *stanzas: str) -> RestoreTestsCollector:
    return RestoreTestsCollector(records=where, settings=RestoreTestsSettings(), stanzas=stanzas)


async def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    put(tmp_path, record(1))
    found = await collector(tmp_path).read()
    (tested,) = found.tested
    assert replace(tested.last, log=None) == replace(record(1), log=None)
    assert (tested.last_success, tested.last_failure, dict(tested.totals)) == (
        1061.5,
        None,
        {"proven": 1},
    )
    assert [one.running for one in found.running] == [False]
    assert found.tails == {}


async def test_unchanged_facts_are_the_very_same_objects(tmp_path: Path) -> None:
    put(tmp_path, record(1))
    put(tmp_path, record(1, repo=2))
    reader = collector(tmp_path)
    first = await reader.read()
    assert await reader.read() is first
    put(tmp_path, record(2, "not_proven"))
    second = await reader.read()
    assert second is not first
    assert second.tested[1] is first.tested[1], "repository 2 was not tested again"
    assert second.tested[0] is not first.tested[0]
    assert second.tails == {"main": ("one", "two")}
    assert [one.result for one in second.history] == ["not_proven", "proven", "proven"]


async def test_counts_and_moments_outlive_the_history(tmp_path: Path) -> None:
    for number, result in enumerate(["proven", "not_proven", "could_not_try", *["proven"] * 5]):
        put(tmp_path, record(number, result), history=2)  # type: ignore[arg-type]
    found = await collector(tmp_path).read()
    assert [one.result for one in found.history] == ["proven", "proven", "not_proven"], "failures stay longer"
    (tested,) = found.tested
    assert dict(tested.totals) == {"proven": 6, "not_proven": 1, "could_not_try": 1}
    assert (tested.last_success, tested.last_failure) == (1067.5, 1061.5)
    logs = {path.stem for path in (tmp_path / "main").glob("*.log")}
    assert logs == {path.stem for path in (tmp_path / "main").glob("2*.json")} | {
        path.stem for path in (tmp_path / "main").glob("1*.json")
    }


async def test_a_running_test_is_seen_without_disturbing_it(tmp_path: Path) -> None:
    put(tmp_path, record(1))
    pid = os.fork()  # a lock of this very process would not be seen by itself
    if pid == 0:
        try:
            with records.locked(tmp_path, "main"):
                (tmp_path / "locked").touch()
                while not (tmp_path / "done").exists():
                    os.sched_yield()
        finally:
            os._exit(0)
    while not (tmp_path / "locked").exists():
        os.sched_yield()
    assert [one.running for one in (await collector(tmp_path).read()).running] == [True]
    with (
        pytest.raises(BusyError, match="another restore test of stanza main runs"),
        records.locked(tmp_path, "main"),
    ):
        pass
    (tmp_path / "done").touch()
    os.waitpid(pid, 0)
    assert [one.running for one in (await collector(tmp_path).read()).running] == [False]


async def test_only_the_expected_stanzas_are_read(tmp_path: Path) -> None:
    put(tmp_path, record(1))
    put(tmp_path, record(1, stanza="gone"))
    found = await collector(tmp_path, "main").read()
    assert [one.last.stanza for one in found.tested] == ["main"]


async def test_before_the_first_test_there_is_nothing(tmp_path: Path) -> None:
    assert (await collector(tmp_path / "none").read()).tested == ()


async def test_a_spoilt_record_is_an_error_of_one_line(tmp_path: Path) -> None:
    put(tmp_path, record(1))
    (file,) = (tmp_path / "main").glob("1*.json")
    file.write_text('{"schema": "1"')
    with pytest.raises(RecordError, match="is no record of a restore test") as caught:
        await collector(tmp_path).read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "wal", "expected"),
    [(1000, 100, 2.5 + 4.0), (2000, 200, 5.0 + 8.0), (1000, 10, 6.5)],
)
def test_recovery_time_follows_size_and_wal(size: int, wal: int, expected: float) -> None:
    assert record(1).recovery_time(size, wal) == pytest.approx(expected)


def test_without_measures_there_is_no_estimate() -> None:
    assert replace(record(1), phases={}).recovery_time(1, 1) is None
