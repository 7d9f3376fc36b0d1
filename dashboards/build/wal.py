"""The WAL on its way into the repositories, and the cluster it comes from."""

from typing import Final

from dashboards.build import colour, facts
from dashboards.build.board import Board, Section
from dashboards.build.empty import NO_LISTING, NO_PATRONI, NO_POSTGRESQL, Empty
from dashboards.build.health import HEALTH
from dashboards.build.override import BY_QUERY, OTHER_REPOS, THRESHOLDS, override_query, override_regexp
from dashboards.build.panel import TILE, band, judged, stat, timeseries
from dashboards.build.query import REPO, STANZA, least, line, of, worst
from dashboards.build.runs import FAILURES
from dashboards.build.target import graph, now

_NEWEST: Final = 'position="newest"'
_IN_REPO: Final = "repo {{repo}}"

_risk = judged(
    "Data at risk now",
    "Age of the oldest finished WAL segment that is not yet archived: written since then would be lost with "
    "the server. Read archive_command's error in PostgreSQL's log.",
    facts.LAG,
    facts.LAG_LEVEL,
    size=TILE,
    empty=NO_POSTGRESQL,
)

_bytes = stat(
    "Not yet archived",
    "Bytes of WAL that were written and are in no repository. Up to one segment is normal: it is archived "
    "when it is full.",
    now(f"topk(1, {worst(of('wal_archive_lag_bytes'))})", "{{stanza}}"),
    size=TILE,
    empty=NO_POSTGRESQL,
    unit="bytes",
    text="value_and_name",
)

_failing = stat(
    "Archiving",
    "Fails: the last attempt of archive_command failed. Off: archive_mode is off or no command is set. "
    "PostgreSQL's log has the command's words.",
    now(
        f"max(1 - {least(of('wal_archive_enabled'))}) * 3 > 0 or 2 * max({worst(of('wal_archive_failing'))})"
    ),
    size=TILE,
    empty=NO_POSTGRESQL,
    mappings=colour.words(
        (0, "works", colour.OK), (2, "fails", colour.CRITICAL), (3, "off", colour.CRITICAL)
    ),
)

_gap = stat(
    "WAL missing",
    "More than none: WAL that the repository must have is not there, and no recovery goes past it. Take a "
    "new backup now: it begins a whole archive.",
    now(f"max({of('wal_archive_missing_segments', _NEWEST, repo=True)})"),
    size=TILE,
    empty=NO_LISTING,
    mappings=colour.words((0, "none", colour.OK)),
    thresholds=colour.counted(1),
)

_dropped = stat(
    "WAL dropped for ever",
    "Dropped by archive-push-queue-max in this time range, because archiving stood still too long. Recovery "
    "cannot pass them: take a new backup now.",
    now(f"sum(max by ({STANZA}) (increase({of('wal_dropped_segments_total')}[$__range])))"),
    size=TILE,
    empty=Empty("No log tells of it", "Not known: only asynchronous archiving tells, in its log."),
    decimals=0,
    mappings=colour.words((0, "none", colour.OK)),
    thresholds=colour.counted(0.5),
)

_LED: Final = worst(of("patroni_has_leader"))
_leader = stat(
    "Leader",
    "The member that leads, by Patroni. Nobody: writes stop, and so does archiving; look at `patronictl list`.",
    now(f"max by (stanza, member) ({of('patroni_leader_info')})", "{{member}}"),
    now(f"max by (stanza) ({_LED} == 0)", "nobody"),
    now(f"vector(0) unless on () {_LED}", NO_PATRONI.short),  # a tile that shows names shows no noValue
    size=TILE,
    empty=NO_PATRONI,
    overrides=[
        override_query(ref, color=colour.fixed(shade))
        for ref, shade in zip("AB", (colour.BLUE, colour.CRITICAL), strict=True)
    ],
    text="name",
)

