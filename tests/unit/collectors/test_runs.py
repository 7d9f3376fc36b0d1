import dataclasses
import json
import logging
import os
import shutil
import subprocess  # noqa: TID251 - a process whose pid a log tells
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.collectors.runs import NothingReadable, RunsCollector
from exporter.model.info import Backups, Info, Lock, Stanza, Status
from exporter.model.runs import Dropped, History, Runs, Stop
from exporter.runs.records import Record, Writing
from exporter.settings import Runs as RunsSettings
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot

CORPUS = Path(__file__).parents[2] / "corpus"


class Machine:
    """Folders of logs, locks, records and state, and what info says; `collector` begins anew, as after a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("log", "lock"):
            (folder / name).mkdir()
        self.now = time.time()
        self.latest = Snapshot(settings=Settings(), expected=Expectation(), reload=Reload(1.0))
        self.options: dict[str, Any] = {}

    @property
    def records(self) -> Path:
        return self.folder / "runs"

    def collector(self) -> RunsCollector:
        options: dict[str, Any] = {
            "settings": RunsSettings(),
            "log_paths": (self.folder / "log",),
            "lock_path": self.folder / "lock",
            "records": self.records,
            "state": self.folder / "runs.json",
        }
        return RunsCollector(**(options | self.options), latest=lambda: self.latest, wall=lambda: self.now)

    def logs(self, *lines: str, name: str = "demo-backup") -> None:
        with (self.folder / "log" / f"{name}.log").open("a") as file:
            file.writelines(line + "\n" for line in lines)

    def stamp(self, ago: float) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S.000", time.localtime(self.now - ago))

    def begin(
        self, ago: float, exec_id: str = "999999999-a", options: str = "", command: str = "backup"
    ) -> str:
        return (
            f"{self.stamp(ago)} P00   INFO: {command} command begin 2.59.1: --exec-id={exec_id} "
            f"--repo1-path=/r {options}--stanza=demo"
        )

    def end(self, ago: float, took: float, command: str = "backup") -> str:
        return f"{self.stamp(ago)} P00   INFO: {command} command end: completed successfully ({took * 1000:.0f}ms)"

    def abort(self, ago: float, code: int, command: str = "backup") -> str:
        return f"{self.stamp(ago)} P00   INFO: {command} command end: aborted with exception [{code:03}]"

    def record(self, ago: float, took: float, code: int, **changes: Any) -> None:
        record = Record(
            stanza="demo", command="backup", backup_type="incr", repo=None, pid=7, started=self.now - ago
        )
        record = dataclasses.replace(record, **changes)
        Writing(self.records, record).finish(
            dataclasses.replace(record, ended=record.started + took, exit_code=code)
        )

    def info_says(self, *, held: bool, ago: float = 0.0) -> None:
        lock = Lock(command="backup", held=held)
        stanza = Stanza(
            name="demo", status=Status(code=0, message="ok"), locks=(lock,), backups=Backups("demo")
        )
        reading = Reading(value=Info(stanzas=(stanza,)), attempted=self.now - ago, succeeded=self.now)
        self.latest = dataclasses.replace(self.latest, info={"": reading})


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def one(runs: Runs, command: str = "backup", **kind: str) -> History:
    (found,) = (
        history
        for history in runs.histories
        if history.kind.command == command
        and all(getattr(history.kind, name) == value for name, value in kind.items())
    )
    return found


def counts(history: History) -> tuple[int, int, int]:
    return history.successes, history.failures, history.killed


async def test_genuine_logs_are_read_and_the_same_facts_are_the_same_object(machine: Machine) -> None:
    shutil.copytree(CORPUS / "2.59.1" / "logs", machine.folder / "log", dirs_exist_ok=True)
    collector = machine.collector()
    runs = await collector.read()
    assert await collector.read() is runs
    assert {(kind.command, kind.backup_type, kind.repo) for kind in (one.kind for one in runs.histories)} >= {
        ("backup", "full", "1"),
        ("backup", "full", "2"),
        ("backup", "incr", "1"),
        ("expire", "", ""),
        ("restore", "", ""),
        ("verify", "", "1"),
        ("archive-push", "", ""),
    }
    assert one(runs, backup_type="full", repo="2").failing
    assert not one(runs, "expire", repo="").failing
    assert [(found.ok, found.invalid_files) for found in runs.verifications] == [(True, 0)]
    assert runs.dropped == (Dropped(stanza="demo", segments=0),)


async def test_what_was_before_anybody_watched_is_known_and_not_counted(machine: Machine) -> None:
    machine.logs(machine.begin(600), machine.abort(590, 82))
    collector = machine.collector()
    history = one(await collector.read())
    assert (history.failing, counts(history)) == (True, (0, 0, 0))
    machine.now += 60
    machine.logs(machine.begin(20), machine.end(10, 10))
    history = one(await collector.read())
    assert (history.failing, counts(history)) == (False, (1, 0, 0))


async def test_a_full_that_fails_is_not_hidden_by_a_good_incr(machine: Machine) -> None:
    machine.logs(machine.begin(600, options="--type=full "), machine.abort(590, 82))
    machine.logs(machine.begin(500), machine.end(490, 10))
    runs = await machine.collector().read()
    assert one(runs, backup_type="full").failing
    assert not one(runs, backup_type="incr").failing


async def test_counters_and_positions_survive_a_restart(machine: Machine) -> None:
    await machine.collector().read()
    machine.now += 60
    machine.logs(machine.begin(50), machine.abort(40, 82))
    before = await machine.collector().read()
    assert counts(one(before)) == (0, 1, 0)
    machine.logs(machine.begin(30), machine.end(20, 10))
    history = one(await machine.collector().read())
    assert counts(history) == (1, 1, 0)
    assert history.last_failed == one(before).last_failed


async def test_a_state_that_cannot_be_used_is_said_once_and_begun_anew(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.logs(machine.begin(50), machine.abort(40, 82))
    for content in ("{", "[]", '{"format": 1}', '{"format": 2, "folders": 5}', "\x00"):
        caplog.clear()
        (machine.folder / "runs.json").write_text(content)
        collector = machine.collector()
        assert one(await collector.read()).failing
        await collector.read()
        assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


@pytest.mark.parametrize(
    ("genuine", "wrong"),
    [
        ('"last_start":', '"last_start":"soon","was":'),
        ('"failures":', '"failures":[],"were":'),
        ('"since":', '"since":null,"was":'),
        ('"offset":', '"offset":"all","was":'),
        ('"invalid":', '"invalid":{},"was":'),
    ],
)
async def test_values_of_a_wrong_type_in_the_state_are_never_shown(
    machine: Machine, caplog: pytest.LogCaptureFixture, genuine: str, wrong: str
) -> None:
    await machine.collector().read()
    machine.now += 60
    machine.logs(machine.begin(50), machine.abort(40, 82))
    before = await machine.collector().read()
    state = machine.folder / "runs.json"
    assert genuine in state.read_text()
    state.write_text(state.read_text().replace(genuine, wrong))
    history = one(await machine.collector().read())
    assert history.last_failed == one(before).last_failed
    assert counts(history) == (0, 0, 0), "counters start anew"
    (record,) = caplog.records
    assert "cannot be used, counters of runs start anew" in vars(record)["error"]


async def test_what_a_full_disk_did_not_take_is_written_when_there_is_room_again(machine: Machine) -> None:
    state = machine.folder / "late" / "runs.json"
    machine.options["state"] = state
    collector = machine.collector()
    machine.logs(machine.begin(50), machine.abort(40, 82))
    await collector.read()
    state.parent.mkdir()
    await collector.read()
    assert "demo" in state.read_text(), "though nothing new was read"


async def test_a_state_that_cannot_be_written_is_said_once(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.options["state"] = Path("/proc/none/runs.json")
    collector = machine.collector()
    for _ in range(2):
        machine.logs(machine.begin(50), machine.abort(40, 82))
        await collector.read()
    (record,) = caplog.records
    assert "make state_path writable" in vars(record)["error"]


async def test_a_run_in_log_and_record_is_one(machine: Machine) -> None:
    collector = machine.collector()
    await collector.read()
    machine.now += 60
    machine.logs(machine.begin(50, "7-a"), machine.end(40, 10))
    machine.record(50.2, 10.3, 0)
    assert counts(one(await collector.read())) == (1, 0, 0)
    assert counts(one(await collector.read())) == (1, 0, 0)
    assert counts(one(await machine.collector().read())) == (1, 0, 0)


async def test_a_good_backup_whose_expire_fails_is_good_and_the_expire_is_not(machine: Machine) -> None:
    machine.logs(machine.begin(50, "7-a"), machine.end(40, 10))
    machine.logs(
        machine.begin(40, "7-a", command="expire"), machine.abort(39, 60, "expire"), name="demo-expire"
    )
    machine.record(50.2, 11.5, 60)
    runs = await machine.collector().read()
    assert not one(runs, "backup").failing
    assert one(runs, "expire").failing


async def test_a_record_tells_what_no_log_does(machine: Machine) -> None:
    machine.options["log_paths"] = ()
    collector = machine.collector()
    await collector.read()
    machine.now += 60
    machine.record(50, 10, 55, words="[055]: gone")
    history = one(await collector.read())
    assert (history.kind.repo, history.failing, counts(history)) == ("1", True, (0, 1, 0))
    assert history.last is not None
    assert (history.last.exit_code, history.last_duration) == (55, 10)


async def test_a_record_tells_how_a_run_ended_whose_log_breaks_off(machine: Machine) -> None:
    collector = machine.collector()
    await collector.read()
    machine.now += 60
    machine.logs(machine.begin(50, "7-a"))
    assert one(await collector.read()).running
    machine.record(50.2, 30, 137, signal="SIGKILL")
    history = one(await collector.read())
    assert (history.running, counts(history)) == (False, (0, 0, 1))
    assert history.last is not None
    assert history.last.exit_code == 137


async def test_a_run_of_a_record_that_goes_on_is_running(machine: Machine) -> None:
    collector = machine.collector()
    record = Record(stanza="demo", command="backup", backup_type="full", repo="2", pid=1, started=machine.now)
    writing = Writing(machine.records, record)
    assert one(await collector.read(), repo="2").running
    os.close(writing._lock)
    history = one(await collector.read(), repo="2")
    assert (history.running, history.failing, counts(history)) == (False, True, (0, 0, 1))


@pytest.fixture
def living() -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks like pgBackRest."""
    process = subprocess.Popen((sys.executable, "-c", "import time; time.sleep(60)", "pgbackrest"))
    yield process
    process.kill()
    process.wait()


