"""However it ends, `make cluster` leaves no process, no mount and no file."""

import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lab.child import Child
from tests.lab.exporter import PROJECT
from tests.lab.folder import VARIABLE
from tests.lab.program import until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    child = Child(
        (sys.executable, "-m", "tests.cluster.play"), env=os.environ, cwd=PROJECT, log=tmp_path / "log"
    )
    try:
        until(lambda: "Patroni on pg1" in child.log, within=30, what="Patroni begins")
        found = re.search(r"in (/\S+)", child.log)
        assert found
        folder = Path(found[1])
        until(lambda: processes(folder) > 3, within=30, what="servers run")
        os.kill(child.pid, number)
        assert child.ends_within(30), child.log
    finally:
        assert child.stop(within=30) == 130, child.log
    assert child.log.endswith("Interrupted. Everything has been removed.\n")
    assert not folder.exists()
    assert str(folder) not in Path("/proc/self/mounts").read_text()
    assert processes(folder) == 0


def processes(folder: Path) -> int:
    """How many processes belong to that laboratory."""
    mark = f"{VARIABLE}={folder}".encode()
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                count += mark in (entry / "environ").read_bytes().split(b"\0")
    return count
