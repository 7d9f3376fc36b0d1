"""Runs a program in our place: same terminal, same process group, its streams and signals passed on, its end told.

Where an output is a terminal or closed the program writes to it itself. Else it writes to a pipe and we hand
every byte on, in order, to keep the last of them: there the program's error words are. Two outputs that go to
one place (`2>&1`) share one pipe, so their order stays.
"""

import array
import fcntl
import os
import resource
import select
import signal
import termios
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

KEPT = 64 << 10
"""Bytes of each output's end that are kept."""

_PASSED_ON = (
    signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2
)  # fmt: skip
_WATCHED = frozenset((*_PASSED_ON, signal.SIGCHLD))
_FROM_KERNEL = 0x80  # SI_KERNEL of asm-generic/siginfo.h: a terminal's, and so for the whole group
_CHUNK = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended. *status* is an exit code, or a negative signal; *at* is when, *tail* the end of its output."""

    status: int
    at: float
    tail: bytes


def run(
    argv: Sequence[str],
    environ: Mapping[str, str],
    *,
    started: Callable[[int], None],
    ended: Callable[[Ended], None],
) -> int:
    """Run *argv*, never by a shell; return its exit code, or the negative signal that ended it.

    *started* is called with its pid, *ended* with how it went; no signal interrupts either.
    Raises OSError where the program cannot be started.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored the kernel would bury the program
    own_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        outputs = _outputs()
        pid = _spawn(argv, environ, outputs, own_mask)
        copier = _Copier(outputs)
        copier.start()
        started(pid)
        status = _wait(pid)
        at = time.time()
        copier.finish()
        ended(Ended(status=status, at=at, tail=b"\n".join(bytes(output.tail) for output in outputs)))
        # What came for the program after its end is nobody's.
        while signal.sigtimedwait(_WATCHED, 0):
            pass
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, own_mask)
    return status


def _spawn(
    argv: Sequence[str], environ: Mapping[str, str], outputs: "list[_Output]", mask: Iterable[int]
) -> int:
    try:
        return os.posix_spawnp(
            argv[0],
            list(argv),
            environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, output.write_end, fd) for output in outputs for fd in output.fds
            ],
            setsigmask=mask,
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # Python ignores them: a program expects the default
        )
    finally:
        for output in outputs:
            os.close(output.write_end)


def die_of(number: int) -> None:
    """End ourselves by the signal that ended the program, so that a shell sees the same; returns if it cannot."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the program's core is the one of interest
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):
        os.kill(os.getpid(), number)


def _wait(pid: int) -> int:
    """Pass signals on until the program has ended; return its exit code, or the negative signal."""
    while True:
        # First looked, then waited: an end before the signals were blocked would go unnoticed.
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        got = signal.sigwaitinfo(_WATCHED)
        if got.si_signo != signal.SIGCHLD and got.si_code != _FROM_KERNEL:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, got.si_signo)


@dataclass(slots=True)
class _Output:
    """One place that the program writes to, by way of a pipe."""

    fds: tuple[int, ...]
    read_end: int
    write_end: int
    tail: bytearray = field(default_factory=bytearray)


def _outputs() -> list[_Output]:
    """Lay a pipe for each place that is no terminal."""
    places: dict[tuple[int, int], list[int]] = {}
    for fd in (1, 2):
        try:
            stat = os.fstat(fd)
        except OSError:
            continue  # closed
        if not os.isatty(fd):
            places.setdefault((stat.st_dev, stat.st_ino), []).append(fd)
    return [_Output(tuple(fds), *os.pipe()) for fds in places.values()]


class _Copier(threading.Thread):
    """Hands on what the program writes; where nobody takes it the program finds its pipe broken, as without us."""

    def __init__(self, outputs: list[_Output]) -> None:
        super().__init__(daemon=True)
        self._poll = select.poll()
        self._open = {output.read_end: output for output in outputs}
        self._ended, self._end = os.pipe()
        for fd in (*self._open, self._ended):
            self._poll.register(fd, select.POLLIN)

    def run(self) -> None:
        """Copy until the pipes end, or the program has: then what they hold, since a grandchild may keep them open."""
        while self._open:
            ready = [fd for fd, _ in self._poll.poll()]
            if self._ended in ready:
                break
            for fd in ready:
                self._copy(fd, _CHUNK)
        for fd in list(self._open):
            left = array.array("i", [0])
            fcntl.ioctl(fd, termios.FIONREAD, left)
            self._copy(fd, left[0])

    def finish(self) -> None:
        """Return when all is handed on."""
        os.write(self._end, b".")
        self.join()

    def _copy(self, fd: int, most: int) -> None:
        output = self._open[fd]
        data = os.read(fd, most)
        output.tail += data
        del output.tail[:-KEPT]
        if not data or not _write(output.fds[0], data):
            self._poll.unregister(fd)
            del self._open[fd]
            os.close(fd)


def _write(fd: int, data: bytes) -> bool:
    """Write all of it; False where nobody takes it."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:  # somebody shares it with us and does not wait
            select.select((), (fd,), ())
        except OSError:
            return False
    return True
