"""Every setting with its default, on one page; file.py reads and writes the file.

All values are immutable. Durations are seconds, ratios are parts of 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple

from exporter.settings import prefix
from exporter.settings.cadence import Cadence, Source
from exporter.settings.quantity import DAY, HOUR, MINUTE
from exporter.settings.restore_tests import RestoreTests

OFF = math.inf
"""A severity that is switched off on purpose."""


class Signal(NamedTuple):
    """One thing that is judged: over all of a stanza, or for each of its repositories."""

    name: str
    unit: Literal["seconds", "ratio"]
    scope: Literal["stanza", "repo"]
    shorter_is_worse: bool = False


SIGNALS = (
    Signal("backup", "seconds", "repo"),
    Signal("full_backup", "seconds", "repo"),
    Signal("backup_duration", "seconds", "stanza"),
    Signal("wal_archive_lag", "seconds", "stanza"),
    Signal("restore_test", "seconds", "stanza"),
    Signal("repo_used", "ratio", "repo"),
    Signal("recovery_window", "seconds", "repo", shorter_is_worse=True),
    Signal("recovery_time", "seconds", "repo"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """From where on a signal is a warning, and from where on critical: seconds, or a part of 1."""

    warning: float = OFF
    critical: float = OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A threshold for one stanza or repository; a side that is None is inherited."""

    warning: float | None = None
    critical: float | None = None

    def over(self, inherited: Threshold) -> Threshold:
        """Give the threshold in force, severity by severity."""
        return Threshold(
            warning=inherited.warning if self.warning is None else self.warning,
            critical=inherited.critical if self.critical is None else self.critical,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PgBackRest:
    """`pgbackrest`: how pgBackRest is called."""

    # Or [sudo, -n, -u, postgres, pgbackrest], or [ssh, repo-host, pgbackrest].
    command: tuple[str, ...] = ("pgbackrest",)
    # None is passed: pgBackRest looks where it always does. One that is named here hides conf.d.
    config: str | None = None
    config_include_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """`thresholds`: what holds for every stanza and repository that states nothing else."""

    backup: Threshold = Threshold(warning=26 * HOUR, critical=50 * HOUR)
    full_backup: Threshold = Threshold(warning=8 * DAY, critical=15 * DAY)
    backup_duration: Threshold = Threshold(warning=12 * HOUR, critical=24 * HOUR)
    wal_archive_lag: Threshold = Threshold(warning=5 * MINUTE, critical=10 * MINUTE)
    restore_test: Threshold = Threshold(warning=8 * DAY, critical=15 * DAY)
    repo_used: Threshold = Threshold(warning=0.80, critical=0.90)
    recovery_window: Threshold = Threshold()  # off until stated: a new stanza has none yet
    recovery_time: Threshold = Threshold()


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoThresholds:
    """`stanzas.NAME.repos.N.thresholds`: the signals that are judged for each repository."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        signal.name: "is judged for the whole stanza: move it to the thresholds of the stanza"
        for signal in SIGNALS
        if signal.scope == "stanza"
    }
    backup: Override = Override()
    full_backup: Override = Override()
    repo_used: Override = Override()
    recovery_window: Override = Override()
    recovery_time: Override = Override()


@dataclass(frozen=True, slots=True, kw_only=True)
class StanzaThresholds(RepoThresholds):
    """`stanzas.NAME.thresholds`: every signal."""

    backup_duration: Override = Override()
    wal_archive_lag: Override = Override()
    restore_test: Override = Override()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """`stanzas.NAME.repos.N`: what is different for one repository of a stanza."""

    thresholds: RepoThresholds = RepoThresholds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """`stanzas.NAME`: a stanza that must exist, where its cluster is, and what is different for it."""

    # libpq's connection string without a password, host=pg1,pg2,pg3 user=exporter; None: the local server, if any.
    postgresql: str | None = None
    # Patroni's REST API on some members, http://pg1:8008: they are tried in turn.
    patroni: tuple[str, ...] = ()
    thresholds: StanzaThresholds = StanzaThresholds()
    repos: Mapping[int, Repo] = field(default_factory=lambda: MappingProxyType({}), hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Info(Cadence):
    """`info`: how often `pgbackrest info` is read, and how much of it is shown."""

    every: float = 60.0
    within: float = 60.0
    per_backup: int = 1000  # newest backups of each stanza and repository with series of their own; 0 is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiver(Source):
    """`archiver`: what PostgreSQL says of its archiving."""

    every: float = 15.0
    within: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository(Source):
    """`repository`: listings of the repository. LIST calls of object stores cost money: there, name one host."""

    every: float = 15 * MINUTE
    within: float = 10 * MINUTE
    # Bytes by repository, for storages that know no limit of their own.
    capacity: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}), hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs(Source):
    """`runs`: pgBackRest's log files and the records of `pgbackrest-exporter run`."""

    every: float = 30.0
    within: float = 30.0
    log_path: str | None = None  # None: that of pgbackrest.conf
    records: str | None = None  # None: runs below state_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Patroni(Source):
    """`patroni`: how its REST API is asked. Passwords stand in a file of their own."""

    every: float = 15.0
    within: float = 5.0
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    username: str | None = None
    password_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole file. Without one, pgbackrest.conf says which stanzas must exist."""

    pgbackrest: PgBackRest = PgBackRest()
    stanzas: Mapping[str, Stanza] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    exclude: tuple[str, ...] = ()  # patterns of stanzas to leave out, such as scratch-*
    thresholds: Thresholds = Thresholds()
    state_path: str = (
        "/var/lib/pgbackrest-exporter"  # what has to outlive a restart: counters, positions, records
    )
    info: Info = Info()
    repository: Repository = Repository()
    runs: Runs = Runs()
    archiver: Archiver = Archiver()
    patroni: Patroni = Patroni()
    restore_tests: RestoreTests = RestoreTests()  # noqa: RUF009 - it is frozen

    @property
    def run_records(self) -> str:
        """Where `pgbackrest-exporter run` leaves its records."""
        return self.runs.records or f"{self.state_path}/runs"

    @property
    def restore_test_records(self) -> str:
        """Where `pgbackrest-exporter restore-test` leaves its records."""
        return self.restore_tests.records or f"{self.state_path}/restore-tests"

    @property
    def is_local(self) -> bool:
        """Whether pgBackRest runs on this machine, so that its configuration here is the one in force."""
        return prefix.stays_here(self.pgbackrest.command)

    def excludes(self, stanza: str) -> bool:
        """Whether a stanza is left out."""
        return any(fnmatchcase(stanza, pattern) for pattern in self.exclude)

    def threshold(self, signal: str, stanza: str, repo: int | None = None) -> Threshold:
        """Give the threshold in force: the repository's over the stanza's over that for all.

        *signal* is a name in SIGNALS; *stanza* and *repo* need not be named in the settings.
        """
        result: Threshold = getattr(self.thresholds, signal)
        own = self.stanzas.get(stanza, Stanza())
        result = getattr(own.thresholds, signal).over(result)
        if repo is not None and repo in own.repos:
            result = getattr(own.repos[repo].thresholds, signal, Override()).over(result)
        return result


SOURCES = ("info", "repository", "runs", "archiver", "patroni", "restore_tests")
"""The sections of Settings that tell when a source is read."""
