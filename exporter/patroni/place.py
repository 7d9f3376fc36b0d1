"""Where a cluster's next backup is taken: a rule that every node works out alike from the same answer of Patroni.

pgBackRest's locks hold on one host alone, so the nodes have to agree without talking to each other: the rule looks
at nothing but `/cluster`. Lag decides only whether it is small, since two questions never get the same number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SMALL_LAG = 256 << 20
"""Bytes: pgBackRest waits for the replica to replay to the backup's start, by default 60 s (archive-timeout)."""

LEADERS = ("leader", "standby_leader")
_REPLICAS = ("replica", "sync_standby", "quorum_standby")
_STREAMING = ("streaming",)
# Until 3.0.3 a replica that streams was running, too; one in archive recovery follows by way of the repository.
_RUNNING = ("streaming", "running", "in archive recovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A member as `/cluster` tells of it. *lag* is in bytes; what is not told is None."""

    name: str
    role: str | None = None
    state: str | None = None
    timeline: int | None = None
    lag: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The *member* that takes it, and *why*. *standby*: whether it is a replica; None: nobody leads the cluster."""

    member: str
    standby: bool | None
    why: str


def choose(candidates: Iterable[Candidate]) -> Place | None:
    """Return the one place; None: the cluster has no members."""
    members = sorted(candidates, key=lambda one: one.name)
    if not members:
        return None
    leader = next((one for one in members if one.role in LEADERS), None)
    if leader is None:
        first = members[0].name
        return Place(member=first, standby=None, why="nobody leads the cluster, it is the first by name")
    replicas = [
        one for one in members if one.role in _REPLICAS and one.state in _RUNNING and _follows(one, leader)
    ]
    near = [one for one in replicas if one.lag is not None and one.lag <= SMALL_LAG]
    streaming = [one for one in near if one.state in _STREAMING]
    for group, why in (
        (streaming, "the first replica by name that streams"),
        # Patroni before 3.0.4, which does not tell who streams.
        (near, "the first replica by name that is not far behind"),
        (replicas, "the first replica by name that runs, though it is far behind"),
    ):
        if group:
            return Place(member=group[0].name, standby=True, why=why)
    return Place(member=leader.name, standby=False, why="no replica runs, it is the primary")


def as_it_is(name: str, candidates: Sequence[Candidate]) -> Place | None:
    """Return the member of that name as a place, for one that has to go on with it; None: it cannot now."""
    leader = next((one for one in candidates if one.role in LEADERS), None)
    own = next((one for one in candidates if one.name == name), None)
    if own is None or leader is None or own.state not in _RUNNING or not _follows(own, leader):
        return None
    return Place(member=name, standby=own is not leader, why=f"{leader.name} leads now")


def known_as(names: Sequence[str], members: Iterable[Candidate]) -> str | None:
    """Return the first of *names* that is a member's."""
    known = {one.name for one in members}
    return next((name for name in names if name in known), None)


def _follows(replica: Candidate, leader: Candidate) -> bool:
    """Whether it may be on the leader's timeline; one that is not never gets to where the backup starts."""
    return replica.timeline is None or leader.timeline is None or replica.timeline == leader.timeline
