"""What /proc tells of processes: who is left, whose child it is, where it listens, how big it grew."""

import os
import signal
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def marked(mark: str) -> list[int]:
    """The living processes that have *mark* (NAME=value) in their environment, whatever became of their parents."""
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return found


def command(pid: int) -> list[str]:
    return (PROC / str(pid) / "cmdline").read_bytes().decode().split("\0")[:-1]


def environment(pid: int) -> dict[str, str]:
    pairs = (PROC / str(pid) / "environ").read_bytes().decode().split("\0")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs if pair)}


def children(pid: int) -> list[int]:
    """The children of the main thread, dead ones that nobody has buried too."""
    return [int(word) for word in (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()]


def descriptors(pid: int) -> dict[int, str]:
    """What each open file descriptor is, such as socket:[123] or a path."""
    found = {}
    for link in (PROC / str(pid) / "fd").iterdir():
        with suppress(OSError):
            found[int(link.name)] = str(link.readlink())
    return found


def blocks(pid: int, number: signal.Signals) -> bool:
    """Whether the process keeps a signal waiting."""
    (mask,) = (
        line.split()[1]
        for line in (PROC / str(pid) / "status").read_text().splitlines()
        if line.startswith("SigBlk")
    )
    return bool(int(mask, 16) >> (number - 1) & 1)


def listening(pid: int) -> list[int]:
    """The TCP ports at which this very process listens."""
    own = {what for what in descriptors(pid).values() if what.startswith("socket:")}
    if not own:
        return []  # it has not come so far: spare the kernel writing its tables
    tables = (PROC / str(pid) / "net" / name for name in ("tcp", "tcp6"))
    rows = (row.split() for table in tables for row in _rows(table) if " 0A " in row)
    return [
        int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own
    ]


def _rows(table: Path) -> list[str]:
    try:
        return table.read_text().splitlines()[1:]
    except FileNotFoundError:
        return []  # tcp6, on a machine without IPv6


def peak_memory(pid: int) -> int:
    """The most memory that it ever had resident, or since `forget_peak`, in bytes."""
    return _kilobytes(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak begin anew with what is resident now (proc(5): 5 written to clear_refs)."""
    (PROC / str(pid) / "clear_refs").write_text("5")


def memory(pid: int) -> int:
    """The memory that it has resident now, in bytes."""
    return _kilobytes(pid, "VmRSS")


def _kilobytes(pid: int, name: str) -> int:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc/{pid}/status has no {name}: this kernel cannot run the test")


def end(pid: int) -> None:
    """End one process; it may have ended already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
