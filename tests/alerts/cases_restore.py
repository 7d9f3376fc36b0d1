"""Cases of the alerts about restore tests."""

from tests.alerts.case import SAME, Case
from tests.alerts.world import DAY, INF, World

_TEST = "stanza=main repo=1 target=latest"


def _ran(result: str, word: str = "failure") -> World:
    """A restore test at minute 5 with that result, and a good one at minute 30."""
    other = f"restore_test_last_result {_TEST} result={result}"
    changes: World = {
        f"restore_test_last_run_timestamp_seconds {_TEST}": {0: -DAY, 5: 300, 30: 1800},
        f"restore_test_last_result {_TEST} result=proven": {0: 1, 5: None, 30: 1},
        f"restore_test_last_success_timestamp_seconds {_TEST}": {0: -DAY, 30: 300},
        other: {0: None, 5: 1, 30: 0},
    }
    if word:
        changes[f"restore_test_last_{word}_timestamp_seconds {_TEST}"] = {0: None, 5: 300}
    return changes


CASES = (
    Case(
        alert="RestoreTestFailed",
        changes=_ran("not_proven"),
        expect={4: "", 5: "critical", 29: "critical", 30: ""},
        ha=SAME,
        pair={5: "critical", 29: "critical"},
    ),
    Case(
        alert="RestoreTestFailed",
        name="and none ever succeeded",
        changes=_ran("not_proven")
        | {f"restore_test_last_success_timestamp_seconds {_TEST}": {0: None, 30: 1800}},
        expect={4: "", 5: "critical", 29: "critical", 30: "RestoreTestPassed/info"},
    ),
    Case(
        alert="RestoreTestFailed",
        name="and another host's later one passed",
        changes={
            f"restore_test_last_failure_timestamp_seconds {_TEST}": {0: -7200},
            f"restore_test_last_success_timestamp_seconds {_TEST} instance=b": {0: -3600},
        },
        expect={20: ""},
    ),
    Case(
        alert="RestoreTestFailed",
        name="and another host's earlier one as well",
        changes={
            f"restore_test_last_failure_timestamp_seconds {_TEST}": {0: -3600},
            f"restore_test_last_failure_timestamp_seconds {_TEST} instance=b": {0: -2 * DAY},
        },
        expect={0: "critical", 20: "critical"},
    ),
    Case(
        alert="RestoreTestPolluted",
        changes=_ran("polluted", ""),
        expect={4: "", 5: "critical", 29: "critical", 30: ""},
        ha=SAME,
        pair={5: "critical", 29: "critical"},
    ),
    Case(
        alert="RestoreTestPolluted",
        name="and another host's later test did not",
        changes=_ran("polluted", "")
        | {
            f"restore_test_last_run_timestamp_seconds {_TEST} instance=b": {0: 301},
            f"restore_test_last_result {_TEST} result=proven instance=b": {0: 1},
        },
        expect={5: "", 29: ""},
    ),
    Case(
        alert="RestoreTestNotTried",
        changes=_ran("could_not_try", ""),
        expect={4: "", 5: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair={5: "warning", 29: "warning"},
    ),
    Case(
        alert="RestoreTestNotTried",
        name="and another host could, later",
        changes=_ran("could_not_try", "")
        | {
            f"restore_test_last_run_timestamp_seconds {_TEST} instance=b": {0: 301},
            f"restore_test_last_result {_TEST} result=proven instance=b": {0: 1},
        },
        expect={5: "", 29: ""},
    ),
    Case(
        alert="RestoreTestNotTried",
        name="and the next one, of another repository, could",
        changes=_ran("could_not_try", "")
        | {
            "restore_test_last_run_timestamp_seconds stanza=main repo=2 target=time": {0: -DAY, 10: 600},
            "restore_test_last_result stanza=main repo=2 target=time result=proven": {0: 1},
        },
        expect={5: "warning", 9: "warning", 10: ""},
    ),
    Case(
        alert="RestoreTestOverdue",
        changes={
            f"restore_test_last_success_timestamp_seconds {_TEST}": {0: 600 - 8 * DAY, 30: 300},
            f"restore_test_last_failure_timestamp_seconds {_TEST}": {0: None},
        },
        expect={10: "", 15: "", 16: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair={16: ""},
    ),
    Case(
        alert="RestoreTestOverdue",
        name="nobody is to be told, and nobody is ever woken",
        changes={
            f"restore_test_last_success_timestamp_seconds {_TEST}": {0: -20 * DAY},
            "threshold_seconds stanza=main signal=restore_test severity=warning": {0: INF},
        },
        expect={20: "", 30: ""},
    ),
    Case(
        alert="RestoreTestOverdue",
        name="another target and repository were restored since",
        changes={
            f"restore_test_last_success_timestamp_seconds {_TEST}": {0: -20 * DAY},
            "restore_test_last_success_timestamp_seconds stanza=main repo=2 target=time": {0: -DAY},
        },
        expect={30: ""},
    ),
    Case(
        alert="RestoreTestOverdue",
        name="the stricter of two thresholds",
        changes={
            f"restore_test_last_success_timestamp_seconds {_TEST}": {0: -2 * DAY},
            "threshold_seconds stanza=main signal=restore_test severity=warning instance=b": {0: DAY},
        },
        expect={30: "warning"},
    ),
    Case(
        alert="RestoreTestNeverRun",
        step=10,
        changes={
            f"restore_test_last_run_timestamp_seconds {_TEST}": {0: None, 1600: 120000},
            f"restore_test_last_success_timestamp_seconds {_TEST}": {0: None, 1600: 90000},
            f"restore_test_last_failure_timestamp_seconds {_TEST}": {0: None},
        },
        expect={1430: "", 1440: "warning", 1590: "warning", 1600: ""},
        ha=SAME,
        pair={1440: ""},
    ),
    Case(
        alert="RestoreTestNeverRun",
        name="none is wanted",
        step=60,
        changes={
            f"restore_test_last_run_timestamp_seconds {_TEST}": {0: None},
            f"restore_test_last_success_timestamp_seconds {_TEST}": {0: None},
            "threshold_seconds stanza=main signal=restore_test severity=warning": {0: INF},
        },
        expect={1500: ""},
        other=False,
    ),
    Case(
        alert="RecoveryTimeLong",
        changes={
            "recovery_time_estimate_seconds stanza=main repo=1": {
                0: 3600,
                5: 3601,
                50: 7201,
                80: 3600,
            }
        },
        expect={19: "", 20: "warning", 79: "warning", 80: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="RestoreTestPassed",
        changes={f"restore_test_last_success_timestamp_seconds {_TEST}": {0: -DAY, 5: 300}},
        expect={4: "", 5: "info", 19: "info", 20: ""},
        ha=SAME,
        pair=SAME,
    ),
)
