import calendar
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.runs import Run, Verification
from exporter.pgbackrest.log import Dropped
from exporter.pgbackrest.runlog import Beginning, Found, RunLog

CORPUS = Path(__file__).parents[2] / "corpus"
NOW = calendar.timegm((2026, 11, 23, 0, 0, 0))


@pytest.fixture(autouse=True, scope="module")
def utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def nobody(_: Beginning) -> bool:
    return False


def read(
    data: bytes,
    command: str = "backup",
    *,
    log: RunLog | None = None,
    otherwise: float | None = None,
    alive: Callable[[Beginning], bool] = nobody,
) -> list[Found]:
    log = log or RunLog("demo", command)
    return list(log.feed(data, now=NOW, otherwise=otherwise, alive=alive))


def runs(found: list[Found]) -> list[Run]:
    return [one for one in found if isinstance(one, Run)]


def told(run: Run) -> tuple[str, str, int | None, str]:
    start = time.strftime("%H:%M:%S", time.gmtime(run.start)) if run.start else ""
    return f"{run.kind.backup_type}{run.kind.repo}", run.result, run.exit_code, start


def genuine(version: str, command: str) -> bytes:
    return (CORPUS / version / "logs" / f"demo-{command}.log").read_bytes()


def test_2_45_a_failed_attempt_amid_a_backup_is_told_apart() -> None:
    found = runs(read(genuine("2.45", "backup")))
    assert [told(run) for run in found if run.result != "success"] == [
        ("incr1", "failure", 62, "07:08:29"),
        ("incr1", "failure", 50, "07:23:57"),
        ("full1", "killed", None, "07:24:29"),
        ("full1", "killed", 63, "07:24:55"),
        ("full1", "failure", 51, "07:28:31"),
    ]
    amid = next(run for run in found if run.start and told(run)[3] == "07:23:49")
    assert (amid.result, amid.end and amid.start and round(amid.end - amid.start)) == ("success", 40)
    assert len([run for run in found if run.result == "success"]) == 21


def test_2_59_backups_of_two_repositories_at_once_are_told_apart() -> None:
    found = runs(read(genuine("2.59.1", "backup")))
    assert [told(run) for run in found if run.result == "killed"] == [
        ("full2", "killed", 63, "07:17:11"),
        ("full1", "killed", None, "07:18:19"),
        ("full2", "killed", 63, "07:20:49"),
        ("full1", "killed", None, "07:21:07"),
        ("full1", "killed", 63, "07:21:33"),
    ]
    assert Counter(run.exit_code for run in found if run.result == "failure") == {50: 5, 62: 1, 51: 1, 53: 1}
    long = next(run for run in found if told(run)[3] == "07:17:03")
    assert (long.result, told(long)[0]) == ("success", "full1")


@pytest.mark.parametrize(
    ("version", "command", "results"),
    [
        ("2.45", "expire", {"success": 23, "failure": 2}),
        ("2.45", "restore", {"success": 14, "failure": 5}),
        ("2.45", "verify", {"success": 14}),
        ("2.45", "archive-push-async", {"success": 7, "failure": 3}),
        ("2.54.2", "backup", {"success": 5}),
        ("2.54.2", "expire", {"success": 5}),
        ("2.59.1", "expire", {"success": 24, "failure": 3}),
        ("2.59.1", "restore", {"success": 16, "failure": 5}),
        ("2.59.1", "verify", {"success": 15}),
        ("2.59.1", "archive-push-async", {"success": 7, "failure": 3}),
    ],
)
def test_every_run_of_a_genuine_log_is_found(version: str, command: str, results: dict[str, int]) -> None:
    log = RunLog("demo", command)
    found = runs(read(genuine(version, command), log=log))
    assert Counter(run.result for run in found) == results
    assert log.open == []
    assert {run.kind.command for run in found} == {command.removesuffix("-async")}


@pytest.mark.parametrize("version", ["2.45", "2.59.1"])
def test_verify_finds_damage_though_it_ends_well(version: str) -> None:
    found = [one for one in read(genuine(version, "verify"), "verify") if isinstance(one, Verification)]
    assert [one.invalid_files for one in found if not one.ok] == [3, 3, 3, 3]
    assert {one.invalid_files for one in found if one.ok} == {0}


@pytest.mark.parametrize("command", ["backup", "verify"])
@given(data=st.data())
def test_it_does_not_matter_where_a_log_is_cut(command: str, data: st.DataObject) -> None:
    lines = genuine("2.59.1", command).splitlines(keepends=True)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(lines)), max_size=4)))
    log, found = RunLog("demo", command), []
    for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        found += read(b"".join(lines[start:end]), log=log)
    whole = read(b"".join(lines), command)
    assert [repr(one).partition(", words=")[0] for one in found] == [
        repr(one).partition(", words=")[0] for one in whole
    ]


