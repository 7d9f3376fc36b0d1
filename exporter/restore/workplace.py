"""The scratch folder of a test: marked as ours, locked while in use, and removed with all that runs in it.

Only what carries the marker is ever removed, and symbolic links are never followed: pg_tblspc is full of them.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import stat
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARKER = "made-by-pgbackrest-exporter-restore-test"
_PARTS = ("data", "tablespaces", "socket", "spool", "lock", "log", "scan")
# A socket's address holds 107 bytes (unix(7)), and PostgreSQL's has this name.
_SOCKET_NAME = ".s.PGSQL.5432"
_LONGEST_SOCKET = 107
_PATIENCE = 10.0
_POLL = 0.05


class WorkplaceError(Exception):
    """The folder cannot be used; the message is one line with a remedy."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where one stanza's test happens; *lock* is held until it is left."""

    path: Path
    lock_file: int

    @property
    def data(self) -> Path:
        """The restored data directory."""
        return self.path / "data"

    @property
    def socket(self) -> Path:
        """The folder of the server's socket, which nobody else may enter."""
        return self.path / "socket"

    def part(self, name: str) -> Path:
        """Return one of the other folders: tablespaces, spool, lock, log, scan."""
        return self.path / name

    def size(self) -> int:
        """Return the bytes that the restored files take on disk."""
        return sum(_sizes(self.path))

    async def clear(self) -> None:
        """End whatever runs in it, and remove everything but the marker."""
        await end_processes(self.path)
        await asyncio.to_thread(_remove_contents, self.path)

    async def leave(self, *, keep: bool) -> bool:
        """Clean up and give the folder back; with *keep* the files stay, and nothing runs in them.

        Being cancelled meanwhile does not stop it: that is what is returned.
        """
        try:
            return await _to_its_end(end_processes(self.path) if keep else self._remove())
        finally:
            os.close(self.lock_file)

    async def _remove(self) -> None:
        await self.clear()
        (self.path / MARKER).unlink(missing_ok=True)
        with suppress(OSError):  # the folder itself may be somebody's mount point
            self.path.rmdir()


async def enter(path: Path) -> tuple[Workplace, bool]:
    """Take the folder, made anew or left over from a run that was killed; tell whether there were leftovers.

    Raises WorkplaceError where it is not empty and not ours, or another test works in it.
    """
    if len(os.fsencode(path / "socket" / _SOCKET_NAME)) > _LONGEST_SOCKET:
        raise WorkplaceError(f"{path}: is too long for the name of a socket in it: choose a shorter folder")
    try:
        place = _taken(path)
    except PermissionError as error:
        raise WorkplaceError(
            f"{error.filename or path}: permission denied: let user {os.geteuid()} write there,"
            " or choose another folder (--to)"
        ) from None
    except OSError as error:
        raise WorkplaceError(
            f"{path}: {(error.strerror or str(error)).lower()}: choose another folder (--to)"
        ) from None
    left_over = _is_used(path)
    if left_over:
        await place.clear()
    try:
        furnish(path)
    except OSError as error:
        await place.leave(keep=False)
        raise WorkplaceError(f"{path}: {str(error.strerror).lower()}: choose another folder (--to)") from None
    return place, left_over


def furnish(path: Path) -> None:
    """Make the empty folders that a test needs."""
    for name in _PARTS:
        (path / name).mkdir(mode=0o700)


async def _to_its_end(work: Coroutine[None, None, None]) -> bool:
    """Await *work* whatever happens; tell whether we were cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    return cancelled


def _is_used(path: Path) -> bool:
    return any(entry.name != MARKER for entry in path.iterdir())


def _taken(path: Path) -> Workplace:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = path / MARKER
    if not marker.exists() and any(path.iterdir()):
        raise WorkplaceError(
            f"{path}: is not empty and was not made by a restore test: choose another (--to)"
        )
    if path.is_symlink() or path.stat().st_uid != os.geteuid():
        raise WorkplaceError(f"{path}: is a link or belongs to another user: choose another (--to)")
    path.chmod(0o700)
    lock_file = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock_file)
        raise WorkplaceError(
            f"{path}: another restore test works in it: wait, or choose another (--to)"
        ) from None
    return Workplace(path, lock_file)


async def end_processes(path: Path) -> None:
    """End all that works in the folder: PostgreSQL at once and without a checkpoint, then what still holds out.

    Raises WorkplaceError when something outlives SIGKILL.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGQUIT, signal.SIGKILL):
        deadline = loop.time() + _PATIENCE
        while pids := list(working_in(path)):
            for pid in pids:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            if loop.time() > deadline:
                break
            await asyncio.sleep(_POLL)
    if pids := list(working_in(path)):
        raise WorkplaceError(f"{path}: process {pids[0]} works in it and cannot be ended: end it by hand")


def working_in(path: Path) -> Iterator[int]:
    """Yield our processes that work below *path*, and those that pgBackRest left to prefetch WAL into it.

    What a test starts has no terminal: somebody who looks at the files of a failed test is not meant.
    """
    serves = f"--pg1-path={path}/".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            if entry.stat().st_uid != os.geteuid() or _has_terminal(entry):
                continue
            where = Path(str((entry / "cwd").readlink()).removesuffix(" (deleted)"))
            if where.is_relative_to(path) or serves in (entry / "cmdline").read_bytes():
                yield int(entry.name)


def _has_terminal(process: Path) -> bool:
    """Whether a process has a controlling terminal (proc(5), stat: tty_nr)."""
    return (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[4] != "0"


def _remove_contents(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name == MARKER:
            continue
        if stat.S_ISDIR(entry.lstat().st_mode):
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _sizes(path: Path) -> Iterator[int]:
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                yield os.lstat(Path(folder, name)).st_blocks * 512
