"""Cases of the alerts about the backups that are there."""

from tests.alerts.case import SAME, Case, Expectation
from tests.alerts.world import DAY, INF, World

_DONE = "backup_last_completion_timestamp_seconds stanza=main"
_INCR, _FULL = f"{_DONE} repo=1 backup_type=incr", f"{_DONE} repo=1 backup_type=full"
_THRESHOLD = "threshold_seconds stanza=main repo=1 signal"


def _no_backup(begin: float, end: float) -> World:
    return {
        _INCR: {0: -3600, begin: None, end: 60 * end},
        _FULL: {0: -90000, begin: None, end: 60 * end},
        "repo_ok stanza=main repo=1": {0: 1, begin: 0, end: 1},
        "repo_status_code stanza=main repo=1": {0: 0, begin: 2, end: 0},
    }


_MISSING: tuple[tuple[str, World, Expectation], ...] = (
    (
        "where there never was one",
        _no_backup(0, 1800) | {_INCR: {0: None}},
        {120: "warning", 1320: "warning", 1440: "warning critical", 1800: ""},
    ),
    (
        "only those of a database before an upgrade, which pgBackRest finds good",
        {_INCR: {0: None}, _FULL: {0: None}},
        {120: "warning", 1440: "warning critical"},
    ),
    (
        "no backups are wanted in this repository",
        _no_backup(0, 1800)
        | {
            f"{_THRESHOLD}={signal} severity={severity}": {0: INF}
            for signal in ("backup", "full_backup")
            for severity in ("warning", "critical")
        },
        {120: "", 1560: ""},
    ),
    (
        "fulls are wanted, other backups not, and nobody is to be woken",
        _no_backup(0, 1800)
        | {
            f"{_THRESHOLD}=backup severity=warning": {0: INF},
            f"{_THRESHOLD}=backup severity=critical": {0: INF},
            f"{_THRESHOLD}=full_backup severity=critical": {0: INF},
        },
        {120: "warning", 1560: "warning"},
    ),
    (
        "nobody is to be told before somebody is woken",
        _no_backup(0, 1800)
        | {
            f"{_THRESHOLD}=backup severity=warning": {0: INF},
            f"{_THRESHOLD}=full_backup severity=warning": {0: INF},
        },
        {120: "", 1560: "critical"},
    ),
    *(
        (
            f"nobody can tell, the repository cannot be read, code {code}",
            _no_backup(0, 1800) | {"repo_status_code stanza=main repo=1": {0: code}},
            {120: "", 1560: ""},
        )
        for code in (1, 3, 99)
    ),
)

CASES = (
    Case(
        alert="BackupMissing",
        step=5,
        changes=_no_backup(30, 150),
        expect={85: "", 105: "warning", 145: "warning", 155: ""},
        ha=SAME,
        pair={105: "", 145: ""},
    ),
    Case(
        alert="BackupMissing",
        name="for a day",
        step=10,
        changes=_no_backup(30, 1600),
        expect={
            90: "",
            110: "warning",
            1470: "warning",
            1490: "warning critical",
            1590: "warning critical",
            1600: "",
        },
        ha=SAME,
        pair={110: "", 1490: ""},
    ),
    *(
        Case(
            alert="BackupMissing",
            name=name,
            step=120,
            changes=changes,
            expect=expect,
            gap=False,
        )
        for name, changes, expect in _MISSING
    ),
    Case(
        alert="BackupOverdue",
        changes={_INCR: {0: -93000, 30: 1700}, _FULL: {0: -200000}},
        expect={10: "", 15: "", 16: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="BackupOverdue",
        name="twice",
        changes={_INCR: {0: -179400, 30: 1700}, _FULL: {0: -200000}},
        expect={10: "warning", 15: "warning", 16: "warning critical", 29: "warning critical", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="BackupOverdue",
        name="switched off",
        changes={
            _INCR: {0: -900000},
            _FULL: {0: -200000},
            f"{_THRESHOLD}=backup severity=warning": {0: INF},
            f"{_THRESHOLD}=backup severity=critical": {0: INF},
        },
        expect={30: ""},
    ),
    Case(
        alert="FullBackupOverdue",
        changes={_FULL: {0: 600 - 8 * DAY, 30: 1700}},
        expect={10: "", 15: "", 16: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="FullBackupOverdue",
        name="twice",
        changes={_FULL: {0: 600 - 15 * DAY, 30: 1700}},
        expect={10: "warning", 15: "warning", 16: "warning critical", 29: "warning critical", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="FullBackupOverdue",
        name="an old incr is no full",
        changes={_INCR: {0: -20 * DAY}},
        expect={30: ""},
    ),
    Case(
        alert="BackupPageErrors",
        changes={
            "backup_last_error stanza=main repo=1 backup_type=full": {0: 0, 5: 1, 30: 0},
            "backup_last_error stanza=main repo=1 backup_type=incr": {0: 0, 5: 1, 30: 0},
            "backups_with_errors stanza=main repo=1": {0: 0, 5: 1, 40: 0},
        },
        expect={9: "", 10: "warning critical", 29: "warning critical", 30: "warning", 39: "warning", 40: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="BackupSizeAnomaly",
        changes={"backup_last_size_bytes stanza=main repo=1 backup_type=full": {0: 1000, 5: 499, 30: 500}},
        expect={19: "", 20: "warning", 29: "warning", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="BackupSizeAnomaly",
        name="until a week later",
        step=60,
        changes={"backup_last_size_bytes stanza=main repo=1 backup_type=full": {0: 1000, 60: 499}},
        expect={120: "warning", 180 * 60: "warning", 196 * 60: ""},
        gap=False,
        other=False,
    ),
    Case(
        alert="BackupSizeAnomaly",
        name="an incr is smaller by nature",
        changes={"backup_last_size_bytes stanza=main repo=1 backup_type=incr": {0: 1000, 5: 1}},
        expect={30: ""},
    ),
    Case(
        alert="BackupWithoutWal",
        name="it is the only one there is",
        changes={
            "backups_without_wal stanza=main repo=1": {0: 1},
            "backups stanza=main repo=1 backup_type=full": {0: 1},
            "backups stanza=main repo=1 backup_type=incr": {0: 0},
        },
        expect={30: "warning critical"},
    ),
    Case(
        alert="BackupWithoutWal",
        changes={"backups_without_wal stanza=main repo=1": {0: 0, 5: 3, 20: 5, 40: 0}},
        expect={9: "", 10: "warning", 24: "warning", 25: "warning critical", 39: "warning critical", 40: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="BackupWithoutWal",
        name="there is no backup",
        changes={
            "backups stanza=main repo=1 backup_type=full": {0: 0},
            "backups stanza=main repo=1 backup_type=incr": {0: 0},
        },
        expect={30: ""},
    ),
)
