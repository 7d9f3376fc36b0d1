"""Cases of the alerts about the WAL archive."""

from tests.alerts.case import SAME, Case
from tests.alerts.world import DAY, INF, Ramp

_LAG = "wal_archive_lag_seconds stanza=main source"
_MISSING = "wal_archive_missing_segments stanza=main repo=1 position"
_NUMBER = "wal_archive_newest_segment_number stanza=main repo"
_REQUIRED = "threshold_seconds stanza=main repo=1 signal=recovery_window"
_WINDOW = "recovery_window_start_timestamp_seconds stanza=main repo"

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
        alert="WalDuplicate",
        changes={"wal_archive_duplicate_segments stanza=main repo=1": {0: 0, 5: 1, 30: 0}},
        expect={9: "", 10: "warning", 29: "warning", 30: ""},
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
)
