"""A healthy world as series: one exporter, a stanza in two repositories; time begins at 0 and the past is negative."""

from dataclasses import dataclass

DAY = 86400.0
INF = float("inf")


@dataclass(frozen=True, slots=True)
class Ramp:
    """A value that grows by so much a minute."""

    start: float
    per_minute: float


Value = float | Ramp | None
Timeline = dict[float, Value]
"""From which minute on which value; None: no sample."""

World = dict[str, Timeline]
"""Series, written `name label=value …` without the prefix `pgbackrest_`, and how they go."""

THRESHOLDS = {
    "backup repo=1": (26 * 3600, 50 * 3600),
    "backup repo=2": (26 * 3600, 50 * 3600),
    "full_backup repo=1": (8 * DAY, 15 * DAY),
    "full_backup repo=2": (8 * DAY, 15 * DAY),
    "recovery_window repo=1": (7 * DAY, 3 * DAY),
    "recovery_window repo=2": (INF, INF),
    "recovery_time repo=1": (3600, 7200),
    "recovery_time repo=2": (INF, INF),
    "backup_duration": (12 * 3600, 24 * 3600),
    "wal_archive_lag": (300, 600),
    "restore_test": (8 * DAY, 15 * DAY),
}

_HEALTHY = """
up 1
exporter_build_info version=1 python_version=3 1
exporter_config_reload_success 1
exporter_collector_success collector=info 1
exporter_collector_success collector=archiver stanza=main 1
stanza_expected stanza=main 1
stanza_ok stanza=main 1
stanza_status_code stanza=main 0
stanza_stopped stanza=main 0
repo_ok stanza=main repo=1 1
repo_ok stanza=main repo=2 1
repo_status_code stanza=main repo=1 0
repo_status_code stanza=main repo=2 0
database_info stanza=main repo=1 database_id=1 pg_version=15 system_id=7001 state=current 1
database_info stanza=main repo=2 database_id=2 pg_version=15 system_id=7001 state=current 1
backup_last_completion_timestamp_seconds stanza=main repo=1 backup_type=full -90000
backup_last_error stanza=main repo=1 backup_type=full 0
backup_last_error stanza=main repo=1 backup_type=incr 0
backup_last_size_bytes stanza=main repo=1 backup_type=full 1000
backup_last_size_bytes stanza=main repo=2 backup_type=full 1000
backups stanza=main repo=1 backup_type=full 2
backups stanza=main repo=1 backup_type=incr 3
backups stanza=main repo=2 backup_type=full 2
backups_with_errors stanza=main repo=1 0
backups_with_errors stanza=main repo=2 0
run_last_start_timestamp_seconds stanza=main command=backup backup_type=incr repo=1 -4200
run_last_end_timestamp_seconds stanza=main command=backup backup_type=incr repo=1 -3600
run_last_success_timestamp_seconds stanza=main command=backup backup_type=incr repo=1 -3600
run_last_duration_seconds stanza=main command=backup backup_type=incr repo=1 600
run_last_start_timestamp_seconds stanza=main command=backup backup_type=full repo=1 -93600
run_last_end_timestamp_seconds stanza=main command=backup backup_type=full repo=1 -90000
run_last_success_timestamp_seconds stanza=main command=backup backup_type=full repo=1 -90000
run_last_failure_timestamp_seconds stanza=main command=backup backup_type=full repo=1 -180000
run_last_duration_seconds stanza=main command=backup backup_type=full repo=1 3600
run_last_start_timestamp_seconds stanza=main command=restore -7200
run_last_end_timestamp_seconds stanza=main command=restore -99000
run_last_failure_timestamp_seconds stanza=main command=restore -7000
run_last_failure_timestamp_seconds stanza=main command=expire -9000
run_last_success_timestamp_seconds stanza=main command=expire -3600
run_last_failure_timestamp_seconds stanza=main command=verify repo=1 -9000
run_last_success_timestamp_seconds stanza=main command=verify repo=1 -3600
runs_unreadable_sources 0
verify_last_ok stanza=main repo=1 1
verify_last_completion_timestamp_seconds stanza=main repo=1 -3600
wal_archive_lag_seconds stanza=main source=postgresql 0
wal_archive_ready_segments stanza=main 0
wal_archive_failing stanza=main 0
wal_archive_enabled stanza=main 1
wal_dropped_segments_total stanza=main 0
wal_archive_newest_timeline stanza=main repo=1 1
wal_archive_newest_timeline stanza=main repo=2 1
wal_archive_duplicate_segments stanza=main repo=1 0
wal_archive_missing_segments stanza=main repo=1 position=newest 0
wal_archive_missing_segments stanza=main repo=1 position=older 0
wal_archive_missing_segments stanza=main repo=2 position=newest 0
backups_without_wal stanza=main repo=1 0
recovery_window_start_timestamp_seconds stanza=main repo=1 -864000
recovery_window_start_timestamp_seconds stanza=main repo=2 -864000
patroni_timeline stanza=main 1
patroni_has_leader stanza=main 1
postgresql_timeline stanza=main 1
repo_used_bytes repo=1 700
repo_available_bytes repo=1 300
repo_inodes_used repo=1 500
repo_inodes_available repo=1 500
restore_test_last_run_timestamp_seconds stanza=main repo=1 target=latest -86400
restore_test_last_success_timestamp_seconds stanza=main repo=1 target=latest -86400
restore_test_last_failure_timestamp_seconds stanza=main repo=1 target=latest -172800
restore_test_last_result stanza=main repo=1 target=latest result=proven 1
recovery_time_estimate_seconds stanza=main repo=1 1200
recovery_time_estimate_seconds stanza=main repo=2 9000
alertmanager_notifications_failed_total job=alertmanager integration=slack reason=other 0
alertmanager_notifications_failed_total job=alertmanager integration=pagerduty reason=other 0
prometheus_rule_evaluation_failures_total job=prometheus rule_group=/etc/pgbackrest.rules.yml;pgbackrest.wal 0
"""


def healthy() -> World:
    world: World = {}
    for line in _HEALTHY.strip().splitlines():
        series, _, value = line.rpartition(" ")
        world[series] = {0: float(value)}
    completion = "backup_last_completion_timestamp_seconds stanza=main"
    world[f"{completion} repo=1 backup_type=incr"] = {0: Ramp(-3600, 60)}  # always an hour old
    world[f"{completion} repo=2 backup_type=full"] = {0: Ramp(-7200, 60)}
    for repo in (1, 2):
        world[f"wal_archive_newest_segment_number stanza=main repo={repo}"] = {0: Ramp(100, 1)}
    for place, (warning, critical) in THRESHOLDS.items():
        signal, _, repo_label = place.partition(" ")
        series = f"threshold_seconds stanza=main {repo_label}{' ' * bool(repo_label)}signal={signal}"
        world[f"{series} severity=warning"] = {0: float(warning)}
        world[f"{series} severity=critical"] = {0: float(critical)}
    for severity, ratio in (("warning", 0.8), ("critical", 0.9)):
        world[f"threshold_ratio repo=1 signal=repo_used severity={severity}"] = {0: ratio}
        world[f"threshold_ratio repo=1 signal=one_to_come severity={severity}"] = {0: 0.1}
    return world
