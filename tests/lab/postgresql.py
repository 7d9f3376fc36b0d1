"""A throw-away PostgreSQL cluster: UNIX socket only, nothing synced to disk, WAL archived by pgBackRest."""

import os
import shutil
import subprocess  # noqa: TID251 - pg_config is asked before there is a lab
from collections.abc import Callable
from pathlib import Path

from tests.lab.program import LabError

# The socket's folder is private, so every cluster can have the same port.
PORT = 5432


def binaries() -> Path:
    """The folder with initdb, pg_ctl and psql: the newest of Debian's, else what pg_config says.

    Raises LabError when there is no server.
    """
    candidates = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4])
    )
    if candidates:
        return candidates[-1].parent
    if config := shutil.which("pg_config"):
        folder = Path(subprocess.check_output([config, "--bindir"], text=True).strip())
        if (folder / "initdb").exists():
            return folder
    raise LabError("PostgreSQL's server is not installed: apt-get install postgresql")


def installations() -> list[Path]:
    """The folders of every PostgreSQL here: Debian's, and those that POSTGRESQL_BINARIES names, parted by colons."""
    named = (Path(folder) for folder in os.environ.get("POSTGRESQL_BINARIES", "").split(":") if folder)
    return sorted({binaries(), *Path("/usr/lib/postgresql").glob("*/bin"), *named})


class PostgreSQL:
    """One server below `home`; `as_account(*argv)` runs a program there under the lab's account.

    Its programs are the newest, unless it is told others.
    """

    def __init__(self, home: Path, as_account: Callable[..., str], programs: Path | None = None) -> None:
        self.data = home / "data"
        self.socket = home / "socket"
        self._log = home / "postgresql.log"
        self._programs = programs or binaries()
        self._run = as_account

    @property
    def major(self) -> str:
        """For example "15"."""
        return (self.data / "PG_VERSION").read_text().strip()

    def create(self, archive_command: str) -> None:
        """Make and start it."""
        self._run("mkdir", "-p", str(self.socket))
        self._run(
            self._program("initdb"), f"--pgdata={self.data}", "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket),
            "port": PORT,
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": 20,
            "min_wal_size": "32MB",
            "archive_mode": "on",
            "archive_timeout": "10s",
            "archive_command": archive_command,
        }
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        self._run("tee", "-a", str(self.data / "postgresql.conf"), stdin=lines)
        self.start()
        self.sql("create table lab (id bigserial primary key, written timestamptz default now(), words text)")

    def start(self) -> None:
        """Start it and wait until it answers; its log is the error otherwise."""
        try:
            self._run(
                self._program("pg_ctl"),
                "start",
                "-w",
                "-t",
                "60",
                "-s",
                "-D",
                str(self.data),
                "-l",
                str(self._log),
            )
        except LabError as error:
            words = self._log.read_text(errors="replace") if self._log.exists() else ""
            raise LabError(f"{error}\n{words[-2000:]}") from None

    def stop(self) -> None:
        """Immediate mode: a fast stop waits for an archive_command that fails."""
        self._run(self._program("pg_ctl"), "stop", "-w", "-s", "-m", "immediate", "-D", str(self.data))

    def sql(self, statement: str) -> str:
        """The single value that a statement returns, or "" for none."""
        argv = (
            str(binaries() / "psql"),  # the newest talks to all of them, and some come without one
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self.socket),
            "-p",
            str(PORT),
        )
        return self._run(*argv, "-U", "postgres", "-d", "postgres", stdin=statement).strip()

    def _program(self, name: str) -> str:
        return str(self._programs / name)
