"""The metrics that a board may name, with their labels."""

from exporter.metrics import GROUPS

# What Prometheus and its service discovery add.
OF_TARGET = {"job", "instance", "cluster", "namespace", "pod", "container", "endpoint"}

# Promised families of sources that are not read yet; the boards say "not asked" where they are absent.
_TEST = "stanza repo target"
AWAITED = {
    "wal_archive_lag_seconds": "stanza source",
    "wal_archive_lag_bytes": "stanza",
    "wal_archive_ready_segments": "stanza",
    "wal_archive_failing": "stanza",
    "wal_archive_enabled": "stanza",
    "wal_archive_spool_errors": "stanza",
    "wal_archived_segments_total": "stanza",
    "wal_archive_failures_total": "stanza",
    "postgresql_timeline": "stanza",
    "postgresql_clock_skew_seconds": "stanza",
    "repo_size_bytes": "stanza repo kind",
    "repo_used_bytes": "stanza repo",
    "repo_available_bytes": "stanza repo",
    "repo_orphan_bytes": "stanza repo",
    "wal_archive_missing_segments": "stanza repo position",
    "wal_archive_newest_history_timeline": "stanza repo",
    "recovery_window_start_timestamp_seconds": "stanza repo",
    "recovery_window_end_timestamp_seconds": "stanza repo",
    "backups_without_wal": "stanza repo",
    "run_last_success_timestamp_seconds": "stanza command backup_type repo",
    "run_last_failure_timestamp_seconds": "stanza command backup_type repo",
    "runs_total": "stanza command backup_type repo result",
    "wal_dropped_segments_total": "stanza",
    "restore_test_last_run_timestamp_seconds": _TEST,
    "restore_test_last_success_timestamp_seconds": _TEST,
    "restore_test_success": _TEST,
    "restore_test_last_result": f"{_TEST} result",
    "restore_test_check_success": f"{_TEST} check",
    "restore_test_duration_seconds": _TEST,
    "restore_test_restored_bytes": _TEST,
    "restore_test_replayed_wal_bytes": _TEST,
    "restore_test_recovered_to_timestamp_seconds": _TEST,
    "restore_test_phase_duration_seconds": f"{_TEST} phase",
    "restore_test_info": f"{_TEST} backup backup_type",
    "recovery_time_estimate_seconds": "stanza repo",
}

METRICS: dict[str, set[str]] = {
    "up": OF_TARGET,
    **{f"pgbackrest_{name}": {*labels.split(), *OF_TARGET} for name, labels in AWAITED.items()},
    # What is in the table is as it is there.
    **{metric.family.name: {*group.labels, *OF_TARGET} for group in GROUPS for metric in group.metrics},
}
