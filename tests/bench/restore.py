"""`python -m tests.bench.restore`: what a restore test costs beside pgBackRest's and PostgreSQL's own work."""

from __future__ import annotations

import argparse
import os
import re
import subprocess  # noqa: TID251 - the test is outside of the exporter
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.servers import as_installed, pause
from tests.lab.lab import Lab
from tests.lab.stanza import Stanza
from tests.restore.proofs import Proofs, dsn

DEMANDED = 0.10
_STARTED = re.compile(r"^(\S+ \S+) GMT \[\d+\] LOG:  starting PostgreSQL", re.MULTILINE)
_READY = re.compile(
    r"^(\S+ \S+) GMT \[\d+\] LOG:  database system is ready to accept connections", re.MULTILINE
)
_RESTORED = re.compile(r"restore command end: completed successfully \((\d+)ms\)")
_ROW_BYTES = 1000
# Each is written within the lab's deadline.
_PIECES = 20
# Fast, so that what the test costs by itself weighs more.
_OPTIONS = {"compress-type": "lz4", "process-max": "2"}


@dataclass(slots=True)
class Usage:
    """What the test's own process took, its children aside: seconds of CPU, bytes of memory at the peak."""

    cpu: float = 0.0
    memory: int = 0

    def watch(self, process: subprocess.Popen[str]) -> None:
        """Look again and again until it has ended; what it takes in the last moment is missed."""
        folder, tick = Path("/proc", str(process.pid)), os.sysconf("SC_CLK_TCK")
        while process.poll() is None:
            with suppress(OSError, IndexError):
                # proc(5): utime and stime; those of children follow.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                self.cpu = (int(fields[11]) + int(fields[12])) / tick
                self.memory = int((folder / "status").read_text().split("VmHWM:")[1].split()[0]) * 1024
            pause(0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One restore test: its record, its log, its time from start to end, and what it took."""

    record: Mapping[str, Any]
    log: str
    wall: float
    usage: Usage

    @property
    def work(self) -> float:
        """The seconds in which pgBackRest, PostgreSQL, its programs or the kernel that removes files were at work."""
        restored, started, ready = (pattern.search(self.log) for pattern in (_RESTORED, _STARTED, _READY))
        if not (restored and started and ready):
            raise RuntimeError(f"the log does not tell how long things took:\n{self.log}")
        replay = datetime.fromisoformat(ready[1]) - datetime.fromisoformat(started[1])
        phases: Mapping[str, float] = self.record["phases"]
        others = sum(phases[name] for name in ("checks", "stop", "checksums", "clean_up"))
        return int(restored[1]) / 1000 + replay.total_seconds() + others

    @property
    def overhead(self) -> float:
        """The share of the time that is ours: when nobody else works, and all CPU that we take while others do."""
        return (self.wall - self.work + self.usage.cpu) / self.wall


def measured(lab: Lab, proofs: Proofs, megabytes: int) -> Run:
    """Test a database of that size once, every table and index of it."""
    stanza, usage = _filled(lab, megabytes * 1_000_000 // _ROW_BYTES), Usage()
    began = time.monotonic()
    process = proofs.start(stanza, "--target=latest", postgresql=dsn(stanza))
    watching = threading.Thread(target=usage.watch, args=(process,))
    watching.start()
    said, _ = process.communicate()
    wall = time.monotonic() - began
    watching.join()
    if process.returncode:
        raise RuntimeError(f"the backup was not proven:\n{said}")
    (path,) = proofs.records(stanza)
    return Run(record=proofs.read(path), log=path.with_suffix(".log").read_text(), wall=wall, usage=usage)


def _filled(lab: Lab, rows: int) -> Stanza:
    """A stanza with a backup of so many rows, with an index, and a fifth as many in WAL after it."""
    stanza = lab.stanza("bench", _OPTIONS)
    stanza.cluster.sql("create table big (id int, words text)")
    for piece in range(_PIECES):
        _write(stanza, range(rows * piece // _PIECES, rows * (piece + 1) // _PIECES))
    stanza.cluster.sql("create index on big (id)")
    stanza.backup("full")
    _write(stanza, range(rows, rows * 6 // 5))
    stanza.switch_wal()
    return stanza


def _write(stanza: Stanza, numbers: range) -> None:
    series = f"generate_series({numbers.start}, {numbers.stop - 1}) n"
    stanza.cluster.sql(f"insert into big select n, n || repeat('x', {_ROW_BYTES - 50}) from {series}")


def main() -> int:
    """Run one test of a cluster of that size; exit code 1 when it is not proven."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.restore", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000, help="size of the database, default 2000")
    megabytes = parser.parse_args().megabytes
    as_installed()
    try:
        with Lab() as lab:
            run = measured(lab, Proofs(lab), megabytes)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    record = run.record
    size = f"{record['restored_bytes'] / 1e6:.0f} MB restored, {record['replayed_wal_bytes'] / 1e6:.0f} MB of WAL"
    print(f"restore test: {size}, {run.wall:.1f} s")
    for phase, seconds in record["phases"].items():
        print(f"  {phase:<10} {seconds:7.2f} s")
    print(f"  its own process: {run.usage.cpu:.2f} s of CPU, {run.usage.memory >> 20} MiB at the peak")
    verdict = "met" if run.overhead <= DEMANDED else "MISSED"
    print(
        f"  beside pgBackRest's and PostgreSQL's own work: {run.overhead:.1%}, demanded ≤ {DEMANDED:.0%}: {verdict}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