async def test_a_process_that_was_seen_and_is_gone_was_killed(
    machine: Machine, living: subprocess.Popen[bytes]
) -> None:
    collector = machine.collector()
    await collector.read()
    machine.now = time.time()
    machine.logs(machine.begin(0, f"{living.pid}-a"))
    for _ in range(2):
        assert one(await collector.read()).running
    living.kill()
    living.wait()
    history = one(await collector.read())
    assert (history.running, history.failing, counts(history)) == (False, True, (0, 0, 1))


async def test_a_process_that_is_gone_and_wrote_its_end_ended_well(
    machine: Machine, living: subprocess.Popen[bytes]
) -> None:
    collector = machine.collector()
    machine.now = time.time()
    machine.logs(machine.begin(0, f"{living.pid}-a"))
    await collector.read()
    living.kill()
    living.wait()
    machine.logs(machine.end(0, 0))
    assert not one(await collector.read()).failing


async def test_a_process_out_of_sight_may_well_run(machine: Machine) -> None:
    machine.logs(machine.begin(600))
    collector = machine.collector()
    for _ in range(3):
        machine.now += 600
        machine.info_says(held=False)
        assert one(await collector.read()).running


async def test_a_lock_that_is_left_and_held_by_nobody_tells_of_a_kill(machine: Machine) -> None:
    machine.logs(machine.begin(600, "123-abc"))
    (machine.folder / "lock" / "demo-backup-1.lock").write_text(json.dumps({"execId": "123-abc", "pid": 123}))
    collector = machine.collector()
    machine.info_says(held=True)
    assert one(await collector.read()).running
    machine.info_says(held=False, ago=30)
    machine.now += 70
    assert one(await collector.read()).running, "info was asked too early to know"
    machine.info_says(held=False)
    assert one(await collector.read()).failing


