"""A busy minute of the cluster: backups, a switchover, archiving that stalls and heals, good and bad restore tests."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster import archiving, backups, failover
from tests.cluster.cluster import Cluster
from tests.cluster.node import Node
from tests.cluster.proving import TOO_MANY, restore_test, tested_settings
from tests.e2e.prometheus import Prometheus
from tests.lab.exporter import Exporter
from tests.lab.program import until

JOB = "pgbackrest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is true when the story has been told; it goes on until the backup that runs is let go."""

    prometheus: Prometheus
    first: Node
    """It led before the switchover,"""
    leader: Node
    """and it leads since."""
    timeline: int
    at: int
    """The moment (Unix time)."""


@contextmanager
def told(cluster: Cluster, often: Mapping[str, Mapping[str, Any]]) -> Iterator[Ending]:
    """Tell it; *often* is laid over the settings of the exporter on the repository host."""
    with ExitStack() as stack:
        settings = _settings(cluster, often)
        exporters = [
            stack.enter_context(Exporter(cluster, settings=settings)),
            stack.enter_context(_on_node(cluster, cluster.nodes[0])),
        ]
        targets = [exporter.address.removeprefix("http://") for exporter in exporters]
        jobs = [{"job_name": f"{JOB}-{n}", "static_configs": [{"targets": [target]}],
                 "relabel_configs": [{"target_label": "job", "replacement": JOB}]}
                for n, target in enumerate(targets)]  # fmt: skip
        prometheus = stack.enter_context(Prometheus(cluster, jobs))
        cluster.insert(20_000)
        cluster.repository.backup("incr")
        first, leader = cluster.primary(), failover.switchover(cluster)
        _stall(cluster, prometheus)
        cluster.wait_until_whole()
        cluster.repository.backup("incr")
        cluster.insert(1)  # else there is nothing after the backup to recover to
        archiving.archived(cluster, cluster.switch_wal())
        # From the object store, encrypted, and across the switchover.
        restore_test(cluster, settings, "latest", code=0, repos=[2])
        restore_test(cluster, settings, "immediate", code=1, queries=[TOO_MANY])
        running = backups.begun(cluster)
        backups.freeze(running)
        stack.callback(backups.thaw, running)
        backups.fails(cluster, "--type=full", "--repo=1", "backup", code=50)
        timeline = int(cluster.sql("select timeline_id from pg_control_checkpoint()"))
        for expression in (
            "pgbackrest_stanza_lock_held{command='backup'} == 1",
            "pgbackrest_run_last_exit_code{backup_type='full', repo='1'} == 50",
            "count(pgbackrest_restore_test_success) == 2",
            f"min(pgbackrest_wal_archive_newest_timeline) == {timeline}",
            "max(pgbackrest_wal_archive_lag_seconds) == 0",
        ):
            _seen(prometheus, expression)
        yield Ending(
            prometheus=prometheus, first=first, leader=leader, timeline=timeline, at=int(time.time())
        )


def _on_node(cluster: Cluster, node: Node) -> Exporter:
    """As it runs there: told nothing but to ask more often, with pgBackRest's own configuration of that host."""
    settings = {**cluster.node_settings(node), "pgbackrest": {}, "info": {"every": "4s"}}
    return Exporter(cluster, settings=settings, environment={"PGBACKREST_CONFIG": str(node.config)})


def _settings(cluster: Cluster, often: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    # These are off when nobody sets them.
    thresholds = {
        "recovery_window": {"warning": "5s", "critical": "2s"},
        "recovery_time": {"warning": "1h", "critical": "2h"},
    }
    return tested_settings(cluster, {**often, "thresholds": thresholds})


def _stall(cluster: Cluster, prometheus: Prometheus) -> None:
    """Somebody's slip in archive_command, seen and mended."""
    archiving.parameters(cluster, archive_command=archiving.BAD_COMMAND)
    cluster.switch_wal()
    _seen(prometheus, "pgbackrest_wal_archive_failing == 1")
    _seen(prometheus, "pgbackrest_wal_archive_lag_seconds > 3")
    archiving.mend_command(cluster)
    archiving.archived(cluster, cluster.switch_wal())


def _seen(prometheus: Prometheus, expression: str) -> None:
    until(lambda: prometheus.query(expression), within=30, what=expression, every=0.2)