_lag = timeseries(
    "Data at risk against its thresholds",
    "Age of the oldest segment that waits. Zero is an archive that keeps up. A straight climb is an archive "
    "that stands still since the climb began.",
    graph(facts.LAG, "{{stanza}}"),
    graph(f"min({line('wal_archive_lag', 'warning')})", "warning"),
    graph(f"min({line('wal_archive_lag', 'critical')})", "critical"),
    unit="s",
    size=(12, 8),
    empty=NO_POSTGRESQL.long,
    overrides=(override_query("A", color=colour.fixed(colour.BLUE)), *THRESHOLDS),
)

_waiting = timeseries(
    "Segments that wait, errors in the spool",
    "Files marked .ready in pg_wal. A climb fills the database's disk: find out why archive_command fails "
    "before it is full. Errors in the spool are what asynchronous archiving could not push; their files have "
    "pgBackRest's words.",
    graph(worst(of("wal_archive_ready_segments")), "waiting"),
    graph(worst(of("wal_archive_spool_errors")), "errors in the spool"),
    overrides=(*BY_QUERY, OTHER_REPOS),
    unit="short",
    size=(12, 8),
    empty=NO_POSTGRESQL.long,
)

_rate = timeseries(
    "WAL archived",
    "Segments an hour: as PostgreSQL counts its successes, and as they arrive in each repository. The lines "
    "lie on each other; one that is lower is a repository that misses some.",
    graph(
        f"3600 * max by ({STANZA}) (rate({of('wal_archived_segments_total')}[$__rate_interval]))",
        "PostgreSQL",
    ),
    graph(
        f"3600 * max by ({REPO}) (rate({of('wal_archive_segments_total', repo=True)}[$__rate_interval]))",
        _IN_REPO,
    ),
    overrides=(*BY_QUERY, OTHER_REPOS),
    unit="short",
    size=(8, 8),
    empty="No WAL segment is known yet: neither `info` nor PostgreSQL tells any.",
    legend=(),
    interval="10m",
)

_failures = timeseries(
    "Failed attempts to archive",
    "Attempts of archive_command that failed, an hour. A few at a restart are normal; PostgreSQL tries again "
    "until it works.",
    graph(
        f"3600 * max by ({STANZA}) (rate({of('wal_archive_failures_total')}[$__rate_interval]))", "{{stanza}}"
    ),
    unit="short",
    size=(8, 8),
    empty=NO_POSTGRESQL.long,
    overrides=(override_regexp("/.*/", color=colour.fixed(colour.CRITICAL)),),
    custom={"fillOpacity": 30, "axisSoftMax": 1},
    legend=(),
    interval="10m",
)

_gaps = timeseries(
    "Missing segments",
    "Holes in the archive. Newest: since the newest backup, so this moment cannot be reached: back up now. "
    "Older: some past moments cannot be reached; ends when those backups expire.",
    graph(
        f"max by ({REPO}, position) ({of('wal_archive_missing_segments', repo=True)})",
        "repo {{repo}}, {{position}}",
    ),
    overrides=(
        override_regexp("/newest$/", color=colour.fixed(colour.CRITICAL)),
        override_regexp("/older$/", color=colour.fixed(colour.WARNING)),
        OTHER_REPOS,
    ),
    unit="short",
    size=(8, 8),
    empty=NO_LISTING.long,
    custom={"lineInterpolation": "stepAfter", "axisSoftMax": 1},
    legend=(),
)

_timelines = timeseries(
    "Timelines",
    "Each promotion begins a timeline. PostgreSQL, Patroni and the archive's history must agree within "
    "minutes; an archive that stays behind does not get the new primary's WAL.",
    graph(worst(of("postgresql_timeline")), "PostgreSQL"),
    graph(worst(of("patroni_timeline")), "Patroni"),
    graph(worst(of("wal_archive_newest_history_timeline", repo=True), REPO), "history, repo {{repo}}"),
    graph(worst(of("wal_archive_newest_timeline", repo=True), REPO), "segments, repo {{repo}}"),
    overrides=(*BY_QUERY, OTHER_REPOS),
    unit="none",
    size=(8, 8),
    empty="No timeline is known: no archived segment, and neither PostgreSQL nor Patroni is asked.",
    minimum=None,
    custom={"lineInterpolation": "stepAfter"},
    defaults={"decimals": 0},
    legend=("lastNotNull",),
)