async def test_a_run_from_before_the_machine_booted_was_killed(machine: Machine) -> None:
    machine.now = 1_000_000_000.0
    machine.logs(machine.begin(0))
    machine.now = time.time()
    assert one(await machine.collector().read()).failing


async def test_stop_files_stop_one_stanza_or_all(machine: Machine) -> None:
    machine.options["stanzas"] = ("demo", "other")
    collector = machine.collector()
    (machine.folder / "lock" / "demo.stop").touch()
    assert (await collector.read()).stops == (
        Stop(stanza="demo", stopped=True),
        Stop(stanza="other", stopped=False),
    )
    (machine.folder / "lock" / "demo.stop").rename(machine.folder / "lock" / "all.stop")
    assert all(stop.stopped for stop in (await collector.read()).stops)
    shutil.rmtree(machine.folder / "lock")
    assert (await collector.read()).stops == ()


async def test_dropped_segments_are_counted_while_watched(machine: Machine) -> None:
    line = "2026-11-22 07:00:00.000 P00   WARN: dropped WAL file '000000010000000000000081' because archive queue"
    machine.logs(line, name="demo-archive-push-async")
    collector = machine.collector()
    assert (await collector.read()).dropped == (Dropped(stanza="demo", segments=0),)
    machine.logs(line, line, name="demo-archive-push-async")
    assert (await collector.read()).dropped == (Dropped(stanza="demo", segments=2),)


