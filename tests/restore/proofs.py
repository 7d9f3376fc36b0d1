"""Restore tests of the lab's stanzas, as a person would start them, and what is on record afterwards."""

import json
import os
import pty
import shutil
import subprocess  # noqa: TID251 - the test is outside of the exporter
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.lab.exporter import PROJECT
from tests.lab.lab import Lab
from tests.lab.stanza import Stanza

DEFAULTS: Mapping[str, Any] = {
    "allow_repository_filesystem": True,  # all of the lab is below one folder
    "keep_free": "100MiB",
    "shared_buffers": "16MiB",
    "nice": 0,
    "targets": ["latest"],
    "repos": [1],
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one run went."""

    code: int
    said: str
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return [name for name, check in self.checks.items() if check["state"] == "failed"]

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        """The checks by name."""
        return {check["name"]: check for check in self.record["checks"]}

    def state(self, check: str) -> str:
        """How a check went."""
        return str(self.checks[check]["state"])


class Proofs:
    """Starts restore tests under the lab's account."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.scratch = lab.path / "scratch"
        self.state = lab.path / "state"
        for folder in (self.scratch, self.state):
            folder.mkdir()
            os.chown(folder, lab.account.uid, lab.account.gid)
        self._number = 0

    def records(self, stanza: Stanza) -> list[Path]:
        """The records of a stanza, oldest first."""
        return sorted((self.state / "restore-tests" / stanza.name).glob("2*.json"))

    def read(self, path: Path) -> dict[str, Any]:
        """A record."""
        record: dict[str, Any] = json.loads(path.read_bytes())["test"]
        return record

    def run(self, stanza: Stanza, *words: str, **settings: Any) -> Outcome:
        """Run one test to its end; *settings* are those of restore_tests."""
        before = set(self.records(stanza))
        process = self.start(stanza, *words, **settings)
        said, _ = process.communicate(timeout=120)
        new = [path for path in self.records(stanza) if path not in before]
        record = self.read(new[-1]) if new else {}
        return Outcome(code=process.returncode, said=said, record=record)

    def at_terminal(self, stanza: Stanza, *words: str, **settings: Any) -> str:
        """Run one test to its end, and return all that a terminal was sent."""
        ours, theirs = pty.openpty()
        process = self.start(stanza, *words, output=theirs, **settings)
        os.close(theirs)
        said = b""
        with suppress(OSError):  # EIO: nobody holds the other end any more
            while piece := os.read(ours, 1 << 16):
                said += piece
        os.close(ours)
        process.wait(timeout=30)
        return said.decode()

    def start(
        self, stanza: Stanza, *words: str, output: int = subprocess.PIPE, **settings: Any
    ) -> subprocess.Popen[str]:
        """Start a test and return at once; *output* is a descriptor for all that it says."""
        dsn = settings.pop("postgresql", None)
        state = settings.pop("state", self.state)
        command = settings.pop("command", [shutil.which("pgbackrest")])
        document = {
            "pgbackrest": {"config": str(self.lab.config), "command": command},
            "state_path": str(state),
            "stanzas": {stanza.name: {"postgresql": dsn} if dsn else {}},
            "restore_tests": {**DEFAULTS, "to": str(self.scratch), **settings},
        }
        self._number += 1
        file = self.lab.path / f"restore-test-{self._number}.yml"
        file.write_text(json.dumps(document))
        account = self.lab.account
        return subprocess.Popen(
            (
                *(sys.executable, "-m", "tests.restore.launch", str(account.uid), str(account.gid)),
                *("restore-test", f"--config.file={file}", f"--stanza={stanza.name}", *words),
            ),
            env=self.lab.environment | {"PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=self.lab.path,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def leftovers(self) -> list[str]:
        """Everything that lies in the scratch folder, and every process that works there."""
        files = [str(path.relative_to(self.scratch)) for path in self.scratch.rglob("*")]
        return files + [f"process {pid}" for pid in working_in(self.scratch)]


def working_in(folder: Path) -> list[int]:
    """The processes whose working folder is below *folder*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink().is_relative_to(folder):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def dsn(stanza: Stanza) -> str:
    """How libpq reaches the stanza's primary."""
    return f"host={stanza.cluster.socket} port=5432 user=postgres dbname=postgres"


def fingerprint(repository: Path, stanza: str) -> dict[str, str]:
    """Every file of a stanza in a repository, and a digest of its content: others go on archiving meanwhile."""
    return {
        str(path.relative_to(repository)): sha256(path.read_bytes()).hexdigest()
        for kind in ("archive", "backup")
        for path in sorted((repository / kind / stanza).rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
