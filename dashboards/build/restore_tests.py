"""Panels of restore tests: what they proved, and what they took."""

from typing import Final

from dashboards.build import colour
from dashboards.build.empty import NO_TEST
from dashboards.build.override import gauge, override, override_regexp
from dashboards.build.panel import TILE, band, stat, table
from dashboards.build.query import REPO, STANZA, least, of, worst
from dashboards.build.target import graph, now, rows
from dashboards.build.transformation import arranged, merged, transformation

_TEST: Final = f"{REPO}, target"
_RESULT: Final = f"{STANZA}, repo, target, result"

NEWEST = stat(
    "Newest restore tests",
    "Failed: the newest test of some stanza, repository or target did not prove the backup. Look at its "
    "checks below, and at the report of the test.",
    now(f"min({least(worst(of('restore_test_success', repo=True), _TEST))})"),
    size=TILE,
    empty=NO_TEST,
    mappings=colour.words((1, "all proven", colour.OK), (0, "one failed", colour.CRITICAL)),
)


def _was(results: str) -> str:
    """Return the tests whose newest result is one of these."""
    found = of("restore_test_last_result", f'result=~"{results}"', repo=True)
    return f"({worst(found, _TEST)} == 1)"


RESULTS = band(
    "Restore tests",
    "The newest result of each stanza, repository and target over time. Not proven: a restore was made and "
    "did not hold what it should – treat that backup as lost until it is understood.",
    graph(
        f"0 * {_was('proven')} or 1 + 0 * {_was('could_not_try|polluted')} or 2 + 0 * {_was('not_proven')}",
        "{{stanza}} repo {{repo}}, {{target}}",
    ),
    size=(8, 8),
    empty=NO_TEST.long,
    mappings=colour.levels("proven", "could not try", "not proven"),
    many=True,
)

_PHASE: Final = f"{_TEST}, phase"
PHASES = table(
    "Where the newest tests spent their time",
    "The phases of the newest tests, the longest first. The longest one is where a faster restore begins: more "
    "processes for the copy, more frequent backups for the replay.",
    rows(f"max by ({_PHASE}) ({of('restore_test_phase_duration_seconds', repo=True)})"),
    size=(8, 8),
    empty=NO_TEST.long,
    overrides=[
        override("Stanza", custom__width=110),
        override_regexp("/^(Phase|Target)$/", custom__width=66),
        gauge("Took", unit="s"),
    ],
    transformations=[
        transformation("sortBy", fields={}, sort=[{"field": "Value", "desc": True}]),
        arranged(
            {"stanza": "Stanza", "target": "Target", "phase": "Phase", "Value": "Took"},
            hidden=("Time", "job", "cluster", "namespace", "repo"),
        ),
    ],
)

CHECKS = table(
    "Checks of the newest tests",
    "What each newest test looked at in the restored database. A failed check names what is wrong with it; a "
    "check that was skipped is not listed.",
    rows(f"max by ({_TEST}, check) ({of('restore_test_check_success', repo=True)})"),
    size=(8, 8),
    empty=NO_TEST.long,
    overrides=[
        override(
            "Result",
            mappings=colour.words((1, "passed", colour.OK), (0, "failed", colour.CRITICAL)),
            custom__displayMode="color-background-solid",
            custom__width=76,
        ),
        override("Repo", custom__width=52),
        override("Target", custom__width=66),
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

TABLE = table(
    "Newest restore test of each stanza, repository and target",
    "What was restored, from which backup, to which moment. Could not try: something outside the backup was "
    "in the way (room, a port, a missing program); its log says what.",
    *(rows(expression) for expression in _TESTS.values()),
    size=(24, 7),
    empty=NO_TEST.long,
    overrides=[
        override_regexp("/^(Run|Last proven|Recovered to)$/", unit="dateTimeAsIso", custom__width=161),
        override("Stanza", custom__minWidth=104),
        override("Took", unit="s", custom__minWidth=86),
        override("Restored", unit="bytes", custom__minWidth=86),
        override("WAL replayed", unit="bytes", custom__width=116),
        override("Backup", custom__width=280),
        override_regexp("/^(Repo|Type)$/", custom__width=54),
        override("Target", custom__width=70),
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
            custom__width=100,
        ),
    ],
    transformations=[
        *merged(),
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
