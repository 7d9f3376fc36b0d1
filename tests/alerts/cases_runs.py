"""Cases of the alerts about runs, past and present."""

from tests.alerts.case import SAME, Case, Expectation
from tests.alerts.world import DAY, INF, Ramp, Timeline, World

_RUN = "stanza=main command=backup backup_type=incr repo=1"
_WORDS = ("start", "end", "failure")
_UNREADABLE = "runs_unreadable_sources"
_PROGRESS = "stanza_progress_done_bytes stanza=main command"


def _running(begun: float, usual: float, ended: float) -> World:
    """Running since then, in seconds; it ends at that minute."""
    end: Timeline = {0: -DAY, ended: 60 * ended}
    return {
        f"run_last_start_timestamp_seconds {_RUN}": {0: begun},
        f"run_last_end_timestamp_seconds {_RUN}": end,
        f"run_last_success_timestamp_seconds {_RUN}": end,
        f"run_last_duration_seconds {_RUN}": {0: usual},
    }


def _failed(command: str, labels: str = "") -> tuple[Case, ...]:
    """Its last run failed at minute 5 and the next succeeds at minute 30, in several ways."""
    alert = {"backup": "BackupFailed", "expire": "ExpireFailed", "verify": "VerifyFailed"}[command]
    place = f"stanza=main command={command}{labels}"
    failure, success = (f"run_last_{word}_timestamp_seconds {place}" for word in ("failure", "success"))
    clears = {9: "", 10: "warning", 29: "warning", 30: ""}
    return (
        Case(
            alert=alert,
            changes={failure: {0: None, 5: 300}, success: {0: -3600, 30: 300}},
            expect=clears,
            ha=SAME,
            pair={9: "", 10: "warning", 29: "warning"},
        ),
        Case(
            alert=alert,
            name="and had never succeeded",
            changes={failure: {0: None, 5: 300}, success: {0: None, 30: 1800}},
            expect=clears,
            ha=SAME,
        ),
        Case(
            alert=alert,
            name="and another host succeeded later",
            changes={failure: {0: None, 5: 300}, f"{success} instance=b": {0: 301}},
            expect={10: "", 29: ""},
        ),
        Case(
            alert=alert,
            name="and another host failed before",
            changes={failure: {0: None, 5: 300}, f"{failure} instance=b": {0: -DAY}},
            expect={9: "", 10: "warning", 29: "warning"},
        ),
    )


def _of_two_hosts(alert: str) -> list[Case]:
    """They take turns: only the newest backup of all counts, and no restore."""
    a_day_ago = _running(-2 * DAY, 1000, 0) | {
        f"run_last_end_timestamp_seconds {_RUN}": {0: 3600 - 2 * DAY},
        f"run_last_failure_timestamp_seconds {_RUN}": {0: -2 * DAY},
    }
    start, end, failure = (f"run_last_{word}_timestamp_seconds {_RUN} instance=b" for word in _WORDS)
    newest: World = {start: {0: -50000}, f"run_last_duration_seconds {_RUN} instance=b": {0: 1000}}
    begun: World = {start: {0: -60}}
    ended: Timeline = {0: -40000}
    killed: Timeline = {0: -50000}
    long_ago: Timeline = {0: -3 * DAY}
    restore, quiet = "stanza=main command=restore", {9: "", 20: ""}
    scenes: list[tuple[str, World, Expectation]] = [
        ("the newest runs", newest | {end: long_ago, failure: long_ago}, {9: "warning", 20: "warning"}),
        ("the newest began just now", newest | begun | {end: {0: -DAY}}, quiet),
        ("the newest has ended", newest | {end: ended, failure: long_ago}, quiet),
        ("the newest was killed", newest | {end: long_ago, failure: killed}, quiet),
        (
            "and a restore takes long",
            {
                f"run_last_start_timestamp_seconds {restore}": {0: -2 * DAY},
                f"run_last_end_timestamp_seconds {restore}": long_ago,
                f"run_last_failure_timestamp_seconds {restore}": long_ago,
                f"run_last_duration_seconds {restore}": {0: 1000},
            },
            quiet,
        ),
    ]
    return [
        Case(alert=alert, name=f"two hosts take turns, {name}", changes=a_day_ago | more, expect=expect)
        for name, more, expect in scenes
    ]


