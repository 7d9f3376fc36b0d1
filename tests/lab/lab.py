"""`with Lab() as lab:` gives real stanzas over two repositories, and leaves nothing behind."""

import os
import secrets
import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

from tests.lab import folder
from tests.lab.account import unprivileged
from tests.lab.cluster import Cluster
from tests.lab.program import find, run
from tests.lab.stanza import Stanza

# Ctrl-C, a polite end, a closed terminal.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Lab:
    """Two repositories, the second encrypted, and any number of stanzas in one temporary folder.

    While it lives SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does: the folder is always removed.
    """

    def __init__(self) -> None:
        self.account = unprivileged()
        self.leftovers = folder.remove_leftovers(self.account)
        self._program = find("pgbackrest", "apt-get install pgbackrest")
        self._sections: dict[str, Mapping[str, str]] = {}
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, _interrupt) for number in ENDINGS}
        self._folder = folder.Folder(self.account)
        try:
            self._furnish()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    @property
    def path(self) -> Path:
        """The temporary folder; the caller may put files of its own there."""
        return self._folder.path

    @property
    def config(self) -> Path:
        """pgbackrest.conf, readable by the account alone: the passphrase of repository 2 stands in it."""
        return self.path / "pgbackrest.conf"

    @property
    def command(self) -> Path:
        """An executable `pgbackrest` that gives up root first.

        So the exporter can run as whoever cloned the project, from a folder that no other account may enter.
        """
        return self.path / "bin" / "pgbackrest"

    @property
    def environment(self) -> dict[str, str]:
        """For every process of the lab: no PG* and PGBACKREST_* of the caller, and `pgbackrest` is ours."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTEST"))}
        path = f"{self.path / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        return own | {"PATH": path, "HOME": str(self.path), "LC_ALL": "C", folder.VARIABLE: str(self.path)}

    def repository(self, number: int) -> Path:
        """The folder of repository 1 or 2."""
        return self.path / "server" / f"repo{number}"

    def stanza(self, name: str, options: Mapping[str, str] | None = None) -> Stanza:
        """A new cluster and its stanza in both repositories; `options` go to its section of the file."""
        stanza = self.cluster(name, options)
        stanza.pgbackrest("stanza-create")
        return stanza

    def cluster(self, name: str, options: Mapping[str, str] | None = None) -> Stanza:
        """The same without stanza-create: PostgreSQL runs, archiving fails."""
        cluster = Cluster(self.path / f"postgresql-{name}", self.as_account)
        self._own(cluster.data.parent)
        stanza = Stanza(name, cluster, self.pgbackrest)
        self._sections[name] = stanza.section | dict(options or {})
        self._configure()
        # Not the wrapper: the server has no right to change its account.
        cluster.create(f"{self._program} --config={self.config} --stanza={name} archive-push %p")
        return stanza

    def pgbackrest(self, *arguments: str) -> str:
        """Standard output of pgBackRest; LabError with its own words when it fails."""
        quiet = ("--log-level-console=off", "--log-level-stderr=error")
        return self.as_account(self._program, f"--config={self.config}", *quiet, *arguments)

    def as_account(self, *argv: str, stdin: str = "") -> str:
        """Standard output of a program run under the lab's account."""
        return run((*self.account.prefix, *argv), env=self.environment, cwd=self.path, stdin=stdin)

    def _furnish(self) -> None:
        self._own(self.path / "server")
        (self.path / "bin").mkdir()
        self.command.write_text(f'#!/bin/sh\nexec {" ".join((*self.account.prefix, self._program))} "$@"\n')
        self.command.chmod(0o755)
        self._sections["global"] = {
            "repo1-path": str(self.repository(1)),
            "repo1-retention-full": "2",
            "repo2-path": str(self.repository(2)),
            "repo2-retention-full": "2",
            "repo2-cipher-type": "aes-256-cbc",
            "repo2-cipher-pass": secrets.token_urlsafe(32),
            "log-path": str(self.path / "server" / "log"),
            "lock-path": str(self.path / "server" / "lock"),
            "spool-path": str(self.path / "server" / "spool"),
            "log-level-file": "detail",
            "compress-level": "1",
            "start-fast": "y",
        }
        self._configure()

    def _configure(self) -> None:
        """Replaced in one go: archive-push may be reading it."""
        text = "\n".join(
            f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in options.items())
            for name, options in self._sections.items()
        )
        new = self.config.with_suffix(".new")
        new.touch(0o600)
        os.chown(new, self.account.uid, self.account.gid)
        new.write_text(text)
        new.replace(self.config)

    def _own(self, path: Path) -> None:
        path.mkdir(0o700)
        os.chown(path, self.account.uid, self.account.gid)

    def _close(self) -> None:
        """A second Ctrl-C must not interrupt the removal."""
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        try:
            self._folder.remove()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)
