"""Can we recover? All stanzas on one screen, the worst first."""

from typing import Final

from dashboards.build import colour, every_stanza, facts
from dashboards.build.board import Board, Section
from dashboards.build.empty import NO_CAPACITY, NO_EXPORTER, NO_LISTING, NO_POSTGRESQL, NO_TEST
from dashboards.build.health import HEALTH
from dashboards.build.override import gauge, override, override_query, override_regexp, sign
from dashboards.build.panel import TILE, Panel, band, judged, stat, table
from dashboards.build.query import REPO, line, of, worst
from dashboards.build.target import graph, now, rows
from dashboards.build.transformation import arranged, merged, transformation
from dashboards.build.watched import watched

_REPO_NAME: Final = "{{stanza}} repo {{repo}}"

_recoverable = stat(
    "Can be recovered",
    "Red: so many stanzas cannot be recovered to this moment from any repository: unreadable, no backup of "
    "the current database, or WAL is missing since the newest one; "
    "or nothing is known of them. Yellow: one of several repositories is in that state. Open the stanza in "
    "the table below; a new full backup ends most of these.",
    now(f"count({facts.RECOVERABLE} == 2)", "not recoverable"),
    now(f"count({facts.RECOVERABLE} == 1) unless on () ({facts.RECOVERABLE} == 2)", "lost a copy"),
    now(f"count({facts.RECOVERABLE} == 0) unless on () ({facts.RECOVERABLE} > 0)", "all recoverable"),
    size=TILE,
    empty=NO_EXPORTER,
    overrides=[
        override_query(ref, color=colour.fixed(shade))
        for ref, shade in zip("ABC", (colour.CRITICAL, colour.WARNING, colour.OK), strict=True)
    ],
    text="value_and_name",
)

_at_risk = judged(
    "Data at risk now",
    "The stanza whose oldest finished WAL segment waits longest to be archived: what was written since then "
    "would be lost with the server. "
    "Look at archive_command's error in PostgreSQL's log, then at the board “WAL and failover”.",
    facts.LAG,
    facts.LAG_LEVEL,
    size=TILE,
    empty=NO_POSTGRESQL,
)

_window = judged(
    "Shortest window",
    "How far back any moment can be restored, where that is least. Coloured where the setting "
    "recovery_window requires more. "
    "It shrinks when backups expire too early or WAL is missing: see “Storage and recovery”.",
    facts.WINDOW,
    facts.WINDOW_LEVEL,
    size=TILE,
    empty=NO_LISTING,
    by=REPO,
    legend=_REPO_NAME,
    lowest=True,
)

_estimate = judged(
    "Longest time to restore",
    "Size of the newest backups and the WAL since, at the speed that the last restore test measured. "
    "Coloured by the setting recovery_time. "
    "More frequent diffs, process-max or a nearer repository make it shorter.",
    facts.ESTIMATE,
    facts.ESTIMATE_LEVEL,
    size=TILE,
    empty=NO_TEST,
    by=REPO,
    legend=_REPO_NAME,
)

_proven = judged(
    "Last proven restore",
    "The stanza whose last successful restore test is the longest ago. Red also where the newest test did "
    "not prove the backup: open “Storage and recovery” and read its checks. "
    "A backup that was never restored is a hope.",
    facts.PROVEN,
    facts.PROVEN_LEVEL,
    size=TILE,
    empty=NO_TEST,
)


def _alerts(title: str, description: str, mode: str, size: tuple[int, int]) -> Panel:
    """Return the alerts that fire, as a number or as a list."""
    return Panel(
        type="alertlist",
        title=title,
        description=description,
        size=size,
        options={
            "alertInstanceLabelFilter": '{severity=~"critical|warning"}',
            "alertName": "Pgbackrest",
            "dashboardAlerts": False,
            "groupBy": [],
            "groupMode": "default",
            "maxItems": 50,
            "sortOrder": 3,
            "stateFilter": {
                "error": True,
                "firing": True,
                "noData": False,
                "normal": False,
                "pending": False,
            },
            "viewMode": mode,
        },
    )