def begin(at: str, exec_id: str, options: str = "", version: str = "2.59.1") -> str:
    return (
        f"\n-------------------PROCESS START-------------------\n2026-11-22 {at}.000 P00   INFO: backup command begin "
        f"{version}: --exec-id={exec_id} --repo1-path=/r {options}--stanza=demo\n"
    )


def line(at: str, text: str) -> str:
    return f"2026-11-22 {at}.000 P00   {text}\n"


GOOD = "INFO: backup command end: completed successfully (%dms)"
BAD = "INFO: backup command end: aborted with exception [%03d]"
LOCKED = "INFO: backup start archive = 000000010000000000000002, lsn = 0/2000028"


def results(
    *lines: str, alive: Callable[[Beginning], bool] = nobody
) -> list[tuple[str, str, int | None, str]]:
    return [told(run) for run in runs(read("".join(lines).encode(), alive=alive))]


def test_a_killed_run_is_known_when_another_gets_its_lock() -> None:
    lines = (begin("01:00:00", "1-a"), line("01:00:01", LOCKED), begin("02:00:00", "2-b"))
    assert results(*lines) == []
    assert results(*lines, line("02:00:01", LOCKED)) == [("incr1", "killed", None, "01:00:00")]


def test_a_run_on_another_repository_ends_nobody() -> None:
    lines = (begin("01:00:00", "1-a"), line("01:00:01", LOCKED))
    other = begin("01:30:00", "2-b", "--repo=2 --repo2-path=/s "), line("01:30:01", LOCKED)
    assert results(*lines, *other, line("01:40:00", GOOD % 600000)) == [("incr2", "success", 0, "01:30:00")]


def test_before_2_53_a_stanza_had_one_lock() -> None:
    lines = (begin("01:00:00", "1-a", version="2.45"), line("01:00:01", LOCKED))
    other = begin("01:30:00", "2-b", "--repo=2 --repo2-path=/s ", "2.45"), line("01:30:01", LOCKED)
    assert results(*lines, *other) == [("incr1", "killed", None, "01:00:00")]


def test_of_two_that_may_have_failed_it_was_not_the_living_one() -> None:
    lines = (
        begin("01:00:00", "1-a"),
        line("01:00:01", LOCKED),
        begin("01:30:00", "2-b", "--repo=2 --repo2-path=/s "),
        line("01:30:01", LOCKED),
        line("01:40:00", "ERROR: [082]: WAL segment was not archived"),
        line("01:40:00", BAD % 82),
    )
    assert results(*lines) == [("incr2", "failure", 82, "01:30:00")]
    assert results(*lines, alive=lambda one: one.pid == 2) == [("incr1", "failure", 82, "01:00:00")]


def test_what_expire_would_do_is_no_run() -> None:
    assert results(begin("01:00:00", "1-a", "--dry-run "), line("01:00:01", GOOD % 1000)) == []


def test_an_end_without_a_beginning_is_nobodys() -> None:
    assert results(line("01:00:01", GOOD % 1000), line("01:00:02", BAD % 82)) == []


def test_without_times_the_moment_of_reading_stands_in() -> None:
    text = (
        "P00   INFO: backup command begin 2.45: --exec-id=1-a --stanza=demo\n"
        "P00   INFO: backup command end: completed successfully (5000ms)\n"
    )
    (run,) = runs(read(text.encode(), otherwise=1000.0))
    assert (run.end, run.result) == (1000.0, "success")
    (unknown,) = runs(read(text.encode()))
    assert (unknown.start, unknown.end, unknown.result) == (None, None, "success")


def test_a_time_in_the_future_is_not_believed() -> None:
    text = begin("01:00:00", "1-a") + line("01:00:01", GOOD % 1000)
    (run,) = runs(read(text.replace("2026", "2036").encode()))
    assert (run.result, run.end) == ("success", None)


def test_dropped_segments_are_found() -> None:
    text = line(
        "01:00:00", "WARN: dropped WAL file '000000010000000000000081' because archive queue exceeded 20MB"
    )
    assert read(text.encode() * 3, "archive-push-async") == [Dropped()] * 3


@given(st.binary())
def test_any_bytes_are_read(data: bytes) -> None:
    read(data, "verify")


@given(st.lists(st.sampled_from([
    begin("01:00:00", "1-a"), begin("01:00:05", "2-b"), line("01:00:06", LOCKED), line("01:00:07", GOOD % 2000),
    line("01:00:08", BAD % 50), line("01:00:09", BAD % 82), "terminated on signal SIGTERM\n", "\x00junk\n",
])))  # fmt: skip
def test_no_run_ends_twice(lines: list[str]) -> None:
    log = RunLog("demo", "backup")
    found = runs(read("".join(lines).encode(), log=log))
    begun = sum("command begin" in one for one in lines)
    assert len(found) + len(log.open) == begun
