"""One stanza: its backups, how fresh, how big, how long, and every one that its repositories hold."""

from typing import Final

from dashboards.build import catalogue, colour, facts, runs
from dashboards.build.board import Board, Section
from dashboards.build.empty import NO_BACKUP, NO_FULL, Empty
from dashboards.build.health import HEALTH
from dashboards.build.override import OF_TYPE, OTHER_REPOS, THRESHOLDS, override, override_regexp
from dashboards.build.panel import DAYS, TILE, band, judged, stat, timeseries
from dashboards.build.query import REPO, STANZA, line, of, worst
from dashboards.build.target import graph, now

_recoverable = stat(
    "Can be recovered",
    "No: neither repository reaches this moment: it cannot be read, has no backup of the current database, "
    "or WAL is missing since the newest one; or nothing is known. "
    "Read pgBackRest's words on the exporter's status page; a new full backup ends most of these.",
    now(worst(facts.RECOVERABLE)),
    size=TILE,
    empty=Empty(
        "Unknown stanza",
        "This stanza is unknown to every exporter: choose another, or look at “Exporter health”.",
    ),
    mappings=colour.levels("yes", "lost a copy", "no"),
)

_newest = judged(
    "Newest backup",
    "Age of the newest backup of any type, in the repository where it is oldest. Over its threshold: look at "
    "the scheduler, then at the newest run below.",
    facts.BACKUP,
    facts.BACKUP_LEVEL,
    size=TILE,
    empty=NO_BACKUP,
    by=REPO,
    legend="repo {{repo}}",
)

_full = judged(
    "Newest full backup",
    "Age of the newest full. When it grows over its threshold, chains get long and a restore reads more: "
    "look at the weekly job.",
    facts.FULL,
    facts.FULL_LEVEL,
    size=TILE,
    empty=NO_FULL,
    by=REPO,
    legend="repo {{repo}}",
)

_damaged = stat(
    "Damaged backups",
    "Retained backups with pages that failed their checksum, or whose own WAL has a hole: they cannot be "
    "trusted. Make a new full, and find the damaged pages with "
    "`pgbackrest info --set=…`.",
    now(
        f"sum(max by ({REPO}) ({of('backups_with_errors', repo=True)}))"
        f" + (sum(max by ({REPO}) ({of('backups_without_wal', repo=True)})) or vector(0))"
    ),
    size=TILE,
    empty=NO_BACKUP,
    mappings=colour.words((0, "none", colour.OK)),
    thresholds=colour.counted(1),
)

_now = stat(
    "Now",
    "Stopped: `pgbackrest stop` was run, and every command fails until `pgbackrest start`. Otherwise whether a "
    "command holds the stanza's backup lock on a host that an exporter watches. A backup that runs "
    "much longer than usual: compare the durations below, look at pgBackRest's log.",
    now(f"2 * max({of('stanza_stopped')}) > 0 or max({of('stanza_lock_held')})"),
    size=TILE,
    empty=Empty("pgBackRest does not tell", "This version of pgBackRest does not tell."),
    mappings=colour.words(
        (0, "idle", colour.UNKNOWN), (1, "running", colour.BLUE), (2, "stopped", colour.CRITICAL)
    ),
)

_freshness = timeseries(
    "Age of the newest backup and of the newest full",
    "Saw-teeth that stay under the dashed lines are a schedule that works. A tooth that grows on is a job "
    "that stopped: look at the scheduler and at pgBackRest's log.",
    graph(f"{facts.BACKUP} / 86400", "any, repo {{repo}}"),
    graph(f"{facts.FULL} / 86400", "full, repo {{repo}}"),
    graph(f"min({line('backup', 'warning', repo=True)}) / 86400", "warning any"),
    graph(f"min({line('backup', 'critical', repo=True)}) / 86400", "critical any"),
    graph(f"min({line('full_backup', 'warning', repo=True)}) / 86400", "warning full"),
    graph(f"min({line('full_backup', 'critical', repo=True)}) / 86400", "critical full"),
    unit=DAYS,
    size=(12, 8),
    empty=NO_BACKUP.long,
    overrides=(
        override_regexp("/^full/", color=colour.fixed(colour.BLUE)),
        override_regexp("/^any/", color=colour.fixed(colour.SAND)),
        OTHER_REPOS,
        *THRESHOLDS,
    ),
    legend=(),
)

_fresh = band(
    "Fresh, late, overdue",
    "The same, judged by the thresholds of each repository. A red stretch says from when to when a restore "
    "would have lost more than agreed, or would have been slow.",
    graph(facts.BACKUP_LEVEL, "any, repo {{repo}}"),
    graph(facts.FULL_LEVEL, "full, repo {{repo}}"),
    size=(12, 8),
    empty=NO_BACKUP.long,
    mappings=colour.levels("fresh", "late", "overdue"),
    interval="5m",
)

_sizes = timeseries(
    "Size of the database and of its newest full",
    "Both grow together. A repository size that jumps alone says that compression or deduplication got "
    "worse; a database that shrinks suddenly is worth a question.",
    graph(f"max by ({STANZA}) ({of('backup_last_size_bytes', repo=True)})", "database"),
    graph(
        f"max by ({catalogue.TYPE}) ({of('backup_last_repo_delta_bytes', repo=True)})",
        "{{backup_type}} repo {{repo}}",
    ),
    unit="bytes",
    size=(8, 8),
    empty=NO_BACKUP.long,
    overrides=(override("database", color=colour.fixed(colour.SAND)), *OF_TYPE, OTHER_REPOS),
    legend=(),
)

_durations = timeseries(
    "How long backups take",
    "Duration of the newest backup of each type. Near the dashed lines of backup_duration it meets the next "
    "one: more processes (process-max), or block incremental.",
    graph(catalogue.last("duration_seconds"), "{{backup_type}} repo {{repo}}"),
    graph(f"min({line('backup_duration', 'warning')})", "warning"),
    graph(f"min({line('backup_duration', 'critical')})", "critical"),
    unit="s",
    size=(8, 8),
    empty=NO_BACKUP.long,
    overrides=(*OF_TYPE, OTHER_REPOS, *THRESHOLDS),
    legend=(),
)

_throughput = timeseries(
    "Throughput of backups",
    "Bytes of the database that were copied per second. A fall at the same size is a slower network, disk or "
    "object store.",
    graph(
        f"{catalogue.last('delta_bytes')} / ({catalogue.last('duration_seconds')} > 0)",
        "{{backup_type}} repo {{repo}}",
    ),
    unit="Bps",
    size=(8, 8),
    empty=NO_BACKUP.long,
    overrides=(*OF_TYPE, OTHER_REPOS),
    legend=(),
)

BOARD: Final = Board(
    uid="pgbackrest-stanza",
    title="pgBackRest / Stanza",
    description="The backups of one stanza: every one of them, how fresh, how big, how long they take, and what runs.",
    sections=(
        Section(title="", panels=(_recoverable, _newest, _full, runs.NEWEST, _damaged, _now)),
        Section(title="", panels=(catalogue.TIMELINE, _freshness, _fresh, _sizes, _durations, _throughput)),
        Section(title="", panels=(runs.PROGRESS, runs.RESULTS, runs.TABLE, catalogue.TABLE)),
        HEALTH,
    ),
    annotations=(runs.FAILURES, catalogue.COMPLETED),
    one_stanza=True,
    span="now-30d",
)
