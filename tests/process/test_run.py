"""`pgbackrest-exporter run`: nobody but the records can tell that it is there."""

import json
import os
import pty
import signal
import subprocess  # noqa: TID251 - the wrapper is started as cron starts it
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from exporter.runs.records import KEPT, Reader, Record
from tests.process.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
RUN = (sys.executable, "-m", "exporter", "run")


class Place:
    """A folder of records, a pgbackrest to wrap, and the wrappers that were started."""

    def __init__(self, folder: Path) -> None:
        self.records = folder / "records"
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        self.environ = {"PYTHONPATH": str(PROJECT), "PATH": f"{folder}:{os.environ['PATH']}"}

    def installs(self, script: str) -> None:
        program = self.folder / "pgbackrest"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def command(self, *words: str, records: Path | None = None) -> tuple[str, ...]:
        return (*RUN, f"--records={records or self.records}", "--", "pgbackrest", *words)

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        options = {"capture_output": True} | options
        done = subprocess.run(self.command(*words), env=self.environ, timeout=30, **options)
        return cast("subprocess.CompletedProcess[bytes]", done)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        self.started.append(
            subprocess.Popen(self.command(*words), env=self.environ, start_new_session=True, **options)
        )
        return self.started[-1]

    def read(self) -> list[Record]:
        return list(Reader(self.records).read().values()) if self.records.exists() else []

    def one(self) -> Record:
        (record,) = self.read()
        return record

    def until_it_runs(self) -> int:
        """Wait for the wrapped program to say its pid."""
        file = self.folder / "pid"
        until(lambda: file.exists() and file.read_text().endswith("\n"), lambda: "a pid")
        return int(file.read_text())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    for wrapper in place.started:
        if wrapper.poll() is None:
            os.killpg(wrapper.pid, signal.SIGKILL)
        wrapper.wait(10)


SAYS_PID = 'echo $$ > "$(dirname "$0")/pid.new"; mv "$(dirname "$0")/pid.new" "$(dirname "$0")/pid"'


