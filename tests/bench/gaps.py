"""The gap scan: a million segments over three timelines, in a process of its own that is measured."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess  # noqa: TID251 - the measured process
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from exporter.collectors.repository import RepositoryCollector
from exporter.metrics import GROUPS
from exporter.model.info import Archive, Backup, Backups, Database, Info, Repository, Stanza, Status
from exporter.model.repository import Holdings
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.repositories import Place
from exporter.settings import Repository as RepositorySettings
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.table import Renderer
from tests.standin import PROGRAM, Standin

SEGMENTS = 1_000_000
SIZE = 16 << 20
PER_FOLDER = 256
TIMELINES = 3
AGO = 86_400  # s: all but the newest folder came long ago
_SHA = "9efd86a4a94df1efb78f1b4d1cd8648f4fd1be01"


@dataclass(frozen=True, slots=True, kw_only=True)
class GapScan:
    """CPU seconds of the first reading and of later ones, judged and rendered; extra memory at the peak in MiB."""

    first_cpu: float
    first_took: float
    unchanged_cpu: float
    newest_changed_cpu: float
    extra: float


@dataclass(frozen=True, slots=True)
class Shape:
    """So many full folders, shared out to the timelines."""

    folders: int

    def timeline(self, folder: int) -> int:
        """The timeline of a folder."""
        return 1 + folder * TIMELINES // self.folders

    def name(self, folder: int) -> str:
        """The name of a folder."""
        return f"{self.timeline(folder):08X}{folder:08X}"

    def files(self, folder: int, moment: int, upto: int = PER_FOLDER) -> Iterator[str]:
        """The entries of a folder's first segments."""
        for low in range(upto):
            entry = f'{{"type":"file","size":{4_000_000 + low},"time":{moment}}}'
            yield f'"{self.name(folder)}{low:08X}-{_SHA}.gz":{entry}'


def _object(entries: Sequence[str]) -> bytes:
    return ("{" + ",".join(('".":{"type":"path"}', *entries)) + "}\n").encode()


def publish(standin: Standin, shape: Shape, now: int) -> None:
    """Let `repo-ls` print the archive, in which one segment is missing."""
    root = "archive/demo/15-1"
    standin.lists("archive/demo", _object(['"15-1":{"type":"path"}']))
    histories = [f'"{one:08X}.history":{{"type":"file","size":80,"time":{now}}}' for one in (2, 3)]
    folders = [f'"{shape.name(folder)}":{{"type":"path"}}' for folder in range(shape.folders)]
    standin.lists(root, _object([*histories, *folders]))
    switches = [next(f for f in range(shape.folders) if shape.timeline(f) == one) for one in (2, 3)]
    lines = [f"{n}\t{folder:X}/0\tno recovery target specified\n" for n, folder in enumerate(switches, 1)]
    for one in (2, 3):
        standin.holds(f"{root}/{one:08X}.history", "".join(lines[: one - 1]).encode())
    with (standin.folder / "ls.1" / "whole").open("w") as whole:
        whole.write('{".":{"type":"path"}')
        for folder in range(shape.folders):
            whole.write(f',"{shape.name(folder)}":{{"type":"path"}}')
            for low, line in enumerate(shape.files(folder, now - AGO)):
                if (folder, low) != (shape.folders // 2, 7):
                    whole.write(f',"{shape.name(folder)}/{line[1:]}')
        whole.write("}\n")
    (standin.folder / "walk.1").mkdir()
    (standin.folder / "ls.1" / "whole").rename(standin.folder / "walk.1" / f"{root.replace('/', '+')}.json")
    publish_newest(standin, shape, now, PER_FOLDER - 8)


def publish_newest(standin: Standin, shape: Shape, now: int, upto: int) -> None:
    """Let the newest folder hold so many segments."""
    newest = shape.folders - 1
    standin.lists(f"archive/demo/15-1/{shape.name(newest)}", _object([*shape.files(newest, now, upto)]))
    standin.lists("backup/demo", _object([]))


def _snapshot(shape: Shape, now: int) -> Snapshot:
    ok = Status(code=0, message="ok")
    backups = tuple(
        Backup(
            stanza="demo", repo=1, label=label, type="full", database_id=1, start=now - AGO, stop=now - AGO,
            size=1, delta=1, repo_size=1, repo_delta=1, error=False, prior=None,
            wal_start=f"{shape.name(folder)}{2:08X}", wal_stop=f"{shape.name(folder)}{3:08X}", lsn_start=None,
            backrest_version="2.59.1",
        )
        for label, folder in (("20260101-000000F", 0), ("20260102-000000F", shape.folders - 9))
    )  # fmt: skip
    stanza = Stanza(
        name="demo",
        status=ok,
        repos=(Repository(key=1, cipher="none", status=ok),),
        databases=(Database(id=1, repo=1, version="15", system_id=7),),
        archives=(Archive(database_id=1, repo=1, oldest=None, newest=None, wal_segment_size=SIZE),),
        backups=Backups("demo", backups),
    )
    reading = Reading(value=Info(stanzas=(stanza,)), attempted=now, succeeded=now + 1e6, took=0.1)
    return Snapshot(settings=Settings(), expected=Expectation(), reload=Reload(now), info={"": reading})


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory(what: str) -> float:
    """MiB that proc(5) tells; getrusage's peak would begin with that of the process which started this one."""
    return int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0]) / 1024


