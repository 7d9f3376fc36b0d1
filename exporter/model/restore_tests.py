"""What the restore tests proved: one Record for each run, and what is known of each kind of run.

A *check* answers one question; a *phase* is a part of the run that is timed. Both lists are closed: their names are
values of labels. Times are seconds since the epoch, None is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Result = Literal["proven", "not_proven", "could_not_try", "polluted"]
RESULTS: tuple[Result, ...] = ("proven", "not_proven", "could_not_try", "polluted")

Target = Literal["latest", "time", "immediate"]

State = Literal["ok", "failed", "skipped"]

PHASES = ("prepare", "canary", "restore", "replay", "checks", "stop", "checksums", "clean_up")
"""In their order; `replay` lasts from the start of PostgreSQL until recovery has ended."""

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "user": "it is not run as root",
        "target_folder": "the scratch folder is empty or its own, and far from production and repository",
        "binaries": "PostgreSQL's programs of the backup's version are here",
        "disk_space": "disk, inodes and memory suffice",
        "canary": "what was written on the primary just before has reached the repository",
        "restored": "pgBackRest restored the backup",
        "archiving_off": "the restored server cannot archive",
        "instance_started": "PostgreSQL started on the restored files",
        "consistency": "recovery reached a consistent state",
        "recovery_ended": "recovery ended and the server was promoted",
        "recovered_to": "recovery reached the canary, the target, or the newest archived WAL",
        "timeline": "the history of its timeline is production's",
        "system_id": "the system identifier is the stanza's",
        "catalogs": "every database lets itself be connected to, and its catalogs be read",
        "tables": "every table can be read",
        "indexes": "pg_amcheck finds no fault in tables and indexes",
        "extensions": "every extension is installed here and can be loaded",
        "queries": "the queries of the settings give what they should",
        "table_counts": "there are as many tables as in production",
        "slots": "production's replication slots can be created again",
        "data_checksums": "pg_checksums finds no bad page",
        "repository_unchanged": "the test left nothing in the repository",
    }
)
"""Every check and what it means when it is ok, in the order in which they are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The outcome of one check: *value* is what was found, *words* one line for a person."""

    name: str
    state: State
    value: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run, as it is written to disk.

    *moment* is the point in time that was asked for (target "time"), *random* tells that chance chose it;
    *recovered_to* is the last transaction that was replayed. *words* is the outcome in one line, *log* the name of
    the file beside the record.
    """

    stanza: str
    repo: int | None = None
    target: Target
    random: bool = False
    moment: float | None = None
    backup: str | None = None
    backup_type: str | None = None
    database_size: int | None = None
    pg_version: str | None = None
    started: float
    ended: float
    result: Result
    words: str
    checks: tuple[Check, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict, hash=False)
    restored_bytes: int | None = None
    replayed_wal_bytes: int | None = None
    recovered_to: float | None = None
    log: str | None = None

    @property
    def success(self) -> bool | None:
        """Whether the backup was proven; None when it could not be tried."""
        return None if self.result == "could_not_try" else self.result == "proven"

    def recovery_time(self, size: int, wal: int) -> float | None:
        """Estimate the seconds that restoring *size* bytes and replaying *wal* bytes take, at this run's rates."""
        restore, replay = self.phases.get("restore"), self.phases.get("replay")
        if not self.restored_bytes or restore is None or replay is None:
            return None
        replayed = self.replayed_wal_bytes or 0
        # Too little WAL says more about the start of PostgreSQL than about the rate: it is not scaled down.
        factor = max(1.0, wal / replayed) if replayed else 1.0
        return restore * size / self.restored_bytes + replay * factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """All runs of one stanza, repository and target: the last one, and what outlives the history."""

    last: Record
    last_success: float | None = None
    last_failure: float | None = None
    totals: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Whether a test of a stanza runs now."""

    stanza: str
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreTests:
    """The results that are on record, of all stanzas.

    *history* is newest first; *tails* are the last lines of the newest failed run's log for each stanza.
    """

    tested: tuple[Tested, ...] = ()
    history: tuple[Record, ...] = ()
    running: tuple[Running, ...] = ()
    tails: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
