"""What Patroni's REST API answers, from bytes to facts: `/cluster`, `/patroni` and `/history` of 2.x to 4.1.

patroni/api.py and patroni/utils.py say what stands in them. Every version adds fields: unknown ones are ignored.
With Citus a member tells of its own group alone, which is a cluster, and a stanza, of its own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from exporter import wal
from exporter.human import line
from exporter.model.patroni import OTHER, ROLES, STATES, Member
from exporter.patroni.place import LEADERS, Candidate

T = TypeVar("T")

# `/patroni` says master until 3.x, primary since 4.0.
_PRIMARIES = ("primary", "master")
_LAST_TIMELINE = 0xFFFFFFFF


class AnswerError(Exception):
    """An answer is not Patroni's. The message is one line."""


class _Member(msgspec.Struct):
    name: str
    role: str | None = None
    state: str | None = None
    timeline: int | None = None
    api_url: str | None = None
    lsn: str | None = None
    lag: int | str | None = None


class _Cluster(msgspec.Struct):
    members: list[_Member]
    pause: bool | None = None


class _Wal(msgspec.Struct):
    location: int | None = None
    received_location: int | None = None


class _Self(msgspec.Struct):
    name: str | None = None


class _Node(msgspec.Struct):
    state: str
    role: str
    timeline: int | None = None
    xlog: _Wal | None = None
    pause: bool | None = None
    cluster_unlocked: bool = False
    failsafe_mode_is_active: bool = False
    patroni: _Self | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The cluster as its store knows it; *leader_api* is where the leader's own REST API is.

    *position* is how far the leader wrote, by what replicas on its timeline have (4.1 and later). *candidates* are
    the members once more, with what changes all the time.
    """

    members: tuple[Member, ...]
    candidates: tuple[Candidate, ...]
    leader: str | None
    leader_api: str | None
    timeline: int | None
    position: int | None
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One member as it knows itself. *cut_off*: it cannot tell who leads, or stays primary by failsafe mode."""

    name: str | None
    leads: bool
    timeline: int | None
    position: int | None
    cut_off: bool
    paused: bool


def read_cluster(body: bytes) -> View:
    """Return what `/cluster` tells; raises AnswerError."""
    answer = _decode(body, _Cluster)
    leader = next((one for one in answer.members if one.role in LEADERS), None)
    return View(
        members=tuple(
            Member(
                name=line(one.name),
                role=one.role if one.role in ROLES else OTHER,
                state=one.state if one.state in STATES else OTHER,
            )
            for one in sorted(answer.members, key=lambda one: one.name)
        ),
        candidates=tuple(
            Candidate(
                name=line(one.name),
                role=one.role,
                state=one.state,
                timeline=_timeline(one.timeline),
                lag=one.lag if isinstance(one.lag, int) else None,
            )
            for one in answer.members
        ),
        leader=line(leader.name) if leader else None,
        leader_api=leader.api_url if leader else None,
        timeline=_timeline(leader.timeline) if leader else None,
        position=_position(leader, answer.members) if leader else None,
        paused=bool(answer.pause),
    )


def read_node(body: bytes) -> Node:
    """Return what `/patroni` tells; raises AnswerError."""
    answer = _decode(body, _Node)
    wal = answer.xlog or _Wal()
    position = wal.location if wal.location is not None else wal.received_location
    name = answer.patroni.name if answer.patroni else None  # since 4.0
    return Node(
        name=line(name) if name else None,
        # A primary that crashed while the cluster is paused keeps its role.
        leads=answer.role in (*_PRIMARIES, "standby_leader") and answer.state == "running",
        timeline=_timeline(answer.timeline),
        position=position if position and position > 0 else None,
        cut_off=answer.cluster_unlocked or answer.failsafe_mode_is_active,
        paused=bool(answer.pause),
    )


def read_history(body: bytes, timeline: int) -> float | None:
    """Return when *timeline* began, in seconds since the epoch, None where it is not told; raises AnswerError.

    A line is [timeline that ended, LSN, reason, time, new leader]; time and leader are missing where
    Patroni was not there to see it, and the newest line comes some seconds after the promotion.
    """
    for entry in _decode(body, list[list[Any]]):
        if len(entry) > 3 and entry[0] == timeline - 1 and isinstance(entry[3], str):
            return _moment(entry[3])
    return None


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise AnswerError(f"is not as Patroni answers: {line(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kind_of = "is empty" if not body.strip() else f"is no JSON: {line(str(error))}"
        raise AnswerError(kind_of) from None


def _position(leader: _Member, members: list[_Member]) -> int | None:
    positions = [
        at + (one.lag if isinstance(one.lag, int) else 0)
        for one in members
        if one.timeline is not None and one.timeline == leader.timeline
        if (at := wal.position(one.lsn or "")) is not None
    ]
    return max(positions, default=0) or None


def _timeline(number: int | None) -> int | None:
    return number if number and 0 < number <= _LAST_TIMELINE else None


def _moment(written: str) -> float | None:
    try:
        moment = datetime.fromisoformat(written)
        # Patroni writes its zone; without one nobody knows which.
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
