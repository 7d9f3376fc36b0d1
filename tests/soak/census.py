"""What a running exporter holds: memory, files, tasks, threads, children."""

import json
import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.process import proc
from tests.process.running import Running
from tests.process.waiting import until
from tests.soak.launch import FILE

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Census:
    """Counted at one moment."""

    files: int
    tasks: int
    threads: int
    children: int
    objects: Counter[str]
    resident: int
    names: Counter[str]

    @property
    def quiet(self) -> bool:
        """Whether no program runs, nor is one being started: that begins with its pipes."""
        return not self.children and not self.names["pipe:"]

    def exceeds(self, before: "Census") -> dict[str, int]:
        """By how much there is more than before, of what has to be the same whenever nothing goes on."""
        more = {
            name: getattr(self, name) - getattr(before, name)
            for name in ("files", "tasks", "threads", "children")
        }
        return {name: by for name, by in more.items() if by > 0}


def take(exporter: Running, file: Path) -> Census:
    """Let the exporter count, and count what the kernel knows of it."""
    file.unlink(missing_ok=True)
    exporter.gets(signal.SIGUSR1)
    until(file.exists, lambda: f"a census\n{exporter.log[-2000:]}")
    told: dict[str, Any] = json.loads(file.read_text())
    resident = int((proc.PROC / str(exporter.pid) / "statm").read_text().split()[1]) * _PAGE
    files = proc.descriptors(exporter.pid)
    return Census(
        files=len(files),
        tasks=len(told["tasks"]),
        threads=len(told["threads"]),
        children=len(proc.children(exporter.pid)),
        objects=Counter(told["objects"]),
        resident=resident,
        names=Counter(
            [*told["tasks"], *told["threads"], *(what.partition("[")[0] for what in files.values())]
        ),
    )


def environment(file: Path) -> dict[str, str]:
    """What an exporter needs to be counted."""
    return {FILE: str(file)}
