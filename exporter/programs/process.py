"""Run a program within a deadline and leave nothing of it behind.

The program gets a session, and so a process group, of its own: whatever it left there (say the ssh of a
pgBackRest that gave up) ends with it – on time-out, on cancellation and after a normal end.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from exporter.programs import refusal
from exporter.programs.childwatch import watch_by_pidfd
from exporter.turns import TURNS

_MIB: Final = 1 << 20
_KEPT: Final = 64 << 10
# Seconds in which the kernel takes down what got SIGKILL, unless that is stuck in the kernel.
_KILL_TAKES: Final = 0.4
_POLL: Final = 0.01
# stdin, two pipes, the pipe of Popen, the pidfd.
_DESCRIPTORS: Final = 8
_UNENDABLE: Final = "(pid {}, another user's or stuck, say on a dead network disk)"

# Programs that outlived SIGKILL, with their pids: else one more a minute would pile up behind a dead disk.
_undead: Final[dict[tuple[str, ...], int]] = {}


class ProcessError(Exception):
    """A program that did not do its work; the message is one line with the program's name and a remedy."""


class NotStarted(ProcessError):  # noqa: N818 - the name says what happened
    """The system did not start the program: no descriptors, processes or memory left."""


class BadCommand(NotStarted):
    """The command itself is at fault: the program is missing, not executable or not made for this machine."""


class TimedOut(ProcessError):  # noqa: N818 - the name says what happened
    """The program did not end in time and was ended."""


