"""The lab's folder: known by its marker, in use while locked, removed with all of its processes."""

import fcntl
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.lab.account import Account
from tests.lab.program import LabError, run, until

PREFIX = "pgbackrest-lab-"
MARKER = "made-by-the-pgbackrest-exporter-lab"
# Stands in the environment of every process that the lab starts, and of their children. Not PGBACKREST_*: from 2.53 on
# pgBackRest warns of what it does not know there, on stdout and in front of its JSON.
VARIABLE = "LAB_OF_PGBACKREST_EXPORTER"


class Folder:
    """A locked temporary folder that the account can enter. The kernel drops the lock however we die."""

    def __init__(self, account: Account) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_base(account)))
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Only now: what has a marker and no lock is left over from a lab that died.
        (self.path / MARKER).touch()
        self.path.chmod(0o711)

    def remove(self) -> None:
        """End the processes, delete the files. Nothing stays."""
        _remove(self.path)
        os.close(self._lock)


def remove_leftovers(account: Account) -> list[Path]:
    """Remove this user's labs that were interrupted, even by kill -9; those that still run are left alone."""
    return [
        path
        for path in sorted(_base(account).glob(f"{PREFIX}*"))
        if _is_ours(path) and _removed_if_dead(path)
    ]


def _base(account: Account) -> Path:
    """The temporary folder, if the account can enter it and a UNIX socket's name (107 bytes) fits in."""
    base = Path(tempfile.gettempdir()).resolve()
    open_to_all = all(folder.stat().st_mode & stat.S_IXOTH for folder in (base, *base.parents))
    if len(str(base)) > 40 or (account.prefix and not open_to_all):
        return Path("/tmp")
    return base


def _is_ours(path: Path) -> bool:
    """Made by the same user: in a shared /tmp anybody can make a folder with our name and marker."""
    try:
        return path.lstat().st_uid == os.geteuid() and (path / MARKER).exists()
    except OSError:
        return False


def _removed_if_dead(path: Path) -> bool:
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _remove(path: Path) -> None:
    _end_processes(path)
    for mount in _mounts(path):
        run(("umount", str(mount)), env=os.environ, cwd=Path("/"), within=30)
    if os.geteuid() != 0:
        # A test may have closed a repository to its own owner.
        for folder, names, _ in os.walk(path):
            for name in names:
                inner = Path(folder, name)
                if not inner.is_symlink():
                    inner.chmod(0o700)
    shutil.rmtree(path)


def _mounts(path: Path) -> list[Path]:
    """Filesystems that a lab mounted in its folder, the innermost first."""
    points = (Path(line.split()[1]) for line in Path("/proc/self/mounts").read_text().splitlines())
    return sorted((point for point in points if point.is_relative_to(path)), reverse=True)


def _end_processes(path: Path) -> None:
    """Clients first, and gently: they have children. Then PostgreSQL, in immediate mode.

    A fast stop would wait for an archive_command that fails.
    """
    _signal_until_gone(path, signal.SIGTERM, lambda: _clients(path), patience=5)
    _signal_until_gone(path, signal.SIGQUIT, lambda: _postmasters(path), patience=10)
    _signal_until_gone(path, signal.SIGKILL, lambda: (*_clients(path), *_postmasters(path)), patience=10)


def _signal_until_gone(
    path: Path, number: signal.Signals, alive: Callable[[], Iterable[int]], patience: float
) -> None:
    for pid in alive():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
    try:
        until(lambda: not list(alive()), within=patience, what=f"end of the processes of {path}")
    except LabError:
        if number == signal.SIGKILL:
            raise


def _clients(path: Path) -> Iterator[int]:
    """Processes with the lab's variable in their environment, less PostgreSQL's.

    A postmaster keeps it, and SIGTERM would be a slow stop; its children overwrite it with their titles.
    """
    mark = f"{VARIABLE}={path}".encode()
    others = {os.getpid(), *_postmasters(path)}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in others:
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark in environment.split(b"\0"):
                yield int(entry.name)


def _postmasters(path: Path) -> Iterator[int]:
    """By pid file; a pid that has been given to another process meanwhile has another working folder."""
    for file in path.glob("*/data/postmaster.pid"):
        try:
            pid = int(file.read_text().split("\n", 1)[0])
            if Path(f"/proc/{pid}/cwd").readlink() == file.parent:
                yield pid
        except (OSError, ValueError):
            continue
