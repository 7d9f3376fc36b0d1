"""`restore_tests`: every setting of the restore test, with its default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from exporter.settings.cadence import Source
from exporter.settings.quantity import HOUR, MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`restore_tests.queries`: one query to the restored server; without an expectation it has to give true."""

    name: str
    query: str
    database: str = "postgres"
    stanza: str | None = None  # None: every stanza
    expected: str | None = None  # the first column of the first row, as text
    at_least: float | None = None
    within: float = 5 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreTests(Source):
    """`restore_tests`: how `pgbackrest-exporter restore-test` tests, and where its results are read."""

    every: float = 60.0
    within: float = 30.0
    records: str | None = None  # None: restore-tests below state_path
    history: int = 50  # records of each stanza that are kept, and as many failed ones beyond them
    # What is tested, one after the other, the longest ago first: latest, immediate, random.
    targets: tuple[str, ...] = ("latest", "random")
    repos: tuple[int, ...] = ()  # none: all that hold a backup
    to: str | None = None  # the scratch folder; None: restore below state_path
    allow_repository_filesystem: bool = False  # a full repository stops production's archiving
    keep_free: float = 1 << 30  # bytes that must stay free beside what is restored
    user: str = "postgres"  # a superuser of the restored cluster
    binaries: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    process_max: int | None = None  # None: that of pgbackrest.conf
    nice: int = 10
    shared_buffers: float = 128 << 20
    shared_preload_libraries: tuple[str, ...] = ()
    canary: bool = False  # write on the primary first, and look for it afterwards
    canary_within: float = 5 * MINUTE
    replay_within: float = 24 * HOUR
    stalled_after: float = 15 * MINUTE
    read: Literal["count", "full"] = "count"  # of tables: their pages, or every value
    tables_within: float = HOUR
    sample_above: float = 100 << 30  # of tables larger than so many bytes a sample is read
    amcheck: Literal["off", "basic", "parent", "full"] = "basic"
    amcheck_within: float = 2 * HOUR
    checksums_within: float = 2 * HOUR
    queries: tuple[Query, ...] = ()
    hook: tuple[str, ...] = ()  # a command that is told of each result
