"""What Patroni tells of each stanza's cluster."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from exporter.model.patroni import OTHER, ROLES, STATES, Topology
from exporter.snapshot import Snapshot
from exporter.table import Group, Metric, Part, Row, one


def _each_topology(snapshot: Snapshot) -> Iterator[Part]:
    for stanza, reading in snapshot.patroni.items():
        if reading.value is not None:
            yield stanza, reading.value.topology


def _topology(stanza: str, topology: Topology) -> Iterator[Row[Topology]]:
    yield (stanza,), topology


def _leader(stanza: str, topology: Topology) -> Iterator[Row[str]]:
    if topology.leader is not None:
        yield (stanza, topology.leader), topology.leader


def _members(stanza: str, topology: Topology) -> Iterator[Row[int]]:
    counted = Counter((member.role, member.state) for member in topology.members)
    return (((stanza, *kind), counted[kind]) for kind in sorted(counted))


GROUPS: tuple[Group[Any], ...] = (
    Group(
        labels=("stanza",),
        parts=_each_topology,
        rows=_topology,
        metrics=(
            Metric[Topology](
                "patroni_has_leader",
                "1: the cluster has a leader. While Patroni's store is out of reach: 1 when a member that was asked "
                "runs as primary, 0 when all named addresses answered and none does, else no sample.",
                lambda topology: topology.has_leader,
            ),
            Metric[Topology](
                "patroni_dcs_reachable",
                "1: a member reaches Patroni's store (etcd, Consul, ZooKeeper, Kubernetes). 0: none that was asked "
                "does, so no failover is possible and, without failsafe mode, there is no primary.",
                lambda topology: topology.dcs_reachable,
            ),
            Metric[Topology](
                "patroni_paused",
                "1: the cluster is in maintenance mode (patronictl pause), Patroni does not fail over.",
                lambda topology: topology.paused,
            ),
            Metric[Topology](
                "patroni_timeline",
                "Timeline of the leader. While pgbackrest_wal_archive_newest_timeline stays below it, "
                "no WAL has been archived since the failover.",
                lambda topology: topology.timeline,
            ),
            Metric[Topology](
                "patroni_timeline_changed_timestamp_seconds",
                "When the leader's timeline began: the last failover or switchover. No sample on timeline 1 and "
                "in a standby cluster.",
                lambda topology: topology.timeline_changed,
            ),
        ),
    ),
    Group(
        labels=("stanza", "member"),
        parts=_each_topology,
        rows=_leader,
        metrics=(Metric("patroni_leader_info", "1. member is the leader's name.", one),),
    ),
    Group(
        labels=("stanza", "role", "state"),
        parts=_each_topology,
        rows=_members,
        metrics=(
            Metric[int](
                "patroni_members",
                f"How many members there are. role is {', '.join(ROLES)} or {OTHER}; "
                f"state is {', '.join(STATES)} or {OTHER}.",
                lambda count: count,
            ),
        ),
    ),
)
