"""What must hold before anything is restored: who we are, where it goes, and whether there is room."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from exporter.human import size as shown_size
from exporter.pgbackrest.conf import PgBackRestConf
from exporter.restore.choice import Choice
from exporter.restore.findings import Findings
from exporter.settings.restore_tests import RestoreTests

# WAL that is being replayed is recycled at max_wal_size, whose default is 1 GiB, and some more until then.
_WAL = 2 << 30
# Files of an almost empty cluster, and for each GiB that is restored.
_INODES, _INODES_PER_GIB = 2_000, 2_000
# PostgreSQL and its checks beside shared_buffers.
_MEMORY = 128 << 20


def check_user(findings: Findings) -> None:
    """Refuse root: so does PostgreSQL, and root can write anywhere."""
    if os.geteuid() == 0:
        raise findings.refuse(
            "user", "PostgreSQL does not run as root: run it as postgres, or another plain user"
        )
    findings.ok("user", value=os.geteuid())


def check_folder(path: Path, conf: PgBackRestConf, settings: RestoreTests, findings: Findings) -> None:
    """Refuse a folder at, above or below a data directory, or where it could fill production's repository."""
    for theirs in data_directories(conf):
        if overlaps(path, theirs):
            raise findings.refuse(
                "target_folder",
                f"{path}: is at, above or below the data directory {theirs}: choose another (--to)",
            )
    if inside := next((each for each in (path, *path.parents) if (each / "PG_VERSION").exists()), None):
        raise findings.refuse(
            "target_folder", f"{path}: {inside} is a PostgreSQL data directory: choose another folder (--to)"
        )
    for repository in repositories(conf):
        if overlaps(path, repository) or (
            not settings.allow_repository_filesystem and _device(path) == _device(repository)
        ):
            raise findings.refuse(
                "target_folder",
                f"{path}: shares a file system with the repository {repository}, which it could fill:"
                " choose another folder (--to), or set restore_tests.allow_repository_filesystem",
            )
    findings.ok("target_folder", value=path)


def check_room(path: Path, choice: Choice, settings: RestoreTests, findings: Findings) -> None:
    """Refuse when disk, inodes or memory do not suffice."""
    wal = choice.wal_bytes
    needed = int(choice.backup.size * 1.05 + (_WAL if wal is None else min(_WAL, wal)) + settings.keep_free)
    free = shutil.disk_usage(_existing(path)).free
    if free < needed:
        raise findings.refuse(
            "disk_space",
            f"{path}: {shown_size(free)} are free and {shown_size(needed)} needed"
            f" (backup {shown_size(choice.backup.size)}, WAL, {shown_size(settings.keep_free)} to keep free):"
            " choose another folder (--to)",
        )
    inodes = os.statvfs(_existing(path))
    files = _INODES + _INODES_PER_GIB * (choice.backup.size >> 30)
    if inodes.f_files and inodes.f_favail < files:
        raise findings.refuse("disk_space", f"{path}: {inodes.f_favail} inodes are free and {files} needed")
    memory = _available_memory()
    if memory is not None and memory < settings.shared_buffers + _MEMORY:
        raise findings.refuse(
            "disk_space", f"{shown_size(memory)} of memory are free: lower restore_tests.shared_buffers"
        )
    findings.ok("disk_space", value=f"{shown_size(free)} free, {shown_size(needed)} needed")


def overlaps(one: Path, other: Path) -> bool:
    """Whether a folder is the other, above it or below it, also by links."""
    one, other = one.resolve(), other.resolve()
    return one.is_relative_to(other) or other.is_relative_to(one)


def data_directories(conf: PgBackRestConf) -> Iterator[Path]:
    """Yield every pgN-path that pgbackrest.conf names, of any stanza."""
    yield from _paths(conf, "pg")


def may_be_here(path: Path) -> bool:
    """Whether it is on this host, for all that this user can see: systemd's InaccessiblePaths only hides it."""
    try:
        path.stat()
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


def repositories(conf: PgBackRestConf) -> Iterator[Path]:
    """Yield every repoN-path that is a folder here."""
    yield from (path for path in _paths(conf, "repo") if path.is_dir())


def _paths(conf: PgBackRestConf, kind: str) -> Iterator[Path]:
    for section in (*conf.sections.values(), conf.environment):
        for name, value in section.items():
            if value and name.startswith(kind) and name.endswith("-path") and name.count("-") == 1:
                yield Path(value)


def _device(path: Path) -> int:
    return _existing(path).stat().st_dev


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _available_memory() -> int | None:
    """Return MemAvailable; in a container the limit is the container's, which nobody tells there."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return int(found) * 1024 if found else None