async def _measure(standin: Standin, shape: Shape) -> GapScan:
    now = int(time.time())
    known = _snapshot(shape, now)
    renderer = Renderer(GROUPS)
    collector = RepositoryCollector(
        client=Client(command=(str(PROGRAM),)),
        settings=RepositorySettings(),
        stanza="demo",
        places=(Place(repo=1, path=str(standin.folder)),),
        latest=lambda: known,
    )

    async def cycle() -> float:
        nonlocal known
        began = _cpu()
        value: Holdings = await collector.read()
        reading = Reading(value=value, attempted=now, succeeded=now, took=0.1)
        known = Snapshot(
            settings=known.settings,
            expected=known.expected,
            reload=known.reload,
            info=known.info,
            repository={"demo": reading},
        )
        for _ in renderer.render(known):
            pass
        return _cpu() - began

    for _ in renderer.render(known):
        pass
    before, started = _memory("VmRSS"), time.monotonic()
    first = await cycle()
    took = time.monotonic() - started
    peak = _memory("VmHWM")
    unchanged = min([await cycle() for _ in range(5)])
    changed = []
    for number in range(1, 6):
        publish_newest(standin, shape, now, PER_FOLDER - 8 + number)
        changed.append(await cycle())
    return GapScan(
        first_cpu=first,
        first_took=took,
        unchanged_cpu=unchanged,
        newest_changed_cpu=sorted(changed)[2],
        extra=peak - before,
    )


def measured(segments: int = SEGMENTS) -> GapScan:
    """Run the scan in a process of its own."""
    shape = Shape(segments // PER_FOLDER)
    with tempfile.TemporaryDirectory(prefix="exporter-bench-") as folder:
        standin = Standin(Path(folder))
        publish(standin, shape, int(time.time()))
        done = subprocess.run(
            (sys.executable, "-m", "tests.bench.gaps", folder, str(shape.folders)),
            env=os.environ | {"STANDIN_DIR": folder},
            capture_output=True,
            text=True,
            timeout=300,
        )
    if done.returncode:
        raise RuntimeError(f"the gap scan failed: {done.stderr[-2000:]}")
    return GapScan(**json.loads(done.stdout))


def table(found: GapScan) -> Iterator[tuple[str, str, str, str]]:
    """Each demand with its value, the header first."""
    yield ("gap scan, 1,000,000 segments", "is", "demanded", "")
    for what, value, limit, unit in (
        ("first reading: CPU", found.first_cpu, 5.0, " s"),
        ("first reading: memory, extra at the peak", found.extra, 150.0, " MiB"),
        ("nothing changed: CPU", found.unchanged_cpu * 1e3, 50.0, " ms"),
        ("newest folder changed: CPU", found.newest_changed_cpu * 1e3, 50.0, " ms"),
    ):
        yield (what, f"{value:.3g}{unit}", f"≤ {limit:g}{unit}", "met" if value <= limit else "MISSED")


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_measure(Standin(Path(sys.argv[1])), Shape(int(sys.argv[2])))))))
