"""Room for backups, how far back they reach, and whether restoring them was tried."""

from typing import Final

from dashboards.build import colour, facts
from dashboards.build.board import Board, Section
from dashboards.build.health import HEALTH
from dashboards.build.panel import (
    DAYS,
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
from dashboards.build.query import REPO, STANZA, least, line, of, worst
from dashboards.build.stanza import FAILURES

_TILE: Final = (4, 5)
_IN_REPO: Final = "{{stanza}} repo {{repo}}"
_FULL: Final = 'backup_type="full"'
_NO_LISTING: Final = "The repository is not listed: see `repository` in the settings."
_NO_CAPACITY: Final = "No capacity is known: state repository.capacity in the settings."
_NO_TEST: Final = "No restore test has run: schedule `pgbackrest-exporter restore-test`."
_TEST: Final = f"{REPO}, target"
_RESULT: Final = f"{STANZA}, repo, target, result"

_SIZE: Final = f"sum by ({REPO}) (max by ({REPO}, kind) ({of('repo_size_bytes', repo=True)}))"
_FREE: Final = f"max by ({REPO}) ({of('repo_available_bytes', repo=True, shared=True)})"
_CAPACITY: Final = f"({_FREE} + max by ({REPO}) ({of('repo_used_bytes', repo=True, shared=True)}))"
# Bytes a day over a week: expiring makes a saw-tooth, so less would see only its teeth.
_GROWTH: Final = f"86400 * deriv((max by ({REPO}) ({of('repo_used_bytes', repo=True, shared=True)}))[7d:1h])"

_estimate = judged(
    "Longest time to restore",
    "Size of the newest backups and the WAL since, at the speed that the last restore test measured. Over "
    "recovery_time: more frequent diffs, more processes, a nearer repository.",
    facts.ESTIMATE,
    facts.ESTIMATE_LEVEL,
    size=_TILE,
    empty=_NO_TEST,
    by=REPO,
    legend=_IN_REPO,
)

_window = judged(
    "Shortest recovery window",
    "From how long ago on any moment can be restored. Below recovery_window: raise the retention, or find "
    "the hole in the WAL (board “WAL and failover”).",
    facts.WINDOW,
    facts.WINDOW_LEVEL,
    size=_TILE,
    empty=_NO_LISTING,
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
    size=_TILE,
    empty=_NO_TEST,
)

_tested = stat(
    "Newest restore tests",
    "Failed: the newest test of some stanza, repository or target did not prove the backup. Look at its "
    "checks below, and at the report of the test.",
    now(f"min({least(worst(of('restore_test_success', repo=True), _TEST))})"),
    size=_TILE,
    empty=_NO_TEST,
    mappings=colour.words((1, "all proven", colour.OK), (0, "one failed", colour.CRITICAL)),
)

_fullest = judged(
    "Fullest repository",
    "Share used of the file system or of the stated capacity, against repo_used. A full repository stops "
    "archiving: expire earlier, or make room.",
    facts.USED,
    facts.USED_LEVEL,
    size=_TILE,
    empty=_NO_CAPACITY,
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
    size=_TILE,
    empty="No repository grows, or no capacity is known.",
    unit="s",
    text="value_and_name",
)

_kinds = timeseries(
    "What lies in the repositories",
    "Backups and WAL, leftovers included. WAL that outgrows the backups: fulls are too rare, or "
    "retention-archive keeps more than a recovery needs.",
    graph(
        f"max by ({REPO}, kind) ({of('repo_size_bytes', repo=True)})", "{{stanza}} {{kind}}, repo {{repo}}"
    ),
    unit="bytes",
    size=(12, 8),
    empty=_NO_LISTING,
    custom={"fillOpacity": 40, "lineWidth": 1, "stacking": {"mode": "normal", "group": "A"}},
    aside=True,
)

_forecast = timeseries(
    "Used of the capacity, and in 14 days",
    "Dotted: where the last week's growth leads in two weeks. Where it crosses the dashed lines, make room "
    "before it does.",
    graph(facts.USED, _IN_REPO),
    graph(
        f"({facts.USED}) + 14 * ({_GROWTH}) / on ({REPO}) {_CAPACITY}",
        "in 14 days: {{stanza}} {{repo}}",
    ),
    graph(f"min({line('repo_used', 'warning', repo=True, unit='ratio')})", "warning"),
    graph(f"min({line('repo_used', 'critical', repo=True, unit='ratio')})", "critical"),
    unit="percentunit",
    size=(12, 8),
    empty=_NO_CAPACITY,
    overrides=(
        override_regexp("/^in 14 days/", custom__lineStyle={"fill": "dot", "dash": [0, 8]}),
        *THRESHOLDS,
    ),
    aside=True,
    interval="30m",
)

_ratio = timeseries(
    "Compression",
    "Bytes that the newest full takes in the repository, as a share of the database. A rise: data that does "
    "not compress, or compression that was switched off.",
    graph(
        f"max by ({REPO}) ({of('backup_last_repo_delta_bytes', _FULL, repo=True)}"
        f" / ({of('backup_last_delta_bytes', _FULL, repo=True)} > 0))",
        _IN_REPO,
    ),
    unit="percentunit",
    size=(8, 7),
    empty="No full backup: run `pgbackrest backup --type=full`.",
    legend=(),
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
    empty="No backup: run `pgbackrest backup --type=full`.",
    overrides=[
        override_regexp(f"/^{name}/", color=colour.fixed(shade)) for name, shade in colour.TYPES.items()
    ],
    legend=(),
)

_leftovers = timeseries(
    "Left behind",
    "Bytes in backup folders that no list of backups names: aborted backups and failed expires. The next "
    "backup resumes or removes them; if they stay, look at pgBackRest's log.",
    graph(f"max by ({REPO}) ({of('repo_orphan_bytes', repo=True)})", _IN_REPO),
    unit="bytes",
    size=(8, 7),
    empty=_NO_LISTING,
    legend=(),
)

_reach = timeseries(
    "Recovery window against what is required",
    "How far back any moment can be restored. A fall to near zero is a hole in the WAL or an expire that "
    "took too much; dashed is what the setting recovery_window requires.",
    graph(f"{facts.WINDOW} / 86400", _IN_REPO),
    graph(f"max({line('recovery_window', 'warning', repo=True)}) / 86400", "warning"),
    graph(f"max({line('recovery_window', 'critical', repo=True)}) / 86400", "critical"),
    unit=DAYS,
    size=(12, 8),
    empty=_NO_LISTING,
    overrides=THRESHOLDS,
    aside=True,
)

_objective = timeseries(
    "Time to restore against the objective",
    "The estimate over time; dashed is the setting recovery_time. It climbs with the WAL since the last "
    "backup and falls with each new one.",
    graph(facts.ESTIMATE, _IN_REPO),
    graph(f"min({line('recovery_time', 'warning', repo=True)})", "warning"),
    graph(f"min({line('recovery_time', 'critical', repo=True)})", "critical"),
    unit="s",
    size=(12, 8),
    empty=_NO_TEST,
    overrides=THRESHOLDS,
    aside=True,
)


def _was(results: str) -> str:
    """Return the tests whose newest result is one of these."""
    found = of("restore_test_last_result", f'result=~"{results}"', repo=True)
    return f"({worst(found, _TEST)} == 1)"


_results = band(
    "Restore tests",
    "The newest result of each stanza, repository and target over time. Not proven: a restore was made and "
    "did not hold what it should – treat that backup as lost until it is understood.",
    graph(
        f"0 * {_was('proven')} or 1 + 0 * {_was('could_not_try|polluted')} or 2 + 0 * {_was('not_proven')}",
        "{{stanza}} repo {{repo}}, {{target}}",
    ),
    size=(8, 8),
    empty=_NO_TEST,
    mappings=colour.levels("proven", "could not try", "not proven"),
)

_PHASE: Final = f"{_TEST}, phase"
_phases = bars(
    "Where the newest tests spent their time",
    "The longest phases of the newest tests. The longest one is where a faster restore begins: more "
    "processes for the copy, more frequent backups for the replay.",
    now(
        f"sort_desc(topk(8, max by ({_PHASE}) ({of('restore_test_phase_duration_seconds', repo=True)})))",
        "{{stanza}} {{phase}}",
    ),
    unit="s",
    top=None,
    size=(8, 8),
    empty=_NO_TEST,
)

_checks = table(
    "Checks of the newest tests",
    "What each newest test looked at in the restored database. A failed check names what is wrong with it; a "
    "check that was skipped is not listed.",
    rows(f"max by ({_TEST}, check) ({of('restore_test_check_success', repo=True)})"),
    size=(8, 8),
    empty=_NO_TEST,
    overrides=[
        override(
            "Result",
            mappings=colour.words((1, "passed", colour.OK), (0, "failed", colour.CRITICAL)),
            custom__displayMode="color-background-solid",
            custom__width=80,
        ),
        override("Repo", custom__width=60),
    ],
    transformations=[
        transformation("sortBy", fields={}, sort=[{"field": "Value", "desc": False}]),
        arranged(
            {"stanza": "Stanza", "repo": "Repo", "target": "Target", "check": "Check", "Value": "Result"},
            hidden=("Time", "job", "cluster", "namespace"),
        ),
    ],
)

_TESTS: Final = {
    "result": worst(of("restore_test_last_result", repo=True), _RESULT) + " == 1",
    "run": worst(of("restore_test_last_run_timestamp_seconds", repo=True), _TEST) + " * 1000",
    "proven": worst(of("restore_test_last_success_timestamp_seconds", repo=True), _TEST) + " * 1000",
    "took": worst(of("restore_test_duration_seconds", repo=True), _TEST),
    "restored": worst(of("restore_test_restored_bytes", repo=True), _TEST),
    "replayed": worst(of("restore_test_replayed_wal_bytes", repo=True), _TEST),
    "to": worst(of("restore_test_recovered_to_timestamp_seconds", repo=True), _TEST) + " * 1000",
    "backup": worst(of("restore_test_info", repo=True), f"{_TEST}, backup, backup_type"),
}

_tests = table(
    "Newest restore test of each stanza, repository and target",
    "What was restored, from which backup, to which moment. Could not try: something outside the backup was "
    "in the way (room, a port, a missing program); its log says what.",
    *(rows(expression) for expression in _TESTS.values()),
    size=(24, 7),
    empty=_NO_TEST,
    overrides=[
        override_regexp("/^(Run|Last proven|Recovered to)$/", unit="dateTimeAsIso", custom__width=165),
        override("Took", unit="s"),
        override_regexp("/^(Restored|WAL replayed)$/", unit="bytes"),
        override("Backup", custom__width=280),
        override_regexp("/^(Repo|Type|Target)$/", custom__width=70),
        override("Last proven", noValue="never"),
        override(
            "Result",
            mappings=[
                {
                    "type": "value",
                    "options": {
                        "proven": {"text": "proven", "color": colour.OK, "index": 0},
                        "could_not_try": {"text": "could not try", "color": colour.WARNING, "index": 1},
                        "polluted": {"text": "polluted", "color": colour.WARNING, "index": 2},
                        "not_proven": {"text": "not proven", "color": colour.CRITICAL, "index": 3},
                    },
                }
            ],
            custom__displayMode="color-background-solid",
        ),
    ],
    transformations=[
        transformation("merge"),
        arranged(
            {
                "stanza": "Stanza",
                "repo": "Repo",
                "target": "Target",
                "result": "Result",
                "Value #B": "Run",
                "Value #C": "Last proven",
                "Value #D": "Took",
                "Value #E": "Restored",
                "Value #F": "WAL replayed",
                "Value #G": "Recovered to",
                "backup": "Backup",
                "backup_type": "Type",
            },
            hidden=("Time", "job", "cluster", "namespace", "Value #A", "Value #H"),
        ),
    ],
)

BOARD: Final = Board(
    uid="pgbackrest-recovery",
    title="pgBackRest / Storage and recovery",
    description="Is there room, how far back can we go, how long does it take, and was it tried?",
    sections=(
        Section(title="", panels=(_estimate, _window, _proven, _tested, _fullest, _days)),
        Section(title="", panels=(_reach, _objective, _results, _phases, _checks, _tests)),
        Section(title="", panels=(_kinds, _forecast, _ratio, _kept, _leftovers)),
        HEALTH,
    ),
    annotations=(FAILURES,),
    span="now-30d",
)
