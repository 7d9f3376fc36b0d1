"""A machine for one test: a folder, a PATH with the stand-in and little else, and the exporters started there."""

import json
import os
import shutil
import signal
import subprocess  # noqa: TID251 - the exporter is started as an operator starts it
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.process import proc
from tests.process.running import Running
from tests.process.waiting import until
from tests.standin import PROGRAM, Standin

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "exporter")
ANYWHERE = "--web.listen-address=127.0.0.1:0"
"""A port that the kernel chooses: nobody else can have taken it."""

# What the stand-in may call; a pgbackrest that is really installed is not to be found.
_TOOLS = ("sh", "cat", "cp", "date", "head", "ln", "mkdir", "mv", "rm", "sleep", "tail", "touch", "tr", "wc")


@dataclass(frozen=True, slots=True)
class Ended:
    """An exporter that ended by itself."""

    code: int
    stdout: str
    stderr: str

    @property
    def complaints(self) -> list[str]:
        return self.stderr.splitlines()


@dataclass(slots=True)
class Host:
    """Made in an empty folder; `leave` ends and checks what was started."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    started: list[Running] = field(default_factory=list)
    standin: Standin = field(init=False)

    def __post_init__(self) -> None:
        for name in ("standin", "bin"):
            (self.folder / name).mkdir(parents=True)
        self.standin = Standin(self.folder / "standin")
        for tool in _TOOLS:
            found = shutil.which(tool)
            assert found, f"{tool} is not on PATH: the stand-in needs it"
            (self.program.parent / tool).symlink_to(found)
        self.installs(PROGRAM.read_bytes())
        self.writes("pgbackrest.conf", "")
        self.sets()

    @property
    def program(self) -> Path:
        """The only pgbackrest on PATH."""
        return self.folder / "bin" / "pgbackrest"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.yml"

    def installs(self, script: bytes, mode: int = 0o755) -> None:
        """Replace the pgbackrest on PATH at one stroke."""
        new = self.folder / "pgbackrest.new"
        new.write_bytes(script)
        new.chmod(mode)
        new.rename(self.program)

    def waits_for(self, gate: str) -> Path:
        """Let pgbackrest wait until the file that is returned exists, and then work as usual."""
        file = self.folder / gate
        loop = f"while [ ! -e '{file}' ]; do sleep 0.02; done"
        self.installs(f'#!/bin/sh\n{loop}\nexec {PROGRAM} "$@"\n'.encode())
        return file

    def writes(self, name: str, text: str) -> Path:
        """Write a file at one stroke."""
        file = self.folder / name
        new = file.with_suffix(".new")
        new.write_text(text)
        return new.rename(file)

    def sets(self, **sections: Any) -> None:
        """Write settings over quick ones for tests; no pgbackrest.conf and no log of this machine take part."""
        info = {"every": "1s", "within": "10s"} | sections.pop("info", {})
        # Each of its calls would count, hang or fail as the calls for info do.
        repository = {"enabled": False} | sections.pop("repository", {})
        pgbackrest = {"config": str(self.folder / "pgbackrest.conf")} | sections.pop("pgbackrest", {})
        runs = {"enabled": False} | sections.pop("runs", {})
        own = {"info": info, "repository": repository, "runs": runs, "pgbackrest": pgbackrest}
        self.writes("settings.yml", json.dumps(own | sections))

    @property
    def environment(self) -> dict[str, str]:
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PGBACKREST_", "LISTEN_"))
        }
        path = {"PATH": str(self.program.parent), "STANDIN_DIR": str(self.standin.folder)}
        # aiohttp reads all authorities at import, for a client that nobody uses: a third of the time to start.
        quick = {"SSL_CERT_FILE": os.devnull}
        return own | path | quick | {"PYTHONPATH": str(PROJECT)} | self.variables

    def run(self, *flags: str, command: Sequence[str] = COMMAND) -> Ended:
        """Run an exporter that is to end by itself."""
        done = subprocess.run(
            (*command, *flags),
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            timeout=30,
            text=True,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(
        self,
        *flags: str,
        address: str = ANYWHERE,
        command: Sequence[str] = COMMAND,
        stderr: Path | None = None,
        **options: Any,
    ) -> Running:
        """Start an exporter on the settings of this machine, without waiting; *options* are those of Popen."""
        log = stderr or self.folder / f"log.{len(self.started)}"
        with log.open("ab") as output:
            process = subprocess.Popen(
                (*command, f"--config.file={self.settings}", *([address] if address else []), *flags),
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
                **options,
            )
        self.started.append(Running(process, log))
        return self.started[-1]

    @property
    def alive(self) -> list[int]:
        """Every process that was started from here, directly or not, exporters too."""
        return proc.marked(f"STANDIN_DIR={self.standin.folder}")

    def others(self) -> list[int]:
        """The same without the exporters."""
        return [pid for pid in self.alive if pid not in {one.pid for one in self.started}]

    def running(self) -> list[int]:
        """The pgbackrest processes that are being run now, as their commands say."""
        return [pid for pid in self.others() if "info" in _command(pid)]

    def leave(self) -> None:
        """End every exporter as systemd would, and see that nothing of it is left."""
        try:
            for one in self.started:
                if one.process.poll() is None:
                    one.end()
            assert self.alive == [], {pid: _command(pid) for pid in self.alive}
        finally:
            for one in self.started:
                one.kill()
            for pid in self.alive:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def until_nothing_runs(self) -> None:
        """Wait until no pgbackrest is left, nor anything that one has started."""
        until(lambda: not self.others(), lambda: f"these to end: {[_command(pid) for pid in self.others()]}")


def _command(pid: int) -> list[str]:
    try:
        return proc.command(pid)
    except OSError:
        return []
