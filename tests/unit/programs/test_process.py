"""Programs are run with a deadline, and nothing of them stays: shown with real programs."""

import asyncio
import errno
import gc
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.programs.process import (
    BadCommand,
    Completed,
    NotStarted,
    ProcessError,
    TimedOut,
    TooMuchOutput,
    run,
)
from exporter.turns import TURNS
from tests.process import proc

# Writes its own pid and that of a grandchild in the same group; both ignore TERM and hold the pipe.
STUBBORN = """
trap '' TERM
sleep 1000 &
echo "$$ $!" > "$1.new" && mv "$1.new" "$1"
echo started
exec sleep 1000
"""
# The same, but the leader leaves while its child goes on.
LEAVES = """
sleep 1000 &
echo "$$ $!" > "$1"
printf finished
"""


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> set[str]:
    """Return the pids of all our children, the dead that nobody waited for among them."""
    threads = Path("/proc/self/task").iterdir()
    return {pid for thread in threads for pid in (thread / "children").read_text().split()}


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    descriptors_before, children_before = descriptors(), children()
    yield
    gc.collect()
    assert descriptors() <= descriptors_before
    assert children() <= children_before


def sh(script: str, *words: str | Path) -> list[str]:
    return ["/bin/sh", "-c", script, "sh", *map(str, words)]


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def pids(file: Path) -> list[int]:
    return [int(word) for word in file.read_text().split()]


async def test_output_exit_code_and_words_come_back() -> None:
    done = await run(sh("printf out; printf err >&2; exit 7"), within=10)
    expected = Completed(
        argv=tuple(sh("printf out; printf err >&2; exit 7")), exit_code=7, stdout=b"out", stderr=b"err"
    )
    assert done == expected


async def test_a_signal_is_a_negative_exit_code() -> None:
    assert (await run(sh("kill -KILL $$"), within=10)).exit_code == -signal.SIGKILL


async def test_no_shell_reads_the_words() -> None:
    assert (await run(["printf", "%s|", "$HOME; ls", "*", ""], within=10)).stdout == b"$HOME; ls|*||"


async def test_there_is_nothing_to_read_and_no_terminal() -> None:
    done = await run(sh("cat; cut -d' ' -f5,6 /proc/$$/stat; echo $$; readlink /proc/$$/fd/0"), within=10)
    group_and_session, pid, stdin = done.stdout.decode().splitlines()
    assert group_and_session == f"{pid} {pid}"
    assert stdin == "/dev/null"


async def test_the_environment_given_is_the_whole_one() -> None:
    done = await run(["/usr/bin/env"], within=10, env={"ONLY": "this"})
    assert done.stdout == b"ONLY=this\n"


async def test_without_one_the_own_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDED_ON", "yes")
    assert b"HANDED_ON=yes\n" in (await run(["env"], within=10)).stdout


async def test_a_large_document_comes_whole() -> None:
    done = await run(["head", "-c", "20000000", "/dev/zero"], within=30)
    assert done.stdout == bytes(20_000_000)


async def test_of_a_chatty_stderr_the_end_is_kept() -> None:
    done = await run(sh("head -c 300000 /dev/zero >&2; printf 'the reason' >&2; printf out"), within=10)
    assert len(done.stderr) == 64 << 10
    assert done.stderr.endswith(b"\0the reason")
    assert done.stdout == b"out"


async def test_exactly_the_limit_may_be_printed() -> None:
    assert len((await run(["head", "-c", "1000", "/dev/zero"], within=10, limit=1000)).stdout) == 1000
    with pytest.raises(
        TooMuchOutput, match=r"^head: printed more than 999 bytes and was ended: run it by hand"
    ):
        await run(["head", "-c", "1000", "/dev/zero"], within=10, limit=999)


async def test_an_endless_printer_is_ended_at_the_limit() -> None:
    began = time.monotonic()
    with pytest.raises(TooMuchOutput, match="1,048,576 bytes"):
        await run(["yes"], within=60, limit=1 << 20)
    assert time.monotonic() - began < 30
    before = proc.memory(os.getpid())
    proc.forget_peak(os.getpid())
    with pytest.raises(TooMuchOutput):
        await run(["yes"], within=60, limit=1 << 20)
    assert proc.peak_memory(os.getpid()) - before < 16 << 20


async def test_a_program_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"^sleep: did not finish within 0\.1 s and was ended$"):
        await run(["sleep", "1000"], within=0.1)
    assert time.monotonic() - began < 10


async def test_a_program_may_say_good_bye_when_it_is_ended(tmp_path: Path) -> None:
    script = 'trap \'echo bye > "$1"; exit 0\' TERM; echo ready > "$1"; while :; do sleep 0.01; done'
    with pytest.raises(TimedOut):
        await run(sh(script, tmp_path / "said"), within=0.5, grace=5)
    assert (tmp_path / "said").read_text() == "bye\n"


async def test_a_tree_that_ignores_term_is_killed(tmp_path: Path) -> None:
    with pytest.raises(TimedOut):
        await run(sh(STUBBORN, tmp_path / "pids"), within=0.5, grace=0.1)
    assert not any(map(lives, pids(tmp_path / "pids")))