class TooMuchOutput(ProcessError):  # noqa: N818 - the name says what happened
    """The program printed more than the limit and was ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A program that ended by itself. A negative *exit_code* is the signal that killed it."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes | bytearray
    stderr: bytes


async def run(
    argv: Sequence[str],
    *,
    within: float,
    env: Mapping[str, str] | None = None,
    limit: int = 512 * _MIB,
    grace: float = 0.5,
    take: Callable[[bytes], None] | None = None,
    sift: Callable[[bytes], bytes] | None = None,
    cwd: str | None = None,
) -> Completed:
    """Run *argv*, never by a shell and with nothing to read, and return what it printed.

    It may take *within* seconds and print *limit* bytes; of stderr the last 64 KiB are kept. What is left of its
    group then gets SIGTERM, and SIGKILL *grace* seconds later. *env* is the whole environment; None is our own.
    *take* is handed stdout piece by piece, of which then the last 64 KiB are kept as well: it never raises.
    *sift* is handed stderr likewise, b"" at its end, and returns what of it is to be kept.
    Raises NotStarted, TimedOut or TooMuchOutput; a cancellation goes on when all has ended.
    """
    child = Child(tuple(argv), limit, take, cwd, sift)
    try:
        await child.start(env)
        await asyncio.wait((child.over,), timeout=within)
        timed_out = not child.over.done()
        if child.exited.done():
            await child.output_ends(grace, within)
    finally:
        await child.end(grace)
    if child.size > limit:
        what = f"printed more than {limit:,} bytes and was ended"
        raise TooMuchOutput(f"{argv[0]}: {what}: run it by hand to see what it prints")
    if timed_out:
        raise TimedOut(f"{argv[0]}: did not finish within {within:g} s {child.fate}")
    return child.completed()


class Child(asyncio.SubprocessProtocol):
    """One program: how it starts, what it has printed so far, and how it ends."""

    _transport: asyncio.SubprocessTransport
    _group: int
    _starting: asyncio.Task[object] | None = None

    def __init__(
        self,
        argv: tuple[str, ...],
        limit: int,
        take: Callable[[bytes], None] | None = None,
        cwd: str | None = None,
        sift: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._argv = argv
        self._limit = limit
        self._take = take
        self._sift = sift
        self._cwd = cwd
        self._loop = asyncio.get_running_loop()
        self._stdout = bytearray()
        self._stderr = bytearray()
        self.size = 0
        self.exited: asyncio.Future[None] = self._loop.create_future()
        self.over: asyncio.Future[None] = self._loop.create_future()  # exited, or printed too much
        self.released: asyncio.Future[None] = self._loop.create_future()  # exited, and both pipes are closed

    async def start(self, env: Mapping[str, str] | None) -> None:
        """Start it, and see to it that a cancellation meanwhile does not lose sight of it."""
        if pid := _undead.get(self._argv):
            still = f"the run before hangs {_UNENDABLE.format(pid)}"
            raise NotStarted(f"{self._argv[0]}: not started again, {still}: end that one")
        watch_by_pidfd(self._loop)
        self._starting = self._loop.create_task(self._spawn(env))
        await asyncio.wait((self._starting,))
        error = self._starting.exception()
        if isinstance(error, OSError | ValueError):
            raise _refused(self._argv[0], env, error) from error
        if error:
            raise error

    async def _spawn(self, env: Mapping[str, str] | None) -> None:
        # Running out half way, Python 3.11 would lose the pipes it has (gh-87474) and any version the child.
        with contextlib.ExitStack() as spare:
            for _ in range(_DESCRIPTORS):
                spare.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        # No preexec_fn: with it Python could not use vfork, which costs the same however large we are.
        await self._loop.subprocess_exec(
            lambda: self,
            *self._argv,
            stdin=asyncio.subprocess.DEVNULL,
            env=env,
            cwd=self._cwd,
            start_new_session=True,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it on (asyncio calls this)."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._group = self._transport.get_pid()
        # Fewer turns of the loop for a large document. Users with many pipes are refused; a short run has ended.
        with contextlib.suppress(OSError, ValueError):
            fcntl.fcntl(self._pipe().get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _MIB)

    def _pipe(self) -> asyncio.ReadTransport:
        return cast("asyncio.ReadTransport", self._transport.get_pipe_transport(1))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take in what it printed (asyncio calls this)."""
        if fd != 1:
            self._stderr += data if self._sift is None else self._sift(data)
            del self._stderr[:-_KEPT]
            return
        began = time.monotonic()
        self.size += len(data)
        if self.size <= self._limit:
            self._stdout += data
            if self._take is not None:
                del self._stdout[:-_KEPT]
                self._take(data)
            self._rest(TURNS.rest_after(time.monotonic() - began))
            return
        self._stdout.clear()
        self._pipe().pause_reading()
        _settle(self.over)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """Know that it prints no more there (asyncio calls this)."""
        if fd == 2 and self._sift is not None:
            self._stderr += self._sift(b"")

    def _rest(self, seconds: float) -> None:
        if seconds:
            self._pipe().pause_reading()
            self._loop.call_later(seconds, self._pipe().resume_reading)

    def process_exited(self) -> None:
        """Know that it ended (asyncio calls this)."""
        _undead.pop(self._argv, None)
        _settle(self.exited)
        _settle(self.over)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Know that its pipes are closed too (asyncio calls this)."""
        _settle(self.released)

    async def output_ends(self, grace: float, within: float) -> None:
        """Wait for the end of the output while some still comes: a grandchild may hold the pipes for ever."""
        deadline = self._loop.time() + within
        before = -1
        while (
            not self.released.done() and before != self.size <= self._limit and self._loop.time() < deadline
        ):
            before = self.size
            await asyncio.wait((self.released,), timeout=grace)

    def completed(self) -> Completed:
        """Return what it printed and how it ended."""
        code = cast("int", self._transport.get_returncode())
        return Completed(argv=self._argv, exit_code=code, stdout=self._stdout, stderr=bytes(self._stderr))

    @property
    def fate(self) -> str:
        """What became of it after the time-out."""
        if self.exited.done():
            return "and was ended"
        return f"and cannot be ended {_UNENDABLE.format(self._group)}"

    async def end(self, grace: float) -> None:
        """End the whole group and let go of the pipes. Another cancellation only cuts the grace short."""
        if self._starting is None:
            return
        while not self._starting.done():
            await asyncio.wait((self._starting,))
        if self._starting.cancelled() or self._starting.exception():
            return
        try:
            await self._send(signal.SIGTERM, grace)
        finally:
            try:
                await self._send(signal.SIGKILL, _KILL_TAKES)
            finally:
                await self._release()

    async def _send(self, number: signal.Signals, patience: float) -> None:
        """Signal the group, then wait at most *patience* seconds until it is empty and its end is known."""
        deadline = self._loop.time() + patience
        somebody = self._group_gets(number)
        while (somebody or not self.exited.done()) and self._loop.time() < deadline:
            await asyncio.sleep(_POLL)
            somebody = self._group_gets(0)

    def _group_gets(self, number: int) -> bool:
        """Send a signal, 0 being none; tell whether there is still anybody in the group."""
        if self.exited.done():
            # As pid 1 of a container we inherit the program's orphans, and nobody else would bury them.
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-self._group, os.WNOHANG)[0]:
                    pass
        try:
            os.killpg(self._group, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    async def _release(self) -> None:
        with contextlib.suppress(PermissionError):  # it tries once more to kill another user's program
            self._transport.close()
        if self.exited.done():
            await asyncio.wait((self.released,), timeout=_KILL_TAKES)
        else:
            _undead[self._argv] = self._group


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _refused(name: str, env: Mapping[str, str] | None, error: OSError | ValueError) -> NotStarted:
    own_fault, words = refusal.explain(name, env, error)
    return BadCommand(words) if own_fault else NotStarted(words)
