"""What one reading of the lesser sources costs, in CPU: of each there is one every few seconds, for each stanza."""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import trustme

from exporter.collectors.patroni import PatroniCollector
from exporter.settings import Patroni
from tests.bench.archiver import archiver_cpu
from tests.bench.cost import READINGS, cpu
from tests.bench.report import seconds
from tests.bench.runs import first_reading, runs_cpu
from tests.bench.targets import Target
from tests.unit.patroni.answering import member

LIMITS = {"runs": 1.0}  # ms of CPU
LIMIT = 5.0
SPEED = 50.0  # MB of logs for a second of CPU


def _serve(told: Connection, folder: Path | None) -> None:
    """Be a member that answers as a real one did, over TLS when there is a folder for its authority."""
    context = None
    if folder is not None:
        ca, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert("127.0.0.1").configure_cert(context)
        ca.cert_pem.write_to_path(str(folder / "ca.crt"))

    async def serve() -> None:
        async with member(context) as one:
            one.tells("3.0.2", "switched")
            told.send(one.url)
            await asyncio.to_thread(told.recv)

    asyncio.run(serve())


@contextmanager
def patroni(folder: Path | None = None) -> Iterator[str]:
    """The address of a member in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there, folder))
    process.start()
    try:
        if not here.poll(timeout=30):
            raise RuntimeError("the stand-in for Patroni does not start")
        yield here.recv()
    finally:
        here.send("end")
        process.join(10)


def patroni_cpu(readings: int = READINGS) -> Iterator[tuple[str, float]]:
    """Readings with and without TLS, whose handshake is new each time; once a minute there is a second question."""
    with tempfile.TemporaryDirectory(prefix="exporter-bench-") as name:
        folder = Path(name)
        for title, settings, served in (
            ("patroni, http", Patroni(), None),
            ("patroni, https", Patroni(ca_file=str(folder / "ca.crt")), folder),
        ):
            with patroni(served) as url:
                reader = PatroniCollector(stanza="main", urls=(url,), settings=settings)
                yield title, asyncio.run(cpu(reader.read, readings))


SOURCES: Sequence[Callable[[], Iterator[tuple[str, float]]]] = (archiver_cpu, patroni_cpu, runs_cpu)


def rows() -> Iterator[tuple[str, ...]]:
    """A row for each source, the header first."""
    yield "a reading of", "CPU", "demanded", ""
    for source in SOURCES:
        for name, value in source():
            limit = LIMITS.get(name.partition(",")[0], LIMIT)
            target = Target(name, value * 1e3, limit, " ms")
            yield name, seconds(value), f"≤ {limit:g} ms", "met" if target.met else "MISSED"
    for name, detail in (
        ("logs with all files of a backup, first", True),
        ("logs of short runs, first", False),
    ):
        speed = first_reading(detail=detail) / 1e6
        yield name, f"{speed:.0f} MB/s", f"≥ {SPEED:g} MB/s", "met" if speed >= SPEED else "MISSED"