CASES = (
    *_failed("backup", " backup_type=incr repo=1"),
    Case(
        alert="BackupFailed",
        name="a full, and the incr since was good",
        changes={
            "run_last_failure_timestamp_seconds stanza=main command=backup backup_type=full repo=1": {
                0: -40000
            }
        },
        expect={4: "", 5: "warning"},
    ),
    *_failed("expire"),
    *_failed("verify", " repo=1"),
    Case(
        alert="VerifyFailed",
        name="found damage",
        changes={
            "verify_last_ok stanza=main repo=1": {0: 1, 5: 0, 30: 1},
            "verify_last_completion_timestamp_seconds stanza=main repo=1": {0: -3600, 5: 300, 30: 1800},
        },
        expect={9: "", 10: "critical", 29: "critical", 30: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="VerifyFailed",
        name="found damage, which another host found mended later",
        changes={
            "verify_last_ok stanza=main repo=1": {0: 0},
            "verify_last_ok stanza=main repo=1 instance=b": {0: 1},
            "verify_last_completion_timestamp_seconds stanza=main repo=1 instance=b": {0: -60},
        },
        expect={10: ""},
    ),
    Case(
        alert="RunsUnreadable",
        changes={_UNREADABLE: {0: 0, 5: 1, 90: 0}},
        expect={64: "", 65: "warning", 89: "warning", 90: ""},
        ha=SAME,
        pair=SAME,
    ),
    Case(
        alert="RunsUnreadable",
        name="until a rotation is over",
        changes={_UNREADABLE: {0: 0, 5: 1, 64: 0}},
        expect={63: "", 65: "", 80: ""},
    ),
    Case(
        alert="RunsUnreadable",
        name="of three one is left",
        changes={_UNREADABLE: {0: 0, 5: 3, 40: 1}},
        expect={64: "", 65: "warning", 90: "warning"},
    ),
    Case(
        alert="RunsUnreadable",
        name="and the exporter restarts",
        changes={_UNREADABLE: {0: 0, 5: 1}},
        down=(40, 44),
        expect={64: "", 65: "warning"},
        gap=False,
    ),
    Case(
        alert="RunsUnreadable",
        name="then nothing is read any more, which is told by another",
        changes={_UNREADABLE: {0: 0, 5: 1, 70: None}},
        expect={65: "warning", 84: "warning", 85: ""},
        gap=False,
    ),
    Case(
        alert="RunsUnreadable",
        name="by exporters in turns, of one job",
        changes={_UNREADABLE: {0: 1, 40: 0}, f"{_UNREADABLE} instance=b": {0: 0, 40: 1}},
        expect={59: "", 60: "warning", 90: "warning"},
    ),
    Case(
        alert="BackupHanging",
        changes={f"{_PROGRESS}=backup repo=1": {0: Ramp(0, 9), 10: 90, 90: Ramp(90, 9)}},
        expect={69: "", 70: "warning", 89: "warning", 91: ""},
        ha=SAME,
    ),
    Case(
        alert="BackupHanging",
        name="of which another exporter sees progress",
        changes={
            f"{_PROGRESS}=backup repo=1": {0: 90},
            f"{_PROGRESS}=backup repo=1 instance=b": {0: Ramp(0, 9)},
        },
        expect={70: "", 90: ""},
    ),
    Case(
        alert="BackupHanging",
        name="a restore, which is not told how far it is",
        changes={f"{_PROGRESS}=restore": {0: 5}},
        expect={90: ""},
    ),
    Case(
        alert="BackupRunningLong",
        changes=_running(600 - 12 * 3600, 30000, 30),
        expect={10: "", 15: "", 16: "warning", 29: "warning", 30: ""},
        ha=SAME,
    ),
    Case(
        alert="BackupRunningLong",
        name="twice",
        changes=_running(600 - 24 * 3600, 30000, 30),
        expect={10: "warning", 15: "warning", 16: "warning critical", 29: "warning critical", 30: ""},
        ha=SAME,
    ),
    Case(
        alert="BackupRunningLong",
        name="nobody is to be told before somebody is woken",
        changes=_running(600 - 24 * 3600, 30000, 30)
        | {"threshold_seconds stanza=main signal=backup_duration severity=warning": {0: INF}},
        expect={10: "", 15: "", 16: "critical"},
    ),
    Case(
        alert="BackupRunningLong",
        name="the stricter of two thresholds",
        changes=_running(-2 * 3600, 30000, 30)
        | {
            f"threshold_seconds stanza=main signal=backup_duration severity={severity} instance=b": {0: 3600}
            for severity in ("warning", "critical")
        },
        expect={10: "warning critical", 20: "warning critical"},
    ),
    *(case for alert in ("BackupRunningLong", "BackupSlow") for case in _of_two_hosts(alert)),
    Case(
        alert="BackupRunningLong",
        name="ended within its first second, a day ago",
        changes=_running(-DAY, 30000, 30),
        expect={20: ""},
        ha=SAME,
    ),
    *(
        Case(
            alert=alert,
            name="killed without a word",
            changes={
                f"run_last_start_timestamp_seconds {_RUN}": {0: -2 * DAY},
                f"run_last_end_timestamp_seconds {_RUN}": {0: None},
                f"run_last_failure_timestamp_seconds {_RUN}": {0: -2 * DAY},
            },
            expect={20: "", 30: ""},
            ha=SAME,
        )
        for alert in ("BackupRunningLong", "BackupSlow")
    ),
    Case(
        alert="BackupSlow",
        changes=_running(-1500, 700, 30),
        expect={10: "", 15: "", 16: "warning", 29: "warning", 30: ""},
        ha=SAME,
    ),
    Case(
        alert="BackupSlow",
        name="within half an hour that is no matter",
        changes=_running(0, 100, 60),
        expect={30: "", 35: "", 36: "warning", 60: ""},
    ),
    Case(
        alert="BackupSlow",
        name="on the slower of two hosts that is usual",
        changes=_running(0, 100, 60) | {f"run_last_duration_seconds {_RUN} instance=b": {0: 700}},
        expect={36: "", 40: "", 41: "warning", 59: "warning", 60: ""},
    ),
    Case(
        alert="BackupSlow",
        name="days ago they took as long",
        step=60,
        changes=_running(180000, 0, 6000) | {f"run_last_duration_seconds {_RUN}": {0: 9000, 2000: 100}},
        expect={3060: "", 3300: ""},
        gap=False,
    ),
    Case(
        alert="BackupSlow",
        name="ended within its first second",
        changes=_running(-DAY, 100, 30),
        expect={20: ""},
    ),
)