_leaders = band(
    "Who led",
    "One bar a member, while it was the leader. Every change is a failover or a switchover; many in a row "
    "are a cluster that cannot decide: look at Patroni's log.",
    graph(f"max by (stanza, member) ({of('patroni_leader_info')})", "{{member}}"),
    size=(8, 8),
    empty=NO_PATRONI.long,
    mappings=colour.words((1, "leader", colour.BLUE)),
)

_members = timeseries(
    "Members of the cluster",
    "By role and state. A replica that does not stream or run can be no standby and cannot be backed up from.",
    graph(f"max by (stanza, role, state) ({of('patroni_members')})", "{{role}} {{state}}"),
    overrides=(
        override_regexp("/leader/", color=colour.fixed(colour.BLUE)),
        override_regexp("/replica|standby/", color=colour.fixed(colour.CYAN)),
    ),
    unit="short",
    size=(8, 8),
    empty=NO_PATRONI.long,
    custom={
        "lineInterpolation": "stepAfter",
        "fillOpacity": 25,
        "stacking": {"mode": "normal", "group": "A"},
    },
    defaults={"decimals": 0},
    legend=("lastNotNull",),
)

_states = band(
    "Archiving over time",
    "Works, fails or off, as PostgreSQL tells of its last attempt. A hole in the bar: there was no primary, "
    "or nobody could ask it.",
    graph(
        f"2 - 2 * {least(of('wal_archive_enabled'))} > 0 or {worst(of('wal_archive_failing'))}",
        "{{stanza}}",
    ),
    size=(8, 7),
    empty=NO_POSTGRESQL.long,
    mappings=colour.words(
        (0, "works", colour.OK), (1, "fails", colour.CRITICAL), (2, "off", colour.CRITICAL)
    ),
)

_reach = timeseries(
    "How far back the newest recoverable moment is",
    "Time since the newest contiguous segment reached the repository. An idle database lets it grow, and "
    "that is no fault; a busy one with a growing line has an archive that stands still.",
    graph(f"max by ({REPO}) (time() - {of('recovery_window_end_timestamp_seconds', repo=True)})", _IN_REPO),
    overrides=(*BY_QUERY, OTHER_REPOS),
    unit="s",
    size=(8, 7),
    empty=NO_LISTING.long,
    legend=(),
)

_skew = timeseries(
    "Clock of the primary",
    "The primary's clock minus the exporter's. More than a few seconds makes every age wrong, and a recovery "
    "to a time misses it: look at NTP on both.",
    graph(f"max by ({STANZA}) ({of('postgresql_clock_skew_seconds')})", "{{stanza}}"),
    overrides=(*BY_QUERY, OTHER_REPOS),
    unit="s",
    size=(8, 7),
    empty=NO_POSTGRESQL.long,
    minimum=None,
    legend=(),
)

BOARD: Final = Board(
    uid="pgbackrest-wal",
    title="pgBackRest / WAL and failover",
    description="Does every change of the database reach the repositories, and did it through the last failover?",
    sections=(
        Section(title="", panels=(_risk, _bytes, _failing, _gap, _dropped, _leader)),
        Section(title="", panels=(_lag, _waiting, _rate, _failures, _gaps)),
        Section(title="", panels=(_timelines, _leaders, _members, _states, _reach, _skew)),
        HEALTH,
    ),
    annotations=(FAILURES,),
    one_stanza=True,
    span="now-24h",
)
