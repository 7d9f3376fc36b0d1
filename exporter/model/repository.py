"""What lies in the repositories: sizes, leftovers, WAL segments and their gaps."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from exporter.wal import Switch

ArchiveRetention = Literal["full", "diff", "incr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long WAL is kept: for the newest *archive* backups of *type*; None: for as long as there are backups."""

    archive: int | None = None
    type: ArchiveRetention = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The segments of one timeline that share the upper half of their position: one folder of the archive.

    Bit n of *present* is the segment whose lower number is n, and *times* gives when it reached the repository;
    bit n of *gone* is one that was there once and is not any more. *newest* is the latest of those times, 0 without
    any. *size* counts the bytes of all its files.
    """

    timeline: int
    high: int
    present: int
    gone: int = 0
    duplicates: int = 0
    size: int = 0
    times: "array[int]"
    newest: int

    @property
    def name(self) -> str:
        """Its name in the repository: 16 hexadecimal digits."""
        return f"{self.timeline:08X}{self.high:08X}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WalArchive:
    """The WAL of one database in one repository, such as 15-1.

    *timelines* holds their folders in order; *histories* what each .history file says, None while it was not read.
    *size* counts the bytes of all files.
    """

    id: str
    timelines: Mapping[int, tuple[Folder, ...]] = field(default_factory=lambda: MappingProxyType({}))
    histories: Mapping[int, tuple[Switch, ...] | None] = field(default_factory=lambda: MappingProxyType({}))
    size: int = 0

    @property
    def database_id(self) -> int:
        """The id of its database, as in pgBackRest's list of databases."""
        return int(self.id.rpartition("-")[2])

    @property
    def duplicates(self) -> int:
        """How many files there are beside the first of a segment, with another checksum."""
        return sum(folder.duplicates for folders in self.timelines.values() for folder in folders)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFolder:
    """A folder below backup/STANZA that has a backup's name.

    *finished*: it holds the final manifest. *files* are the bytes directly in it, *size* those of the whole folder
    where it was measured. *settled*: it looked the same the time before, so nobody is at work on it.
    """

    label: str
    finished: bool
    files: int
    size: int | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What the filesystem of a local repository has room for, in bytes as df counts them, and in inodes."""

    size: int
    used: int
    available: int
    inodes_used: int | None = None
    inodes_available: int | None = None
    filesystem: int | None = None
    """Its identity: repositories of the same one share the room. None: the capacity is what the operator states."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """What one repository holds of one stanza, as it was *listed* at that second.

    *archives* are complete; *others* are the bytes of backup/STANZA outside of backups. *error* tells why the last
    look failed: the rest is from the one before.
    """

    stanza: str
    repo: int
    listed: float
    archives: tuple[WalArchive, ...] = ()
    backups: tuple[BackupFolder, ...] = ()
    others: int = 0
    capacity: Capacity | None = None
    list_calls: int = 0
    error: str | None = None

    def archive(self, database_id: int) -> WalArchive | None:
        """Return the WAL of a database, None where there is none."""
        return next((one for one in self.archives if one.database_id == database_id), None)

    @property
    def archive_size(self) -> int:
        """Bytes of all WAL."""
        return sum(one.size for one in self.archives)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Holdings:
    """What the repositories of one stanza hold: those that could be listed at least once."""

    stanza: str
    repos: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recovery:
    """What the WAL in one repository is good for. Times are seconds since the epoch; None is unknown."""

    newest_arrival: int | None = None
    newest_history: int | None = None
    timeline: int | None = None
    """The timeline that the database is thought to follow."""
    strays: tuple[int, ...] = ()
    """Timelines above that one, which it does not follow."""
    missing_newest: int | None = None
    missing_older: int | None = None
    without_wal: tuple[str, ...] | None = None
    """Labels of the backups whose own WAL has a hole."""
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What one repository holds of one stanza, judged by what pgBackRest says of it.

    *orphans* counts the backup folders that no backup list names, *orphan_size* and *backup_size* are in bytes;
    None is unknown. *capacity* is the filesystem's, or that which the operator states.
    """

    held: Held
    recovery: Recovery
    orphans: int | None = None
    orphan_size: int | None = None
    backup_size: int | None = None
    capacity: Capacity | None = None

    @property
    def duplicates(self) -> int:
        """How many files there are beside the first of a segment, with another checksum."""
        return sum(archive.duplicates for archive in self.held.archives)