async def test_excluded_stanzas_are_left_out(machine: Machine) -> None:
    machine.options["exclude"] = ("dem*",)
    machine.logs(machine.begin(50), machine.abort(40, 82))
    machine.record(50, 10, 55)
    assert (await machine.collector().read()).histories == ()


async def test_a_folder_that_is_not_there_is_one_line(machine: Machine) -> None:
    machine.options |= {"log_paths": (machine.folder / "none",), "records": None}
    collector = machine.collector()
    with pytest.raises(NothingReadable, match=r"none: there is no such file or folder"):
        await collector.read()
    (machine.folder / "none").mkdir()
    assert (await collector.read()).troubles == ()


async def test_several_folders_are_followed_each_by_itself(machine: Machine) -> None:
    other = machine.folder / "other"
    other.mkdir()
    machine.options["log_paths"] = (machine.folder / "log", other, machine.folder / "none")
    machine.logs(machine.begin(600), machine.end(590, 10))
    machine.logs(machine.begin(600), machine.abort(590, 82), name="../other/demo2-backup")
    runs = await machine.collector().read()
    assert [(history.kind.stanza, history.failing) for history in runs.histories] == [
        ("demo", False),
        ("demo2", True),
    ]
    assert len(runs.troubles) == 1
    machine.now += 60
    machine.logs(machine.begin(20), machine.abort(10, 82), name="../other/demo2-backup")
    again = await machine.collector().read()
    assert [counts(history) for history in again.histories] == [(0, 0, 0), (0, 1, 0)], "after a restart"


async def test_bad_records_are_a_line_each_and_hide_nothing(machine: Machine) -> None:
    machine.logs(machine.begin(50), machine.abort(40, 82))
    machine.records.mkdir()
    (machine.records / "cut.json").write_text('{"format": "pgback')
    runs = await machine.collector().read()
    assert len(runs.troubles) == 1
    assert "cut.json" in runs.troubles[0]
    assert one(runs).failing


async def test_a_stanza_with_silent_logs_is_a_line_until_a_backup_is_recorded(machine: Machine) -> None:
    machine.options["blind"] = (("demo", "demo: too quiet"), ("demo2", "demo2: too quiet"))
    collector = machine.collector()
    assert (await collector.read()).troubles == ("demo: too quiet", "demo2: too quiet")
    machine.record(50, 10, 0, command="verify", backup_type="")
    assert len((await collector.read()).troubles) == 2, "what became of backups is not known"
    machine.record(30, 10, 55)
    assert (await collector.read()).troubles == ("demo2: too quiet",)
    assert (await machine.collector().read()).troubles == ("demo2: too quiet",), "after a restart"


async def test_a_rotated_file_that_is_broken_is_a_line_and_hides_nothing(machine: Machine) -> None:
    machine.logs(machine.begin(50), machine.abort(40, 82))
    (machine.folder / "log" / "demo-backup.log.2.gz").write_bytes(b"\x1f\x8b\x08\x00garbage")
    runs = await machine.collector().read()
    assert len(runs.troubles) == 1
    assert "demo-backup.log.2.gz" in runs.troubles[0]
    assert one(runs).failing


async def test_binary_junk_hides_nothing(machine: Machine) -> None:
    with (machine.folder / "log" / "demo-backup.log").open("wb") as file:
        file.write(os.urandom(300_000) + b"\n")
    machine.logs(machine.begin(50), machine.abort(40, 82))
    assert one(await machine.collector().read()).failing
