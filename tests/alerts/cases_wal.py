"""Cases of the alerts about WAL, storage and restore tests."""

from tests.alerts.case import SAME, Case
from tests.alerts.world import DAY, INF, Ramp, World

_LAG = "wal_archive_lag_seconds stanza=main source"
_TEST = "stanza=main repo=1 target=latest"
_MISSING = "wal_archive_missing_segments stanza=main repo=1 position"
_NUMBER = "wal_archive_newest_segment_number stanza=main repo"
_HISTORY = "wal_archive_newest_history_timeline stanza=main repo"
_TIMELINE = "wal_archive_newest_timeline stanza=main repo"
_REQUIRED = "threshold_seconds stanza=main repo=1 signal=recovery_window"
_WINDOW = "recovery_window_start_timestamp_seconds stanza=main repo"


def _failover(at: float, *, waiting: int, archived: float, history: float | None = None) -> World:
    """Timeline 2 from that minute on; its first segment is archived at another, its history file at yet another."""
    changes: World = {
        "patroni_timeline stanza=main": {0: 1, at: 2},
        "postgresql_timeline stanza=main": {0: 1, at: 2},
        "wal_archive_ready_segments stanza=main": {0: 0, at: waiting, archived: 0},
        f"{_TIMELINE}=1": {0: 1, archived: 2},
        f"{_TIMELINE}=2": {0: 1, archived: 2},
    }
    if history is not None:
        changes |= {f"{_HISTORY}={repo}": {0: 1, history: 2} for repo in (1, 2)}
    return changes


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
        alert="WalArchiveLag",
        changes={f"{_LAG}=postgresql": {0: 0, 5: Ramp(60, 60), 30: 0}},
        expect={
            9: "",
            10: "",
            11: "warning",
            15: "warning",
            16: "warning critical",
            34: "warning critical",
            36: "",
        },
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="WalArchiveLag",
        name="as far as the repository tells",
        changes={f"{_LAG}=postgresql": {0: None}, f"{_LAG}=repository": {0: 0, 5: Ramp(60, 60), 30: 0}},
        expect={10: "", 11: "warning", 16: "warning critical", 36: ""},
    ),
    Case(
        alert="WalArchiveLag",
        name="which the repository of another exporter sees and PostgreSQL does not",
        changes={
            f"{_LAG}=repository instance=b": {0: Ramp(60, 60)},
            "threshold_seconds stanza=main signal=wal_archive_lag severity=warning instance=b": {0: 300},
            "threshold_seconds stanza=main signal=wal_archive_lag severity=critical instance=b": {0: 600},
        },
        expect={30: ""},
        gap=False,
    ),
    Case(
        alert="WalArchiveLag",
        name="of an old primary, which is not asked any more",
        changes={f"{_LAG}=postgresql": {0: 0, 5: Ramp(60, 60), 10: None}},
        expect={10: "", 14: "", 20: ""},
        gap=False,
    ),
    Case(
        alert="WalArchiveFailing",
        changes={"wal_archive_failing stanza=main": {0: 0, 5: 1, 30: 0}},
        expect={9: "", 10: "warning", 34: "warning", 36: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="WalArchiveOff",
        changes={"wal_archive_enabled stanza=main": {0: 1, 5: 0, 30: 1}},
        expect={9: "", 10: "critical", 34: "critical", 36: ""},
        ha=SAME,
        pair={10: ""},
    ),
    Case(
        alert="WalDropped",
        changes={"wal_dropped_segments_total stanza=main": {0: 0, 5: 6}},
        expect={4: "", 6: "critical", 64: "critical", 70: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="WalDropped",
        name="after the exporter began to count anew",
        step=10,
        changes={"wal_dropped_segments_total stanza=main": {0: 7, 130: 0, 150: 1}},
        expect={120: "", 140: "", 160: "critical", 240: ""},
        gap=False,
    ),
    Case(
        alert="WalDropped",
        name="and nothing was counted before",
        changes={"wal_dropped_segments_total stanza=main": {0: None, 5: 1}},
        expect={4: "", 5: "critical", 60: "critical", 70: ""},
    ),
    Case(
        alert="WalDropped",
        name="long ago, by an exporter that was away since yesterday",
        step=10,
        changes={"wal_dropped_segments_total stanza=main": {0: 2, 100: None, 1000: 2}},
        expect={120: "", 1000: "", 1020: ""},
        gap=False,
    ),
    Case(
        alert="WalMissing",
        changes={f"{_MISSING}=newest": {0: 0, 5: 1, 30: 0}, f"{_MISSING}=older": {0: 0, 30: 1, 50: 0}},
        expect={9: "", 10: "warning critical", 29: "warning critical", 30: "warning", 49: "warning", 50: ""},
        ha=SAME,
        pair={10: "warning", 30: "warning", 50: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        changes=_failover(5, waiting=1, archived=30),
        expect={9: "", 10: "critical*2", 34: "critical*2", 36: ""},
        ha=SAME,
    ),
    Case(
        alert="WalDuplicate",
        changes={"wal_archive_duplicate_segments stanza=main repo=1": {0: 0, 5: 1, 30: 0}},
        expect={9: "", 10: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="TimelineNotArchived",
        name="a scrape was missed before the patience was over",
        changes=_failover(5, waiting=1, archived=30),
        down=(7, 8),
        gap=False,
        expect={9: "", 10: "critical*2"},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary was not heard yet, and the old one had archived all",
        changes=_failover(5, waiting=0, archived=30) | {"postgresql_timeline stanza=main": {0: 1, 5: None}},
        expect={9: "", 10: "critical*2"},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the old primary's exporter still tells that it had archived all",
        changes=_failover(5, waiting=1, archived=30)
        | {
            "postgresql_timeline stanza=main instance=b": {0: 1},
            "wal_archive_enabled stanza=main instance=b": {0: 1},
            "wal_archive_ready_segments stanza=main instance=b": {0: 0},
        },
        expect={9: "", 10: "critical*2", 34: "critical*2", 36: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="another exporter has not listed the repositories since",
        changes=_failover(5, waiting=1, archived=8)
        | {f"{_TIMELINE}={repo} instance=b": {0: 1} for repo in (1, 2)}
        | {"wal_archive_enabled stanza=main": {0: None}},
        expect={10: "", 20: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="another exporter has not listed the history files since",
        changes=_failover(5, waiting=1, archived=90, history=8)
        | {f"{_HISTORY}={repo} instance=b": {0: 1} for repo in (1, 2)},
        expect={10: "", 20: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary is idle, and the old one's exporter tells the past",
        changes=_failover(5, waiting=0, archived=90)
        | {
            "postgresql_timeline stanza=main instance=b": {0: 1},
            "wal_archive_enabled stanza=main instance=b": {0: 0},
        },
        expect={10: "", 20: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the second failover within half an hour, and another exporter has not seen the first",
        changes=_failover(5, waiting=0, archived=100, history=8)
        | {f"{_HISTORY}={repo} instance=b": {0: 1} for repo in (1, 2)}
        | {f"{name}_timeline stanza=main": {0: 1, 5: 2, 20: 3} for name in ("patroni", "postgresql")},
        expect={30: "", 48: "", 60: "critical*2"},
        gap=False,
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary says all is archived, and a scrape was missed before the patience was over",
        changes=_failover(5, waiting=0, archived=60, history=60),
        down=(37, 38),
        gap=False,
        expect={39: "", 40: "critical*2"},
    ),
    Case(
        alert="TimelineNotArchived",
        name="only one repository follows, without a word from PostgreSQL",
        changes=_failover(5, waiting=1, archived=8)
        | {
            f"{_TIMELINE}=2": {0: 1, 30: 2},
            "postgresql_timeline stanza=main": {0: None},
            "wal_archive_ready_segments stanza=main": {0: None},
            "wal_archive_enabled stanza=main": {0: None},
        },
        expect={9: "", 10: "critical", 34: "critical", 36: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="archiving is off on the new primary, which Patroni does not know",
        changes=_failover(5, waiting=0, archived=30)
        | {"wal_archive_enabled stanza=main": {0: 1, 5: 0, 30: 1}, "patroni_timeline stanza=main": {0: None}},
        expect={9: "", 10: "critical*2 WalArchiveOff/critical", 36: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary is idle, its history file is archived",
        changes=_failover(5, waiting=0, archived=90, history=30),
        expect={10: "", 40: "", 50: ""},
        ha=SAME,
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary is idle, and nobody lists the repository",
        changes=_failover(5, waiting=0, archived=90),
        expect={10: "", 40: "", 50: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary says all is archived, and nothing has arrived",
        changes=_failover(5, waiting=0, archived=48, history=48),
        expect={10: "", 39: "", 40: "critical*2", 47: "critical*2", 54: ""},
    ),
    Case(
        alert="TimelineNotArchived",
        name="the new primary has a busy archiver, its history file is archived",
        changes=_failover(5, waiting=1, archived=90, history=8),
        expect={10: "", 40: "", 50: ""},
    ),
    Case(
        alert="TimelineStray",
        changes={f"{_TIMELINE}=1": {0: 1, 5: 2, 30: 1}},
        expect={14: "", 15: "critical", 29: "critical", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="TimelineStray",
        name="of which only the history file is there, and PostgreSQL alone is asked",
        changes={"patroni_timeline stanza=main": {0: None}, f"{_HISTORY}=1": {0: None, 5: 2, 30: None}},
        expect={14: "", 15: "critical", 29: "critical", 50: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="TimelineStray",
        name="of which another exporter has not seen the history file",
        changes={f"{_HISTORY}=1": {0: 2}, f"{_HISTORY}=1 instance=b": {0: 1}},
        expect={9: "", 10: "critical", 30: "critical"},
    ),
    Case(
        alert="TimelineStray",
        name="and Patroni alone is asked",
        changes={"postgresql_timeline stanza=main": {0: None}, f"{_TIMELINE}=1": {0: 1, 5: 2, 30: 1}},
        expect={14: "", 15: "critical", 29: "critical", 30: ""},
    ),
    *(
        Case(
            alert="TimelineStray",
            name=f"it is the primary's own, and another exporter has not heard of it from {source}",
            changes=_failover(5, waiting=0, archived=8, history=6)
            | {"patroni_timeline stanza=main": {0: None}}
            | {f"{source}_timeline stanza=main": {0: 2}, f"{source}_timeline stanza=main instance=b": {0: 1}},
            expect={15: "", 20: ""},
        )
        for source in ("patroni", "postgresql")
    ),
    Case(
        alert="TimelineStray",
        name="it is the primary's own",
        changes=_failover(5, waiting=0, archived=8, history=6),
        expect={15: "", 20: ""},
    ),
    Case(
        alert="ClusterNoLeader",
        changes={"patroni_has_leader stanza=main": {0: 1, 5: 0, 30: 1}},
        expect={9: "", 10: "warning", 34: "warning", 36: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="ReposDiverge",
        name="scrapes were missed half an hour ago",
        changes={
            f"{_NUMBER}=1": {0: Ramp(100, 1), 10: None, 12: Ramp(112, 1)},
            f"{_NUMBER}=2": {0: Ramp(100, 1), 5: 105},
        },
        expect={50: "", 51: "warning"},
        gap=False,
    ),
    Case(
        alert="ReposDiverge",
        changes={
            f"{_NUMBER}=1": {0: Ramp(100, 1)},
            f"{_NUMBER}=2": {0: Ramp(100, 1), 5: 105, 80: Ramp(180, 1)},
        },
        expect={50: "", 51: "warning", 79: "warning", 81: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="ReposDiverge",
        name="both stepped back after a restore",
        changes={f"{_NUMBER}={repo}": {0: Ramp(100, 1), 60: Ramp(90, 1)} for repo in (1, 2)},
        expect={80: "", 100: ""},
        ha=SAME,
    ),
    Case(
        alert="ReposDiverge",
        name="one is always a little behind",
        changes={f"{_NUMBER}=2": {0: Ramp(80, 1)}},
        expect={80: "", 100: ""},
    ),
    Case(
        alert="RecoveryWindowShort",
        changes={f"{_WINDOW}=1": {0: -9 * DAY, 5: -6 * DAY, 30: 1800 - 7 * DAY}},
        expect={14: "", 15: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="RecoveryWindowShort",
        name="by far",
        changes={f"{_WINDOW}=1": {0: -9 * DAY, 5: -2 * DAY, 30: 1800 - 3 * DAY}},
        expect={14: "", 15: "warning critical", 29: "warning critical", 30: "warning"},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="RecoveryWindowShort",
        name="there is none at all, also where none is required",
        changes={f"{_WINDOW}=1": {0: -9 * DAY, 5: None, 50: -9 * DAY}, f"{_WINDOW}=2": {0: None}},
        expect={29: "", 30: "warning critical", 49: "warning critical", 50: ""},
        ha=SAME,
    ),
    Case(
        alert="RecoveryWindowShort",
        name="there is none at all, and nobody is to be told before somebody is woken",
        changes={f"{_WINDOW}=1": {0: None}, f"{_REQUIRED} severity=warning": {0: INF}},
        expect={9: "", 10: "critical"},
    ),
    Case(
        alert="RecoveryWindowShort",
        name="there is none at all, but nobody is to be woken",
        changes={f"{_WINDOW}=1": {0: None}, f"{_REQUIRED} severity=critical": {0: INF}},
        expect={9: "", 10: "warning", 30: "warning"},
    ),
    Case(
        alert="RecoveryWindowShort",
        name="another exporter sees none at all",
        changes={
            f"{_WINDOW}=1": {0: -2 * DAY},
            f"{_MISSING}=newest instance=b": {0: 0},
            f"{_REQUIRED} severity=warning instance=b": {0: 7 * DAY},
            f"{_REQUIRED} severity=critical instance=b": {0: 3 * DAY},
        },
        expect={9: "", 10: "warning critical", 30: "warning critical"},
    ),
    Case(
        alert="RecoveryWindowShort",
        name="not longer",
        changes={f"{_WINDOW}=1": {0: 600 - 7 * DAY}},
        expect={9: "", 10: "", 20: ""},
        gap=False,
    ),
    Case(
        alert="RecoveryWindowShort",
        name="WAL was never looked at",
        changes={
            f"{_WINDOW}=1": {0: None},
            f"{_MISSING}=newest": {0: None},
            f"{_MISSING}=older": {0: None},
        },
        expect={40: ""},
    ),
    Case(
        alert="RepoSpaceLow",
        changes={
            "repo_used_bytes repo=1": {0: 700, 5: 801, 20: 901, 40: 700},
            "repo_available_bytes repo=1": {0: 300, 5: 199, 20: 99, 40: 300},
        },
        expect={14: "", 15: "warning", 29: "warning", 30: "warning critical", 39: "warning critical", 40: ""},
        ha=SAME,
        pair=SAME,
    ),
    *(
        Case(
            alert="RepoSpaceLow",
            name=f"exactly at {used / 10:g} %",
            changes={
                "repo_used_bytes repo=1": {0: used},
                "repo_available_bytes repo=1": {0: 1000 - used},
            },
            expect={30: fires},
        )
        for used, fires in ((800, ""), (900, "warning"))
    ),
    Case(
        alert="RepoSpaceTrend",
        step=10,
        changes={"repo_available_bytes repo=1": {0: Ramp(300, -0.06), 200: 288}},
        expect={60: "", 70: "warning", 120: "warning", 900: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="RepoSpaceTrend",
        name="there is room enough, or it would take longer",
        step=10,
        changes={"repo_used_bytes repo=1": {0: 400}, "repo_available_bytes repo=1": {0: Ramp(300, -0.06)}},
        expect={100: ""},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="not by far",
        step=10,
        changes={"repo_used_bytes repo=1": {0: 640}, "repo_available_bytes repo=1": {0: Ramp(360, -0.1)}},
        expect={60: "", 70: "warning", 100: "warning"},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="exactly at 60 %",
        step=10,
        changes={
            "repo_used_bytes repo=1": {0: 600},
            "repo_available_bytes repo=1": {0: Ramp(460, -0.6), 100: 400},
        },
        expect={100: "", 180: ""},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="it is full already, see RepoSpaceLow",
        step=10,
        changes={"repo_used_bytes repo=1": {0: 1000}, "repo_available_bytes repo=1": {0: 0}},
        expect={100: ""},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="it would take more than four days",
        step=10,
        changes={"repo_available_bytes repo=1": {0: Ramp(300, -0.05)}},
        expect={100: ""},
    ),
    Case(
        alert="RepoSpaceTrend",
        name="days ago it was worse",
        step=60,
        changes={"repo_available_bytes repo=1": {0: 900, 2040: 300}},
        expect={6000: "warning"},
        gap=False,
        other=False,
    ),
    Case(
        alert="RepoInodesLow",
        changes={
            "repo_inodes_used repo=1": {0: 500, 5: 801, 20: 901, 40: 500},
            "repo_inodes_available repo=1": {0: 500, 5: 199, 20: 99, 40: 500},
        },
        expect={14: "", 15: "warning", 29: "warning", 30: "warning critical", 39: "warning critical", 40: ""},
        ha=SAME,
        pair=SAME,
    ),
    *(
        Case(
            alert="RepoInodesLow",
            name=f"exactly at {used / 10:g} %",
            changes={
                "repo_inodes_used repo=1": {0: used},
                "repo_inodes_available repo=1": {0: 1000 - used},
            },
            expect={30: fires},
        )
        for used, fires in ((800, ""), (900, "warning"))
    ),
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
