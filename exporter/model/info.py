"""The vocabulary: what is known of stanzas, repositories, databases, backups and archives, as frozen facts.

Names are pgBackRest's own (src/command/info/info.c). None always means "not reported", never zero.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

BackupType = Literal["full", "diff", "incr"]
BACKUP_TYPES: tuple[BackupType, ...] = ("full", "diff", "incr")

LockCommand = Literal["backup", "restore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """pgBackRest's verdict on a stanza or a repository: 0 is ok, 99 is any other error, told in *message*."""

    code: int
    message: str

    @property
    def ok(self) -> bool:
        """Whether pgBackRest has nothing to complain of."""
        return self.code == 0

    @property
    def unreadable(self) -> bool:
        """Whether it says nothing of what is there: any error that has no code of its own."""
        return self.code == 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One repository as a stanza sees it."""

    key: int
    cipher: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A cluster that a repository knows; after stanza-upgrade the one of the highest id is the current one."""

    id: int
    repo: int
    version: str
    system_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The span of WAL that a repository holds for one database; both names are None while it holds none."""

    database_id: int
    repo: int
    oldest: str | None
    newest: str | None
    wal_segment_size: int | None = None
    advanced: int | None = None
    """Segments by which the newest position moved forward while it was watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a running command is, in bytes; *repo* is None where the version does not tell it apart."""

    repo: int | None
    size: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Whether a command holds its lock on this host, and how far it is."""

    command: LockCommand
    held: bool
    progress: tuple[Progress, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backup:
    """One finished backup. Times are seconds since the epoch, sizes bytes."""

    stanza: str
    repo: int
    label: str
    type: BackupType
    database_id: int
    start: int
    stop: int
    size: int
    delta: int
    repo_size: int | None
    repo_delta: int | None
    error: bool | None
    prior: str | None
    wal_start: str | None
    wal_stop: str | None
    lsn_start: str | None
    lsn_stop: str | None = None
    repo_size_map: int | None = None
    repo_delta_map: int | None = None
    annotations: int = 0
    """How many there are."""
    references: tuple[int, int, int] = (0, 0, 0)
    """How many full, diff and incr backups are needed to restore this one."""
    backrest_version: str

    @property
    def block_incremental(self) -> bool:
        """Whether the repository keeps it block by block (repo-block, 2.46): then it has maps of the blocks."""
        return self.repo_size_map is not None and self.repo_delta_map is not None

    @property
    def duration(self) -> int:
        """Seconds from start to stop."""
        return self.stop - self.start


@dataclass(frozen=True, eq=False)
class RepositoryBackups:
    """The finished backups of a stanza in one repository, oldest stop first."""

    stanza: str
    repo: int
    backups: tuple[Backup, ...]

    def newest_of(self, type_: BackupType, database_id: int | None) -> Backup | None:
        """Return the newest backup of *type_* that was taken of the database *database_id*."""
        return self._newest.get((type_, database_id))

    def count(self, type_: BackupType) -> int:
        """Return how many backups of *type_* there are, of any database."""
        return self._counts.get(type_, 0)

    @cached_property
    def with_errors(self) -> int:
        """How many backups hold pages that failed their checksum."""
        return sum(1 for backup in self.backups if backup.error)

    @cached_property
    def _newest(self) -> Mapping[tuple[BackupType, int | None], Backup]:
        return {(backup.type, backup.database_id): backup for backup in self.backups}

    @cached_property
    def _counts(self) -> Mapping[BackupType, int]:
        counts: dict[BackupType, int] = {}
        for backup in self.backups:
            counts[backup.type] = counts.get(backup.type, 0) + 1
        return counts


@dataclass(frozen=True, eq=False)
class Backups:
    """All finished backups of a stanza. Never equal to another: a backup list that did not change is the same."""

    stanza: str
    all: tuple[Backup, ...] = ()

    @cached_property
    def _by_repo(self) -> Mapping[int, RepositoryBackups]:
        found: dict[int, list[Backup]] = {}
        for backup in sorted(self.all, key=lambda backup: (backup.stop, backup.label)):
            found.setdefault(backup.repo, []).append(backup)
        return MappingProxyType(
            {repo: RepositoryBackups(self.stanza, repo, tuple(found[repo])) for repo in sorted(found)}
        )

    def of(self, repo: int) -> RepositoryBackups:
        """Return the backups kept in *repo*."""
        return self._by_repo.get(repo) or RepositoryBackups(self.stanza, repo, ())

    def __iter__(self) -> Iterator[RepositoryBackups]:
        return iter(self._by_repo.values())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stanza:
    """What pgBackRest says of one stanza. *status* is None for one that should be there and is not listed."""

    name: str
    status: Status | None
    repos: tuple[Repository, ...] = ()
    databases: tuple[Database, ...] = ()
    archives: tuple[Archive, ...] = ()
    locks: tuple[Lock, ...] = ()
    backups: Backups

    def knows_backups_of(self, repo: int) -> bool:
        """Whether the backup list of *repo* could be read; 2 says that it is empty."""
        return any(one.key == repo and one.status.code in {0, 2} for one in self.repos)

    def current_database(self, repo: int) -> Database | None:
        """Return the database that *repo* takes backups of now: the one of the highest id."""
        return max(
            (database for database in self.databases if database.repo == repo),
            key=lambda database: database.id,
            default=None,
        )

    def current_archives(self) -> Iterator[Archive]:
        """Yield, for each repository, the archive of its current database."""
        for archive in self.archives:
            current = self.current_database(archive.repo)
            if current is not None and current.id == archive.database_id:
                yield archive


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Info:
    """Everything that one reading of `pgbackrest info` tells."""

    stanzas: tuple[Stanza, ...]
    version: str | None = None
    skipped: tuple[str, ...] = ()
    """What could not be read and was left out, a line each."""
