"""What Patroni says of its cluster. The words are Patroni's own (patroni/utils.py, cluster_as_json)."""

from dataclasses import dataclass

ROLES = ("leader", "standby_leader", "sync_standby", "quorum_standby", "replica")
"""Those of `/cluster`: quorum_standby is new in 4.0; the leader of a standby cluster is a standby_leader."""

STATES = (
    "running",
    "streaming",
    "in archive recovery",
    "starting",
    "restarting",
    "stopping",
    "stopped",
    "crashed",
    "creating replica",
    "initializing new cluster",
    "initdb failed",
    "running custom bootstrap script",
    "starting after custom bootstrap",
    "custom bootstrap failed",
    "start failed",
    "restart failed",
    "stop failed",
)
"""Those of 2.x to 4.1: streaming and in archive recovery are new in 3.0.4, a member that runs was running before."""

OTHER = "other"
"""A role or a state that a version not known here reports, or that a member does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member as the cluster's store knows it; a dead one is in the list until its key there expires."""

    name: str
    role: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Who is in the cluster and who leads it, since when on which timeline.

    *leader* is None where there is none, or where it is not known by name. *has_leader* is None while
    nobody can say: the store is out of reach, no member asked is a primary, and not all of them answered.
    *members* is empty while the store is out of reach. *timeline* is the leader's, *timeline_changed* the
    time of its beginning, in seconds since the epoch: none on timeline 1 and in a standby cluster.
    """

    dcs_reachable: bool
    has_leader: bool | None
    leader: str | None = None
    members: tuple[Member, ...] = ()
    paused: bool | None = None
    timeline: int | None = None
    timeline_changed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster of one stanza as its members see it.

    The topology is an object of its own since it seldom changes. *leader_position* is a position in WAL, in
    bytes, that the leader has surely written: its own where it was asked, else what a member on its
    timeline has received.
    """

    topology: Topology
    leader_position: int | None = None