async def test_a_cancelled_tree_that_ignores_term_is_gone_in_time(tmp_path: Path) -> None:
    task = asyncio.create_task(run(sh(STUBBORN, tmp_path / "pids"), within=60))
    await until((tmp_path / "pids").exists)
    assert all(map(lives, pids(tmp_path / "pids")))
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 2
    assert not any(map(lives, pids(tmp_path / "pids")))


async def test_a_second_cancellation_shortens_the_grace(tmp_path: Path) -> None:
    task = asyncio.create_task(run(sh(STUBBORN, tmp_path / "pids"), within=60, grace=60))
    await until((tmp_path / "pids").exists)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert not any(map(lives, pids(tmp_path / "pids")))


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancellation_at_any_moment_of_the_start_leaves_nothing(turns: int, tmp_path: Path) -> None:
    task = asyncio.create_task(run(sh(STUBBORN, tmp_path / "pids"), within=60, grace=0.05))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (tmp_path / "pids").exists() or not any(map(lives, pids(tmp_path / "pids")))


async def test_a_timeout_around_it_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await run(["sleep", "1000"], within=60)


async def test_a_grandchild_holding_the_pipe_is_ended_and_the_output_kept(tmp_path: Path) -> None:
    began = time.monotonic()
    done = await run(sh(LEAVES, tmp_path / "pids"), within=60, grace=0.2)
    assert time.monotonic() - began < 30
    assert (done.exit_code, done.stdout) == (0, b"finished")
    assert not any(map(lives, pids(tmp_path / "pids")))


async def test_a_grandchild_left_behind_with_closed_pipes_is_ended_too(tmp_path: Path) -> None:
    script = 'sleep 1000 >/dev/null 2>&1 & echo "$$ $!" > "$1"'
    assert (await run(sh(script, tmp_path / "pids"), within=60, grace=0.1)).exit_code == 0
    assert not any(map(lives, pids(tmp_path / "pids")))


async def test_a_grandchild_that_got_away_cannot_hold_the_result_back(tmp_path: Path) -> None:
    script = (
        'setsid sh -c \'echo $$ > "$0"; exec sleep 1000\' "$1" & while [ ! -s "$1" ]; do :; done; printf done'
    )
    began = time.monotonic()
    try:
        assert (await run(sh(script, tmp_path / "pid"), within=60, grace=0.2)).stdout == b"done"
        assert time.monotonic() - began < 30
    finally:
        os.kill(pids(tmp_path / "pid")[0], signal.SIGKILL)


async def test_what_a_grandchild_still_prints_is_waited_for() -> None:
    done = await run(sh("(for i in 1 2 3 4 5; do sleep 0.1; printf $i; done) &"), within=60, grace=0.4)
    assert done.stdout == b"12345"


async def test_a_busy_event_loop_loses_no_output() -> None:
    running = asyncio.create_task(run(["head", "-c", "1000000", "/dev/zero"], within=60, grace=0.05))
    await asyncio.sleep(0.01)
    for _ in range(4):
        await asyncio.sleep(0)
        stop = time.monotonic() + 0.1
        while time.monotonic() < stop:
            pass
    assert len((await running).stdout) == 1_000_000


async def test_many_run_at_once() -> None:
    done = await asyncio.gather(*(run(sh(f"printf {n}; exit {n}"), within=30) for n in range(20)))
    assert [(each.stdout, each.exit_code) for each in done] == [(str(n).encode(), n) for n in range(20)]


async def test_no_thread_is_spent_on_a_child() -> None:
    before = threading.active_count()
    running = asyncio.create_task(run(["sleep", "0.2"], within=10))
    await asyncio.sleep(0.1)
    assert threading.active_count() == before
    await running


def test_one_event_loop_after_another_may_run_programs() -> None:
    for _ in range(2):
        assert asyncio.run(run(["echo", "again"], within=10)).stdout == b"again\n"


async def test_a_missing_program_names_the_path_that_was_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere:/neither")
    with pytest.raises(BadCommand) as caught:
        await run(["pgbackrest", "info"], within=10)
    assert str(caught.value) == (
        "pgbackrest: not found on PATH (/nowhere:/neither): install it or correct the command"
    )


