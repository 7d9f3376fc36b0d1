"""The restored PostgreSQL: started with a configuration of its own, and ended whatever happens."""

import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from exporter.programs.supervised import Supervised, supervised
from exporter.restore.binaries import Binaries
from exporter.restore.serverlog import ServerLog
from exporter.restore.workplace import Workplace

# Seconds for a clean end; then it is ended without a checkpoint.
_FAST = 120.0
_IMMEDIATE = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running postmaster and what it says."""

    process: Supervised
    log: ServerLog

    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self.process.exit_code is not None

    async def stop(self) -> bool:
        """Stop it in fast mode; tell whether it ended cleanly."""
        self.process.signal(signal.SIGINT)
        return await self.process.wait(_FAST) and self.process.exit_code == 0


@asynccontextmanager
async def started(
    binaries: Binaries,
    place: Workplace,
    configuration: Path,
    *,
    nice: int,
    log: Callable[[str], None],
    overrides: Mapping[str, str],
    environment: Mapping[str, str],
) -> AsyncIterator[Server]:
    """Run PostgreSQL while the block lasts; it may not be ready yet, or end by itself. Raises NotStarted.

    *overrides* stand on the command line, where nothing that a file says can undo them. Should we be killed, the
    kernel asks it to shut down at once.
    """
    heard = ServerLog(log)
    argv = (
        binaries.program("postgres"),
        *("-D", str(place.data), "-c", f"config_file={configuration}"),
        *(word for name, value in overrides.items() for word in ("-c", f"{name}={value}")),
    )
    async with supervised(
        argv,
        hear=heard.hear,
        env={**environment, "LC_ALL": "C"},
        cwd=str(place.path),
        nice=nice,
        if_we_die=signal.SIGQUIT,
        grace=_IMMEDIATE,
    ) as process:
        try:
            yield Server(process, heard)
        finally:
            # SIGTERM, which comes next, would be a smart shutdown: it waits for sessions.
            process.signal(signal.SIGQUIT)
            await process.wait(_IMMEDIATE)
