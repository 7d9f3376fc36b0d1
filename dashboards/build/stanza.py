"""One stanza: its backups, how fresh, how big, how long, and every one that its repositories hold."""

from typing import Final

from dashboards.build import colour, facts
from dashboards.build.board import Board, Section, annotation
from dashboards.build.health import HEALTH
from dashboards.build.panel import (
    DAYS,
    OTHER_REPOS,
    THRESHOLDS,
    arranged,
    band,
    bars,
    graph,
    judged,
    now,
    override,
    override_regexp,
    rows,
    stat,
    table,
    timeseries,
    transformation,
)
from dashboards.build.query import REPO, STANZA, line, of, worst

_TILE: Final = (4, 5)
_NO_BACKUP: Final = "No backup: run `pgbackrest backup --type=full`."
_NO_LOG: Final = "No run is known: see `runs` in the settings."
_TYPE: Final = f"{REPO}, backup_type"
_EACH: Final = f"{REPO}, backup_type, backup"
_RUN: Final = f"{STANZA}, command, backup_type, repo"
_OF_TYPE: Final = [
    override_regexp(f"/{name}/", color=colour.fixed(shade)) for name, shade in colour.TYPES.items()
]


def _last(name: str) -> str:
    """One line a type and repository."""
    return worst(of(f"backup_last_{name}", repo=True), _TYPE)


def _each(name: str) -> str:
    return worst(of(f"backup_{name}", repo=True), _EACH)


def _run(name: str, *matchers: str) -> str:
    return worst(of(f"run_last_{name}_timestamp_seconds", *matchers), _RUN)


_recoverable = stat(
    "Can be recovered",
    "No: neither repository reaches this moment: it cannot be read, has no backup of the current database, "
    "or WAL is missing since the newest one; or nothing is known. "
    "Read pgBackRest's words on the exporter's status page; a new full backup ends most of these.",
    now(worst(facts.RECOVERABLE)),
    size=_TILE,
    empty="This stanza is unknown to every exporter: choose another, or look at “Exporter health”.",
    mappings=colour.levels("yes", "lost a copy", "no"),
)

_newest = judged(
    "Newest backup",
    "Age of the newest backup of any type, in the repository where it is oldest. Over its threshold: look at "
    "the scheduler, then at the newest run below.",
    facts.BACKUP,
    facts.BACKUP_LEVEL,
    size=_TILE,
    empty=_NO_BACKUP,
    by=REPO,
    legend="repo {{repo}}",
)

_full = judged(
    "Newest full backup",
    "Age of the newest full. When it grows over its threshold, chains get long and a restore reads more: "
    "look at the weekly job.",
    facts.FULL,
    facts.FULL_LEVEL,
    size=_TILE,
    empty="No full backup: run `pgbackrest backup --type=full`.",
    by=REPO,
    legend="repo {{repo}}",
)

_runs_ok = stat(
    "Newest backup runs",
    "Failed: the newest run of some kind (full, diff, incr; repository) did not succeed. The table “Newest "
    "run of each command” says which one; its log has the reason.",
    now(worst(facts.RUN_LEVEL)),
    size=_TILE,
    empty=_NO_LOG,
    mappings=colour.levels("succeeded", "failed", "failed"),
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
    size=_TILE,
    empty=_NO_BACKUP,
    mappings=colour.words((0, "none", colour.OK)),
    thresholds=colour.steps((None, colour.OK), (1, colour.CRITICAL)),
)

_now = stat(
    "Now",
    "Stopped: `pgbackrest stop` was run, and every command fails until `pgbackrest start`. Otherwise whether a "
    "command holds the stanza's backup lock on a host that an exporter watches. A backup that runs "
    "much longer than usual: compare the durations below, look at pgBackRest's log.",
    now(f"2 * max({of('stanza_stopped')}) > 0 or max({of('stanza_lock_held')})"),
    size=_TILE,
    empty="This version of pgBackRest does not tell.",
    mappings=colour.words(
        (0, "idle", colour.UNKNOWN), (1, "running", colour.BLUE), (2, "stopped", colour.CRITICAL)
    ),
)