async def test_the_path_of_the_environment_given_counts(tmp_path: Path) -> None:
    with pytest.raises(BadCommand, match=f"^true: not found on PATH \\({tmp_path}\\): "):
        await run(["true"], within=10, env={"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (None, 0, "{0}: no such file: install it or {2}"),
        ("#!/bin/sh", 0o644, "{0}: may not be executed by user {1}: allow it or {2}"),
        ("#!/no/sh -e\n", 0o755, "{0}: its interpreter '/no/sh -e' is missing: install that or {2}"),
        ("", 0o755, "{0}: no program for this machine, and no script beginning with #!: replace it or {2}"),
    ],
)  # fmt: skip
async def test_a_faulty_program_is_named(content: str | None, mode: int, words: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_text(content)
        program.chmod(mode)
    with pytest.raises(BadCommand) as caught:
        await run([str(program)], within=10)
    assert str(caught.value) == words.format(program, os.geteuid(), "correct the command")


@pytest.mark.parametrize("word", ["/", "a\0b"])
async def test_what_is_no_program_at_all_is_one_clear_line(word: str) -> None:
    with pytest.raises(BadCommand) as caught:
        await run([word], within=10)
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith("or correct the command")


async def test_arguments_that_are_too_long_are_named() -> None:
    with pytest.raises(
        NotStarted, match=r"^true: not started, its arguments and the environment are too long: "
    ):
        await run(["true", "x" * (8 << 20)], within=10)


async def test_no_descriptor_left_is_named_and_passes() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() + 2, limits[1]))
    try:
        with pytest.raises(NotStarted) as caught:
            await run(["true"], within=10)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert str(caught.value) == (
        "true: not started, this process has too many files open: raise its limit (ulimit -n, LimitNOFILE=)"
    )
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EMFILE
    assert (await run(["true"], within=10)).exit_code == 0


def test_every_error_is_a_process_error() -> None:
    assert all(issubclass(each, ProcessError) for each in (NotStarted, BadCommand, TimedOut, TooMuchOutput))


# As its first process a container has the exporter, and what the program leaves behind becomes its child.
INHERITS = """
import asyncio, ctypes, os, sys
from exporter.programs.process import run
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER, as pid 1 is one
done = asyncio.run(run(["/bin/sh", "-c", "sleep 1000 & sleep 1000 & printf done"], within=10, grace=1))
assert done.stdout == b"done"
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("nobody is left")
"""


async def test_the_first_process_of_a_container_buries_the_orphans() -> None:
    done = await run([sys.executable, "-X", "dev", "-W", "error", "-c", INHERITS], within=30)
    assert (done.stdout, done.stderr) == (b"nobody is left\n", b"")


# Only root can make a program that another user may not end.
if os.geteuid() == 0:

    async def outcome(argv: list[str]) -> str:
        with pytest.raises(ProcessError) as caught:
            await run(argv, within=0.2, grace=0.1)
        return str(caught.value)

    async def test_what_cannot_be_ended_is_not_started_a_second_time(tmp_path: Path) -> None:
        argv = sh(STUBBORN, tmp_path / "pids")
        began = time.monotonic()
        running = asyncio.create_task(run(argv, within=0.5, grace=0.1))
        await until((tmp_path / "pids").exists)
        os.setresuid(65534, 65534, 0)
        try:
            with pytest.raises(TimedOut) as timed_out:
                await running
            with pytest.raises(NotStarted) as refused:
                await run(argv, within=10)
        finally:
            os.setresuid(0, 0, 0)
        assert time.monotonic() - began < 10
        leader = pids(tmp_path / "pids")[0]
        why = f"(pid {leader}, another user's or stuck, say on a dead network disk)"
        assert str(timed_out.value) == f"/bin/sh: did not finish within 0.5 s and cannot be ended {why}"
        assert str(refused.value) == (f"/bin/sh: not started again, the run before hangs {why}: end that one")
        os.killpg(leader, signal.SIGKILL)
        async with asyncio.timeout(10):
            while "was ended" not in await outcome(argv):
                await asyncio.sleep(0.01)


async def test_output_can_be_taken_piece_by_piece_and_only_its_end_is_kept() -> None:
    pieces: list[bytes] = []
    done = await run(("seq", "1", "200000"), within=20, take=pieces.append)
    whole = b"".join(b"%d\n" % number for number in range(1, 200_001))
    assert b"".join(pieces) == whole
    assert len(pieces) > 1
    assert done.stdout == whole[-(64 << 10) :]


async def test_reading_rests_after_each_piece_while_an_answer_goes_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests: list[float] = []

    def rest_after(worked: float) -> float:
        rests.append(worked)
        return 0.001

    monkeypatch.setattr(TURNS, "rest_after", rest_after)
    done = await run(("seq", "1", "200000"), within=20)
    assert done.stdout == b"".join(b"%d\n" % number for number in range(1, 200_001))
    assert len(rests) > 1
    assert min(rests) > 0


async def test_output_that_is_taken_has_its_limit_too() -> None:
    taken: list[int] = []

    def take(piece: bytes) -> None:
        taken.append(len(piece))

    with pytest.raises(TooMuchOutput):
        await run(("cat", "/dev/zero"), within=20, limit=1 << 20, take=take)
    assert sum(taken) <= 1 << 20


async def test_stderr_is_sifted_as_it_comes() -> None:
    pieces: list[bytes] = []

    def sift(piece: bytes) -> bytes:
        pieces.append(piece)
        return piece.replace(b"1/2\n", b"") if piece else b"the end"

    done = await run(sh("echo 1/2 >&2; echo out; sleep 0.05; printf why >&2; exit 3"), within=10, sift=sift)
    assert (done.exit_code, bytes(done.stdout), done.stderr) == (3, b"out\n", b"whythe end")
    assert b"".join(pieces) == b"1/2\nwhy"
    assert pieces[-1] == b""
