"""What reading pgBackRest's logs costs: for the first time, and when nothing is new."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from exporter.collectors.runs import RunsCollector
from exporter.settings import Runs, Settings
from exporter.snapshot import Expectation, Reload, Snapshot
from tests.bench.cost import READINGS, cpu

CORPUS = Path(__file__).parents[1] / "corpus" / "2.59.1" / "logs"
SIZE = 20_000_000
"""Bytes of logs for the first reading."""
# The files that a backup at log-level-file=detail lists, as in a log of a database of some size.
_FILES = 300


def _collector(folder: Path) -> RunsCollector:
    nothing = Snapshot(settings=Settings(), expected=Expectation(), reload=Reload(0.0))
    return RunsCollector(
        settings=Runs(),
        log_paths=(folder,),
        lock_path=None,
        records=None,
        state=folder / "runs.json",
        latest=lambda: nothing,
    )


def _write(folder: Path, size: int, *, detail: bool) -> int:
    """Write a genuine log again and again, with *detail* each backup with the files that it copied; its size."""
    text = (CORPUS / "demo-backup.log").read_bytes()
    if detail:
        names = b"".join(
            b"2026-11-22 07:05:03.000 P01 DETAIL: backup file /var/lib/postgresql/15/main/base/5/%d (8KB, 1.23%%) "
            b"checksum 2f2b5f0b1c5bd6ba1ba9b05b5d4ca36b20f2a0d4\n" % number
            for number in range(_FILES)
        )
        text = text.replace(b"\n\n-------", b"\n" + names + b"\n-------")
    return (folder / "demo-backup.log").write_bytes(text * (size // len(text) + 1))


def first_reading(*, detail: bool, size: int = SIZE) -> float:
    """Bytes per second of CPU when logs are read for the first time."""
    with tempfile.TemporaryDirectory(prefix="exporter-bench-") as name:
        folder = Path(name)
        written = _write(folder, size, detail=detail)
        began = time.process_time()
        asyncio.run(_once(_collector(folder)))
        return written / (time.process_time() - began)


async def _once(collector: RunsCollector) -> None:
    await collector.read()


def runs_cpu(readings: int = READINGS) -> Iterator[tuple[str, float]]:
    """A reading of twelve stanzas' logs in which nothing is new."""
    with tempfile.TemporaryDirectory(prefix="exporter-bench-") as name:
        folder = Path(name)
        for number in range(12):
            for log in CORPUS.iterdir():
                (folder / log.name.replace("demo", f"stanza{number}")).write_bytes(log.read_bytes())
        yield (
            "runs, nothing new in the logs of 12 stanzas",
            asyncio.run(cpu(_collector(folder).read, readings)),
        )