_timeline = timeseries(
    "Every backup in the repositories",
    "One point a backup: when it completed and how long it took, from the repository's own catalogue, so "
    "also from before the exporter was installed. "
    "A missing point in the rhythm is a backup that did not happen; a point far up is one that took long. "
    "Dashed lines are runs that failed.",
    rows(f"{_each('completion_timestamp_seconds')} * 1000"),
    rows(_each("duration_seconds")),
    unit="s",
    size=(24, 8),
    empty="No backup in this repository, or per_backup is 0 in the settings.",
    custom={"drawStyle": "points", "pointSize": 9, "showPoints": "always"},
    defaults={"displayName": "${__field.labels.backup_type} repo ${__field.labels.repo}"},
    overrides=_OF_TYPE,
    legend=(),
    transformations=[
        transformation("joinByField", byField="backup", mode="outer"),
        transformation(
            "filterFieldsByName",
            include={"names": ["backup", "backup_type 1", "repo 1", "Value #A", "Value #B"]},
        ),
        transformation(
            "convertFieldType",
            conversions=[{"targetField": "Value #A", "destinationType": "time"}],
            fields={},
        ),
        arranged(
            {
                "Value #A": "completed",
                "backup_type 1": "backup_type",
                "repo 1": "repo",
                "Value #B": "Value #B",
            },
            hidden=("backup",),
        ),
        transformation("sortBy", fields={}, sort=[{"field": "completed"}]),
        transformation("partitionByValues", fields=["backup_type", "repo"], naming={"asLabels": True}),
    ],
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
    empty=_NO_BACKUP,
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
    empty=_NO_BACKUP,
    mappings=colour.levels("fresh", "late", "overdue"),
    interval="5m",
)

_sizes = timeseries(
    "Size of the database and of its newest full",
    "Both grow together. A repository size that jumps alone says that compression or deduplication got "
    "worse; a database that shrinks suddenly is worth a question.",
    graph(f"max by ({STANZA}) ({of('backup_last_size_bytes', repo=True)})", "database"),
    graph(
        f"max by ({_TYPE}) ({of('backup_last_repo_delta_bytes', repo=True)})", "{{backup_type}} repo {{repo}}"
    ),
    unit="bytes",
    size=(8, 8),
    empty=_NO_BACKUP,
    overrides=(override("database", color=colour.fixed(colour.SAND)), *_OF_TYPE, OTHER_REPOS),
    legend=(),
)

_durations = timeseries(
    "How long backups take",
    "Duration of the newest backup of each type. Near the dashed lines of backup_duration it meets the next "
    "one: more processes (process-max), or block incremental.",
    graph(_last("duration_seconds"), "{{backup_type}} repo {{repo}}"),
    graph(f"min({line('backup_duration', 'warning')})", "warning"),
    graph(f"min({line('backup_duration', 'critical')})", "critical"),
    unit="s",
    size=(8, 8),
    empty=_NO_BACKUP,
    overrides=(*_OF_TYPE, OTHER_REPOS, *THRESHOLDS),
    legend=(),
)

_throughput = timeseries(
    "Throughput of backups",
    "Bytes of the database that were copied per second. A fall at the same size is a slower network, disk or "
    "object store.",
    graph(f"{_last('delta_bytes')} / ({_last('duration_seconds')} > 0)", "{{backup_type}} repo {{repo}}"),
    unit="Bps",
    size=(8, 8),
    empty=_NO_BACKUP,
    overrides=(*_OF_TYPE, OTHER_REPOS),
    legend=(),
)

_progress = bars(
    "Progress of what runs",
    "Share of the bytes that the running command has copied. A bar that stands still for minutes: look for a "
    "lock, a full disk or a silent object store.",
    now(
        f"max by ({REPO}, command) ({of('stanza_progress_done_bytes')}"
        f" / ({of('stanza_progress_size_bytes')} > 0))",
        "{{command}} {{repo}}",
    ),
    unit="percentunit",
    size=(6, 8),
    empty="Nothing runs that tells its progress.",
)

_results = timeseries(
    "Runs a day by result",
    "How many runs ended well, failed or were killed. Every failure has a log; killed are those that a "
    "signal or a crash ended.",
    graph(
        f"sum by (result) (max by ({_RUN}, result) (increase({of('runs_total')}[$__rate_interval])))",
        "{{result}}",
    ),
    unit="short",
    size=(6, 8),
    empty=_NO_LOG,
    custom={
        "drawStyle": "bars",
        "fillOpacity": 80,
        "lineWidth": 0,
        "stacking": {"mode": "normal", "group": "A"},
    },
    overrides=(
        override("success", color=colour.fixed(colour.OK)),
        override("failure", color=colour.fixed(colour.WARNING)),
        override("killed", color=colour.fixed(colour.ROSE)),
    ),
    legend=(),
    interval="1d",
)

