"""A program that runs for long: its lines are heard as they come, it can be signalled, and nothing of it is left."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from exporter.programs.process import Child

Hear = Callable[[str], None]

_LONGEST_LINE = 64 << 10


class Supervised(Child):
    """A running program. stdout and stderr are heard line by line and not kept."""

    def __init__(self, argv: tuple[str, ...], hear: Hear, cwd: str | None) -> None:
        super().__init__(argv, limit=0, cwd=cwd)
        self._hear = hear
        self._unfinished: dict[int, bytes] = {}
        self._news = asyncio.Event()

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group too."""
        return self._group

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that killed it."""
        return self._transport.get_returncode()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Hear every whole line; what goes on without end is cut."""
        *lines, rest = (self._unfinished.get(fd, b"") + data).split(b"\n")
        for line in lines:
            self._hear(line.decode(errors="replace"))
        self._unfinished[fd] = rest[:_LONGEST_LINE]
        self._news.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """Hear a last line that has no end."""
        if rest := self._unfinished.pop(fd, b""):
            self._hear(rest.decode(errors="replace"))

    def process_exited(self) -> None:
        """Know that it ended (asyncio calls this)."""
        super().process_exited()
        self._news.set()

    async def news(self, within: float) -> None:
        """Wait until it says something or ends, at most *within* seconds."""
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._news.wait()

    def signal(self, number: int) -> None:
        """Signal the program itself, and not what it has started."""
        if not self.exited.done():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self._group, number)

    async def wait(self, within: float | None = None) -> bool:
        """Wait until it has ended and all of its output was heard; False: *within* seconds were not enough."""
        done, _ = await asyncio.wait((self.exited,), timeout=within)
        if done:
            await asyncio.wait((self.released,), timeout=1.0)
        return bool(done)


@asynccontextmanager
async def supervised(
    argv: Sequence[str],
    *,
    hear: Hear,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    nice: int = 0,
    if_we_die: signal.Signals = signal.SIGTERM,
    grace: float = 5.0,
) -> AsyncIterator[Supervised]:
    """Run *argv* with nothing to read while the block lasts; then its group gets SIGTERM, and SIGKILL after *grace*.

    It gets *if_we_die* should we be killed ourselves (PR_SET_PDEATHSIG by setpriv of util-linux, where that is
    installed). Raises NotStarted.
    """
    child = Supervised((*_dying_with_us(if_we_die), *_nicely(nice), *argv), hear, cwd)
    try:
        await child.start(env)
        yield child
    finally:
        await child.end(grace)


def _dying_with_us(number: signal.Signals) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", number.name.removeprefix("SIG"), "--") if setpriv else ()


def _nicely(nice: int) -> tuple[str, ...]:
    program = shutil.which("nice")
    return (program, "-n", str(nice)) if nice and program else ()
