"""What every laboratory needs: a temporary folder, an account that is not root, and an end that leaves nothing."""

import os
import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

from tests.lab import folder
from tests.lab.account import unprivileged
from tests.lab.program import find, run

# Ctrl-C, a polite end, a closed terminal.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Site:
    """`with Site() as site:` – what a laboratory puts there in `furnish` goes with the folder.

    While it lives SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does: the folder is always removed.
    """

    def __init__(self) -> None:
        self.account = unprivileged()
        self.leftovers = folder.remove_leftovers(self.account)
        self.program = find("pgbackrest", "apt-get install pgbackrest")
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, _interrupt) for number in ENDINGS}
        self._folder = folder.Folder(self.account)
        try:
            self._make_command()
            self.furnish()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def furnish(self) -> None:
        """Put into the fresh folder what belongs there."""

    def dismantle(self) -> None:
        """End what the folder's own end would be slow or too gentle with."""

    @property
    def path(self) -> Path:
        """The temporary folder; the caller may put files of its own there."""
        return self._folder.path

    @property
    def config(self) -> Path:
        """pgbackrest.conf, which the exporter is told of."""
        return self.path / "pgbackrest.conf"

    @property
    def command(self) -> Path:
        """An executable `pgbackrest` that gives up root first.

        So the exporter can run as whoever cloned the project, from a folder that no other account may enter.
        """
        return self.path / "bin" / "pgbackrest"

    @property
    def environment(self) -> dict[str, str]:
        """For every process of ours: no PG* and PGBACKREST_* of the caller, and `pgbackrest` is that command."""
        path = f"{self.path / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        return self.servers_environment | {"PATH": path}

    @property
    def servers_environment(self) -> dict[str, str]:
        """For what already runs under the account, which has no right to change it: `pgbackrest` is the system's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTEST"))}
        return own | {"HOME": str(self.path), "LC_ALL": "C", folder.VARIABLE: str(self.path)}

    def as_account(self, *argv: str, stdin: str = "") -> str:
        """Standard output of a program run under the account."""
        return run((*self.account.prefix, *argv), env=self.environment, cwd=self.path, stdin=stdin)

    def own(self, path: Path) -> Path:
        """Make a folder that belongs to the account alone."""
        path.mkdir(0o700)
        os.chown(path, self.account.uid, self.account.gid)
        return path

    def write(self, path: Path, text: str, mode: int = 0o600) -> Path:
        """Write a file of the account's in one go: somebody may be reading it."""
        new = path.with_name(f"{path.name}.new")
        new.touch(mode)
        os.chown(new, self.account.uid, self.account.gid)
        new.write_text(text)
        return new.replace(path)

    def _make_command(self) -> None:
        self.command.parent.mkdir()
        self.command.write_text(f'#!/bin/sh\nexec {" ".join((*self.account.prefix, self.program))} "$@"\n')
        self.command.chmod(0o755)

    def _close(self) -> None:
        """A second Ctrl-C must not interrupt the removal."""
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        try:
            self.dismantle()
        finally:
            self._remove()

    def _remove(self) -> None:
        try:
            self._folder.remove()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)
