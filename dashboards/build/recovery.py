"""Room for backups, how far back they reach, and whether restoring them was tried."""

from typing import Final

from dashboards.build import colour, facts, restore_tests
from dashboards.build.board import Board, Section
from dashboards.build.empty import NO_BACKUP, NO_CAPACITY, NO_FULL, NO_LISTING, NO_TEST, Empty
from dashboards.build.health import HEALTH
from dashboards.build.override import NO_LEGEND, SOME_NAMED, override_query, override_regexp
from dashboards.build.panel import DAYS, TILE, judged, stat, timeseries
from dashboards.build.query import REPO, line, of
from dashboards.build.runs import FAILURES
from dashboards.build.target import graph, now
from dashboards.build.watched import watched

_SLOW: Final = (
    400  # points: what changes by the day needs no more, and a month of fifty stanzas is answered sooner
)
_IN_REPO: Final = "{{stanza}} repo {{repo}}"
_FULL: Final = 'backup_type="full"'

_SIZE: Final = f"sum by ({REPO}) (max by ({REPO}, kind) ({of('repo_size_bytes', repo=True)}))"
_FREE: Final = f"max by ({REPO}) ({of('repo_available_bytes', repo=True, shared=True)})"
_CAPACITY: Final = f"({_FREE} + max by ({REPO}) ({of('repo_used_bytes', repo=True, shared=True)}))"
# Bytes a day over a week: expiring makes a saw-tooth, so less would see only its teeth.
_GROWTH: Final = f"86400 * deriv((max by ({REPO}) ({of('repo_used_bytes', repo=True, shared=True)}))[7d:2h])"


def _ratio_of_fulls(when: str = "") -> str:
    stored, read = (of(f"backup_last_{name}_bytes", _FULL, repo=True) for name in ("repo_delta", "delta"))
    return f"max by ({REPO}) ({stored}{when} / ({read}{when} > 0))"


_ORPHANS: Final = f"max by ({REPO}) ({of('repo_orphan_bytes', repo=True)})"

_estimate = judged(
    "Longest time to restore",
    "Size of the newest backups and the WAL since, at the speed that the last restore test measured. Over "
    "recovery_time: more frequent diffs, more processes, a nearer repository.",
    facts.ESTIMATE,
    facts.ESTIMATE_LEVEL,
    size=TILE,
    empty=NO_TEST,
    by=REPO,
    legend=_IN_REPO,
)

_window = judged(
    "Shortest window",
    "From how long ago on any moment can be restored. Below recovery_window: raise the retention, or find "
    "the hole in the WAL (board “WAL and failover”).",
    facts.WINDOW,
    facts.WINDOW_LEVEL,
    size=TILE,
    empty=NO_LISTING,
    by=REPO,
    legend=_IN_REPO,
    lowest=True,
)

_proven = judged(
    "Last proven restore",
    "The last successful restore test, of the stanza where it is the longest ago. Red also where the newest "
    "test did not prove the backup: read its checks below.",
    facts.PROVEN,
    facts.PROVEN_LEVEL,
    size=TILE,
    empty=NO_TEST,
)

_fullest = judged(
    "Fullest repository",
    "Share used of the file system or of the stated capacity, against repo_used. A full repository stops "
    "archiving: expire earlier, or make room.",
    facts.USED,
    facts.USED_LEVEL,
    size=TILE,
    empty=NO_CAPACITY,
    unit="percentunit",
    by=REPO,
    legend=_IN_REPO,
    decimals=0,
)

_days = stat(
    "Time until full",
    "At the growth of the last seven days; nothing is shown of a repository that does not grow. It judges "
    "nothing: the share used does.",
    now(f"bottomk(1, 86400 * {_FREE} / ({_GROWTH} > 0))", _IN_REPO),
    size=TILE,
    empty=Empty("No growth is known", "No repository grows, or no capacity is known."),
    unit="s",
    text="value_and_name",
)

_kinds = timeseries(
    "What lies in the repositories",
    "Backups and WAL of all chosen stanzas, leftovers included. WAL that outgrows the backups: fulls are too "
    "rare, or retention-archive keeps more than a recovery needs. Choose a stanza above to see its own.",
    graph(
        f"sum by (kind, repo) (max by ({REPO}, kind) ({of('repo_size_bytes', repo=True)}))",
        "{{kind}}, repo {{repo}}",
    ),
    unit="bytes",
    size=(12, 8),
    empty=NO_LISTING.long,
    custom={"fillOpacity": 40, "lineWidth": 1, "stacking": {"mode": "normal", "group": "A"}},
    overrides=(
        override_regexp("/^backup/", color=colour.fixed(colour.BLUE)),
        override_regexp("/^archive/", color=colour.fixed(colour.SAND)),
    ),
    legend=("lastNotNull",),
)