@pytest.mark.parametrize("code", [0, 1, 50, 82, 255])
def test_the_exit_code_is_the_programs(place: Place, code: int) -> None:
    place.installs(f"exit {code}")
    assert place.run("--stanza=main", "backup").returncode == code
    record = place.one()
    assert (record.exit_code, record.signal, record.stanza, record.command) == (code, None, "main", "backup")
    assert record.ended is not None
    assert 0 <= record.ended - record.started < 30


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGSEGV])
def test_it_dies_of_the_signal_that_killed_the_program(place: Place, number: signal.Signals) -> None:
    place.installs(f"kill -{number.value} $$")
    assert place.run("backup").returncode == -number
    record = place.one()
    assert (record.exit_code, record.signal) == (128 + number, number.name)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_passed_on_and_the_programs_answer_back(place: Place, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    place.installs(f"trap 'echo told; exit 63' {name}\n{SAYS_PID}\nwhile :; do sleep 0.05; done")
    wrapper = place.start("backup", stdout=subprocess.PIPE)
    place.until_it_runs()
    wrapper.send_signal(number)
    output, _ = wrapper.communicate(timeout=20)
    assert (wrapper.returncode, output) == (63, b"told\n")
    assert place.one().exit_code == 63


def test_what_goes_in_and_out_is_the_same_byte_for_byte(place: Place) -> None:
    place.installs("cat; echo 'on stderr' >&2")
    data = os.urandom(3_000_000)
    done = place.run("backup", input=data)
    assert (done.returncode, done.stdout, done.stderr) == (0, data, b"on stderr\n")


def test_both_outputs_in_one_place_keep_their_order(place: Place) -> None:
    place.installs("for n in 1 2 3 4 5 6 7 8 9; do echo out $n; echo err $n >&2; done")
    done = place.run("backup", capture_output=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout == b"".join(b"out %d\nerr %d\n" % (n, n) for n in range(1, 10))


def test_a_reader_that_went_away_is_told_to_the_program(place: Place) -> None:
    place.installs(f"{SAYS_PID}\nwhile echo much; do :; done 2>/dev/null\nexit 7")
    wrapper = place.start("backup", stdout=subprocess.PIPE)
    place.until_it_runs()
    assert wrapper.stdout is not None
    wrapper.stdout.close()
    assert wrapper.wait(20) in (7, -signal.SIGPIPE)


def test_a_terminal_is_the_programs_own(place: Place) -> None:
    place.installs("test -t 0 && test -t 1 && test -t 2 && echo terminal")
    ours, theirs = pty.openpty()
    try:
        wrapper = place.start("backup", stdin=theirs, stdout=theirs, stderr=theirs)
        assert wrapper.wait(20) == 0
        assert os.read(ours, 100) == b"terminal\r\n"
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_program_that_leaves_a_child_behind_is_not_waited_for(place: Place) -> None:
    place.installs(f"sleep 30 &\n{SAYS_PID}; echo done")
    began = time.monotonic()
    wrapper = place.start("backup", stdout=subprocess.PIPE)
    assert wrapper.stdout is not None
    assert wrapper.wait(20) == 0
    assert time.monotonic() - began < 15
    assert wrapper.stdout.read(5) == b"done\n"
    wrapper.stdout.close()
    os.killpg(wrapper.pid, signal.SIGKILL)


def test_error_words_are_recorded_without_secrets(place: Place) -> None:
    place.installs(
        "echo 'P00  ERROR: [055]: unable to load info file --repo1-s3-key=abc:' >&2\n"
        "echo '       HINT: is the repository there?' >&2\nexit 55"
    )
    place.run("--stanza=main", "--type=full", "--repo=2", "backup")
    record = place.one()
    assert record.words == "[055]: unable to load info file --repo1-s3-key=<redacted>"
    assert (record.backup_type, record.repo) == ("full", "2")


@pytest.mark.parametrize("folder", ["/proc/records", "/dev/null"])
def test_a_folder_that_cannot_be_written_costs_one_line_and_nothing_else(place: Place, folder: str) -> None:
    place.installs("echo backed up; exit 3")
    command = place.command("backup", records=Path(folder))
    done = subprocess.run(command, env=place.environ, capture_output=True, timeout=30, text=True)
    assert (done.returncode, done.stdout) == (3, "backed up\n")
    assert len(done.stderr.splitlines()) == 1
    assert f"this run is not recorded: {folder}" in done.stderr


def test_bad_settings_cost_one_line_and_nothing_else(place: Place) -> None:
    place.installs("echo backed up")
    file = place.folder / "settings.yml"
    file.write_text("runs: {evry: 5s}\n")
    command = (*RUN, f"--config.file={file}", "--", "pgbackrest", "backup")
    done = subprocess.run(command, env=place.environ, capture_output=True, timeout=30, text=True)
    assert (done.returncode, done.stdout) == (0, "backed up\n")
    assert len(done.stderr.splitlines()) == 1
    assert "runs.evry" in done.stderr


def test_the_settings_say_where_records_go(place: Place) -> None:
    place.installs("exit 0")
    file = place.folder / "settings.yml"
    file.write_text(json.dumps({"runs": {"records": str(place.records)}}))
    command = (
        *RUN,
        f"--config.file={file}",
        "--stanza=other",
        "--",
        "pgbackrest",
        "--stanza",
        "main",
        "expire",
    )
    assert subprocess.run(command, env=place.environ, timeout=30).returncode == 0
    assert (place.one().stanza, place.one().command) == ("other", "expire")


def test_a_wrapper_that_is_killed_leaves_a_killed_run(place: Place) -> None:
    place.installs(f"{SAYS_PID}\nexec sleep 30")
    wrapper = place.start("--stanza=main", "backup")
    pid = place.until_it_runs()
    until(place.read, lambda: "a record of the start")
    record = place.one()
    assert (record.ended, record.killed, record.pid) == (None, False, pid)
    os.killpg(wrapper.pid, signal.SIGKILL)
    wrapper.wait(10)
    assert place.one().killed


def test_runs_at_the_same_time_have_a_record_each(place: Place) -> None:
    place.installs("sleep 0.2; exit 4")
    wrappers = [place.start("--stanza=main", "backup") for _ in range(5)]
    assert [wrapper.wait(20) for wrapper in wrappers] == [4] * 5
    assert [record.exit_code for record in place.read()] == [4] * 5


def test_the_number_of_records_of_a_kind_is_bounded_and_others_stay(place: Place) -> None:
    place.installs("exit 0")
    place.run("--stanza=main", "--type=full", "backup")
    (full,) = place.records.iterdir()
    for number in range(KEPT + 5):
        kind = f"main-backup-incr-@{number:015}-1.json"
        (place.records / kind).write_text(full.read_text().replace('"full"', '"incr"'))
    place.run("--stanza=main", "backup")
    names = sorted(path.name for path in place.records.iterdir())
    assert full.name in names
    assert len(names) == KEPT + 1
    assert not [name for name in names if "@" + "0" * 15 in name]


@pytest.mark.parametrize(
    ("program", "code"), [("/no/such/pgbackrest", 127), ("/etc/passwd", 126)], ids=["missing", "no program"]
)
def test_a_program_that_cannot_be_started_is_one_line(place: Place, program: str, code: int) -> None:
    command = (*RUN, f"--records={place.records}", "--", program, "--stanza=main", "backup")
    done = subprocess.run(command, env=place.environ, capture_output=True, timeout=30, text=True)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1
    assert program in done.stderr
    assert place.one().exit_code == code


def test_records_are_for_the_group_and_not_for_the_world(place: Place) -> None:
    place.installs("exit 0")
    place.run("backup")
    (file,) = place.records.iterdir()
    assert file.stat().st_mode & 0o777 == 0o640
    assert place.records.stat().st_mode & 0o007 == 0


def test_no_command_is_a_mistake_that_teaches(place: Place) -> None:
    done = subprocess.run(RUN, env=place.environ, capture_output=True, timeout=30, text=True)
    assert done.returncode == 2
    assert "run -- pgbackrest --stanza=main backup" in done.stderr
