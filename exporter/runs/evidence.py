"""What this machine tells of a process: whether it certainly lives, and whether it must be gone."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from exporter import jsonfile
from exporter.pgbackrest.runlog import Beginning

_PROC = Path("/proc")
# A process begins before its first line, and not long before.
_EARLY, _LATE = 600.0, 5.0


def alive(beginning: Beginning) -> bool:
    """Tell whether the process certainly runs: its pid is that of a pgBackRest that began when it did.

    False may also mean that it is out of sight, as from another container.
    """
    if beginning.pid is None or (beginning.at is not None and beginning.at + _LATE < booted()):
        return False
    folder = _PROC / str(beginning.pid)
    with suppress(OSError, ValueError, IndexError):
        if b"pgbackrest" not in (folder / "cmdline").read_bytes():
            return False
        # The name in brackets may hold anything; the 22nd field is the start in ticks since the boot.
        fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
        began = booted() + int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return beginning.at is None or beginning.at - _EARLY <= began <= beginning.at + _LATE
    return False


@cache
def booted() -> float:
    """Return when this machine booted, in seconds since the epoch; 0 where it does not tell."""
    with suppress(OSError, ValueError):
        for line in (_PROC / "stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
    return 0.0


def left_lock(lock_path: Path, beginning: Beginning) -> bool:
    """Tell whether it left its lock file, which proves that we look where it locks; a good end removes it."""
    command = "restore" if beginning.kind.command == "restore" else "backup"
    with suppress(OSError, ValueError):
        for path in lock_path.glob(f"{_escaped(beginning.kind.stanza)}-{command}*.lock"):
            document = jsonfile.read(path)
            if isinstance(document, dict) and document.get("execId") == beginning.exec_id:
                return True
    return False


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