_alert_count = _alerts(
    "Firing alerts",
    "How many alerts of this exporter's rules fire now, warnings too. They are listed below, each with its "
    "runbook.",
    "stat",
    TILE,
)
_alert_list = _alerts(
    "What fires",
    "What fires, by Prometheus' rules or Grafana's own. Open an alert to see its stanza; each links to its "
    "runbook.",
    "list",
    (8, 7),
)

_history = band(
    "What was wrong when",
    "Data at risk, age of the newest backup and pgBackRest's own status of each stanza, the worst of them. A "
    "red stretch that ended by itself is a reason to look in the "
    "morning: the stanza's board shows what it was.",
    graph(facts.HISTORY, "{{cluster}} {{namespace}} {{stanza}}"),
    size=(12, 8),
    empty=NO_EXPORTER.long,
    mappings=colour.levels("ok", "look today", "act now"),
    interval="2h",
    many=True,
)

_risk = watched(
    "Data at risk",
    "How long the oldest finished segment has waited to be archived. Zero is an archive that keeps up, also "
    "of an idle database.",
    facts.LAG,
    facts.lag_over("warning"),
    facts.lag_over("critical"),
    graph(f"min({line('wal_archive_lag', 'warning')})", "warning"),
    graph(f"min({line('wal_archive_lag', 'critical')})", "critical"),
    named=("{{cluster}} {{namespace}} {{stanza}}", "late: {{stanza}}", "too late: {{stanza}}"),
    unit="s",
    empty=NO_POSTGRESQL.long,
)

_used = table(
    "Fullest repositories",
    "Used of what the file system holds, or of the capacity that the settings state; the sign judges it by "
    "repo_used. A full repository stops archiving, then the database's disk fills: "
    "expire earlier, or make room.",
    rows(facts.USED),
    rows(facts.USED_LEVEL),
    size=(8, 7),
    empty=NO_CAPACITY.long,
    overrides=[
        override("Repo", custom__width=52),
        sign("used?", 1),
        gauge("Used", unit="percentunit", top=1),
    ],
    transformations=[
        *merged(),
        transformation("sortBy", fields={}, sort=[{"field": "Value #A", "desc": True}]),
        arranged(
            {"stanza": "Stanza", "repo": "Repo", "Value #B": "used?", "Value #A": "Used"},
            hidden=("Time", "job", "cluster", "namespace"),
        ),
    ],
)

_failed = table(
    "Failed runs",
    "Kinds of run whose newest attempt failed, the newest first. pgBackRest's log of that command has the "
    "reason; a backup that fails leaves no trace in `info`.",
    rows(
        f"({worst(of('run_last_failure_timestamp_seconds'), f'{REPO}, command, backup_type')}"
        f" unless ({worst(of('run_last_failure_timestamp_seconds'), f'{REPO}, command, backup_type')}"
        f" < {worst(of('run_last_success_timestamp_seconds'), f'{REPO}, command, backup_type')})) * 1000"
    ),
    size=(8, 7),
    empty="No kind of run failed last, or no log is read (see `runs` in the settings).",
    overrides=[
        override("Failed", unit="dateTimeAsIso", custom__width=160),
        override("Stanza", custom__minWidth=100),
        override("Command", custom__width=86),
        override_regexp("/^(Type|Repo)$/", custom__width=54),
    ],
    transformations=[
        transformation("sortBy", fields={}, sort=[{"field": "Value", "desc": True}]),
        arranged(
            {
                "stanza": "Stanza",
                "command": "Command",
                "backup_type": "Type",
                "repo": "Repo",
                "Value": "Failed",
            },
            hidden=("Time", "job", "cluster", "namespace"),
        ),
    ],
)

BOARD: Final = Board(
    uid="pgbackrest-overview",
    title="pgBackRest / Overview",
    description="Can every database be recovered, to which moments, how fast, and how do we know?",
    sections=(
        Section(
            title="",
            panels=(_recoverable, _at_risk, _window, _estimate, _proven, _alert_count, every_stanza.TABLE),
        ),
        Section(title="", panels=(_history, _risk, _alert_list, _used, _failed)),
        HEALTH,
    ),
)