_forecast = watched(
    "Used of the capacity, and in 14 days",
    "Dotted: where the last week's growth leads in two weeks. Where it crosses the dashed lines, make room "
    "before it does.",
    facts.USED,
    facts.used_over("warning"),
    facts.used_over("critical"),
    graph(
        f"({facts.USED}) + 14 * ({_GROWTH}) / on ({REPO}) {_CAPACITY}",
        "in 14 days: {{stanza}} {{repo}}",
    ),
    graph(f"min({line('repo_used', 'warning', repo=True, unit='ratio')})", "warning"),
    graph(f"min({line('repo_used', 'critical', repo=True, unit='ratio')})", "critical"),
    named=(_IN_REPO, f"full: {_IN_REPO}", f"too full: {_IN_REPO}"),
    unit="percentunit",
    empty=NO_CAPACITY.long,
    overrides=(
        override_query(
            "D",
            color=colour.fixed(colour.PURPLE),
            custom__hideFrom=NO_LEGEND,
            custom__lineStyle={"fill": "dot", "dash": [0, 6]},
            custom__lineWidth=2,
        ),
    ),
    interval="30m",
    points=_SLOW,
)

_ratio = timeseries(
    "Compression",
    "Bytes that the newest full takes in the repository, as a share of the database. A rise: data that does "
    "not compress, or compression that was switched off. Named are the three that are highest now.",
    graph(_ratio_of_fulls(), _IN_REPO),
    graph(f"{_ratio_of_fulls()} and on ({REPO}) topk(3, {_ratio_of_fulls(' @ end()')})", _IN_REPO),
    unit="percentunit",
    size=(8, 7),
    empty=NO_FULL.long,
    overrides=SOME_NAMED,
    legend=("lastNotNull",),
    points=_SLOW,
)

_kept = timeseries(
    "Backups kept",
    "How many backups of each type the repositories hold. A count that falls to zero is a retention that "
    "eats the last backup; one that only grows is an expire that does not run.",
    graph(
        f"sum by (backup_type, repo) (max by ({REPO}, backup_type) ({of('backups', repo=True)}))",
        "{{backup_type}} repo {{repo}}",
    ),
    unit="short",
    size=(8, 7),
    empty=NO_BACKUP.long,
    overrides=[
        override_regexp(f"/^{name}/", color=colour.fixed(shade)) for name, shade in colour.TYPES.items()
    ],
    legend=(),
    points=_SLOW,
)

_leftovers = timeseries(
    "Left behind",
    "Bytes in backup folders that no list of backups names: aborted backups and failed expires. The next "
    "backup resumes or removes them; if they stay, look at pgBackRest's log. Named is what has any.",
    graph(_ORPHANS, _IN_REPO),
    graph(f"{_ORPHANS} > 0", _IN_REPO),
    unit="bytes",
    size=(8, 7),
    empty=NO_LISTING.long,
    overrides=SOME_NAMED,
    legend=("lastNotNull",),
)

_reach = watched(
    "Recovery window against what is required",
    "How far back any moment can be restored. A fall to near zero is a hole in the WAL or an expire that "
    "took too much; the thresholds are the setting recovery_window.",
    f"{facts.WINDOW} / 86400",
    f"{facts.window_under('warning')} / 86400",
    f"{facts.window_under('critical')} / 86400",
    graph(f"max({line('recovery_window', 'warning', repo=True)}) / 86400", "warning"),
    graph(f"max({line('recovery_window', 'critical', repo=True)}) / 86400", "critical"),
    named=(_IN_REPO, f"short: {_IN_REPO}", f"too short: {_IN_REPO}"),
    unit=DAYS,
    empty=NO_LISTING.long,
)

_objective = watched(
    "Time to restore against the objective",
    "The estimate over time; it climbs with the WAL since the last backup and falls with each new one. The "
    "thresholds are the setting recovery_time.",
    facts.ESTIMATE,
    facts.estimate_over("warning"),
    facts.estimate_over("critical"),
    graph(f"min({line('recovery_time', 'warning', repo=True)})", "warning"),
    graph(f"min({line('recovery_time', 'critical', repo=True)})", "critical"),
    named=(_IN_REPO, f"long: {_IN_REPO}", f"too long: {_IN_REPO}"),
    unit="s",
    empty=NO_TEST.long,
)

BOARD: Final = Board(
    uid="pgbackrest-recovery",
    title="pgBackRest / Storage and recovery",
    description="Is there room, how far back can we go, how long does it take, and was it tried?",
    sections=(
        Section(title="", panels=(_estimate, _window, _proven, restore_tests.NEWEST, _fullest, _days)),
        Section(
            title="",
            panels=(
                _reach,
                _objective,
                restore_tests.RESULTS,
                restore_tests.PHASES,
                restore_tests.CHECKS,
                restore_tests.TABLE,
            ),
        ),
        Section(title="", panels=(_kinds, _forecast, _ratio, _kept, _leftovers)),
        HEALTH,
    ),
    annotations=(FAILURES,),
    span="now-30d",
)
