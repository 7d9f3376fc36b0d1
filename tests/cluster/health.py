"""What a healthy system says at every scrape. A scene names what it upsets; all the rest must stay silent."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tests.lab.summary import Scrape

# What is upset together. While no node takes writes there is nobody to ask how archiving goes.
ARCHIVING = frozenset({"failing", "lag"})
HANDOVER = frozenset({"leader", "collectors"})
GAP = frozenset({"gap", "old gap"})

# Seconds for which a segment may wait: a busy machine is slow, and so is S3.
LAG = 12.0

# Seconds for which these may complain before it counts: a reading in the very moment of a switchover may fail, as may
# the first look of an exporter that has just started; while expire takes a backup out of the list and then removes its
# folder, a listing may fall between; and a new timeline's history may be archived before Patroni is asked again.
PATIENCE: Mapping[str, float] = MappingProxyType(
    {"collectors": 6.0, "stanza": 6.0, "orphans": 6.0, "timelines": 6.0}
)


def _no(name: str, **labels: str) -> Callable[[Scrape], bool]:
    """Samples may be missing, but none is more than 0."""
    return lambda now: max(now.values(name, **labels), default=0) <= 0


def _all_ok(name: str) -> Callable[[Scrape], bool]:
    return lambda now: min(now.values(name), default=1) == 1


def _no_stray_timeline(now: Scrape) -> bool:
    known = now.values("patroni_timeline")
    archived = [
        *now.values("wal_archive_newest_timeline"),
        *now.values("wal_archive_newest_history_timeline"),
    ]
    return not known or not archived or max(archived) <= max(known)


def _room(now: Scrape) -> bool:
    """As `df` counts it, or against the stated capacity."""
    used, available = now.series("repo_used_bytes"), now.series("repo_available_bytes")
    return all(
        used[labels] / (used[labels] + available[labels]) < 0.8 for labels in used if labels in available
    )


def _last_runs_good(now: Scrape) -> bool:
    failed, good = (
        now.series("run_last_failure_timestamp_seconds"),
        now.series("run_last_success_timestamp_seconds"),
    )
    return all(good.get(labels, 0) >= moment for labels, moment in failed.items())


HEALTH: Mapping[str, Callable[[Scrape], bool]] = MappingProxyType(
    {
        "collectors": _all_ok("exporter_collector_success"),
        "stanza": lambda now: now.values("stanza_ok") == [1] and now.values("repo_ok") == [1, 1],
        "failing": _no("wal_archive_failing"),
        "lag": lambda now: max(now.values("wal_archive_lag_seconds"), default=0) < LAG,
        "enabled": _all_ok("wal_archive_enabled"),
        "gap": _no("wal_archive_missing_segments", position="newest"),
        "old gap": _no("wal_archive_missing_segments", position="older"),
        "restorable": _no("backups_without_wal"),
        "orphans": _no("repo_orphans"),
        "timelines": _no_stray_timeline,
        "room": _room,
        "runs": _last_runs_good,
        "stopped": _no("stanza_stopped"),
        "leader": _all_ok("patroni_has_leader"),
        "paused": _no("patroni_paused"),
        "pages": _no("backup_last_error"),
    }
)
"""By name: whether it is well. What the exporter does not say is no complaint."""