_runs = table(
    "Newest run of each command",
    "When each command last succeeded and last failed, by type and repository. A failure newer than the "
    "success is red: read that command's log.",
    rows(f"{_run('success')} * 1000"),
    rows(f"{_run('failure')} * 1000"),
    rows(
        f"({_run('failure')} > bool {_run('success')}) or 1 + 0 * {_run('failure')} or 0 * {_run('success')}"
    ),
    size=(12, 8),
    empty=_NO_LOG,
    overrides=[
        override_regexp("/^(Succeeded|Failed)$/", unit="dateTimeAsIso", custom__width=160, noValue="never"),
        override(
            "Newest",
            mappings=colour.words((0, "succeeded", colour.OK), (1, "failed", colour.WARNING)),
            custom__displayMode="color-background-solid",
            custom__width=100,
        ),
    ],
    transformations=[
        transformation("merge"),
        transformation("sortBy", fields={}, sort=[{"field": "Value #C", "desc": True}]),
        arranged(
            {
                "command": "Command",
                "backup_type": "Type",
                "repo": "Repo",
                "Value #C": "Newest",
                "Value #A": "Succeeded",
                "Value #B": "Failed",
            },
            hidden=("Time", "job", "cluster", "namespace", "stanza"),
        ),
    ],
)

_CATALOGUE: Final = {
    "completed": _each("completion_timestamp_seconds") + " * 1000",
    "took": _each("duration_seconds"),
    "database": _each("size_bytes"),
    "copied": _each("delta_bytes"),
    "added": _each("repo_delta_bytes"),
    "pages": _each("error"),
    "chain": worst(of("backup_info", repo=True), f"{_EACH}, prior, wal_start, wal_stop, backrest_version"),
}

_catalogue = table(
    "Catalogue",
    "Every backup that the repositories hold, the newest first: what it builds on, what it took, and the WAL "
    "that it needs. Red: pages failed their checksum; "
    "`pgbackrest info --set=…` names the files.",
    *(rows(expression) for expression in _CATALOGUE.values()),
    size=(24, 11),
    empty="No backup in this repository, or per_backup is 0 in the settings.",
    overrides=[
        override("Completed", unit="dateTimeAsIso", custom__width=160),
        override("Took", unit="s", custom__width=90),
        override_regexp("/^(Database|Copied|Added)$/", unit="bytes", custom__width=92),
        override_regexp("/^(Type|Repo)$/", custom__width=52),
        override_regexp("/^(Backup|Builds on)$/", custom__width=280),
        override_regexp("/^WAL/", custom__width=222),
        override(
            "Pages",
            mappings=colour.words((0, "good", colour.OK), (1, "damaged", colour.CRITICAL)),
            custom__displayMode="color-text",
            custom__width=80,
        ),
    ],
    transformations=[
        transformation("merge"),
        transformation("sortBy", fields={}, sort=[{"field": "Value #A", "desc": True}]),
        arranged(
            {
                "backup": "Backup",
                "backup_type": "Type",
                "repo": "Repo",
                "Value #A": "Completed",
                "Value #B": "Took",
                "Value #C": "Database",
                "Value #D": "Copied",
                "Value #E": "Added",
                "Value #F": "Pages",
                "prior": "Builds on",
                "wal_start": "WAL from",
                "wal_stop": "WAL to",
            },
            hidden=("Time", "job", "cluster", "namespace", "stanza", "backrest_version", "Value #G"),
        ),
    ],
)

FAILURES: Final = annotation(
    "Failed backup runs",
    _run("failure", 'command="backup"') + " * 1000",
    colour=colour.WARNING,
    title="Backup failed: {{stanza}}",
    text="{{backup_type}} repo {{repo}}",
    shown=True,
)
COMPLETED: Final = annotation(
    "Completed backups",
    f"{_last('completion_timestamp_seconds')} * 1000",
    colour=colour.BLUE,
    title="Backup completed: {{stanza}}",
    text="{{backup_type}} repo {{repo}}",
    shown=False,
)

BOARD: Final = Board(
    uid="pgbackrest-stanza",
    title="pgBackRest / Stanza",
    description="The backups of one stanza: every one of them, how fresh, how big, how long they take, and what runs.",
    sections=(
        Section(title="", panels=(_recoverable, _newest, _full, _runs_ok, _damaged, _now)),
        Section(title="", panels=(_timeline, _freshness, _fresh, _sizes, _durations, _throughput)),
        Section(title="", panels=(_progress, _results, _runs, _catalogue)),
        HEALTH,
    ),
    annotations=(FAILURES, COMPLETED),
    one_stanza=True,
    span="now-30d",
)
