"""Where a backup is taken: one place, and the same for all who ask."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.patroni import ROLES, STATES
from exporter.patroni.answers import read_cluster
from exporter.patroni.place import SMALL_LAG, Candidate, Place, as_it_is, choose, known_as
from tests.unit.patroni.answering import sample


def leader(name: str, state: str = "running") -> Candidate:
    return Candidate(name=name, role="leader", state=state, timeline=5)


def replica(
    name: str, state: str = "streaming", lag: int | None = 0, *, timeline: int | None = 5
) -> Candidate:
    return Candidate(name=name, role="replica", state=state, timeline=timeline, lag=lag)


def taken(*members: Candidate) -> tuple[str, bool | None]:
    place = choose(members)
    assert place is not None
    return place.member, place.standby


@pytest.mark.parametrize("version", ["2.1.7", "3.0.2", "4.1.5"])
@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        ("healthy", ("pg2", True)),
        ("paused", ("pg1", True)),
        ("synchronous", ("pg2", True)),
        ("paused_crashed", ("pg1", None)),
        ("standby_cluster", ("dr1", False)),
    ],
)
def test_real_clusters(version: str, scene: str, expected: tuple[str, bool | None]) -> None:
    assert taken(*read_cluster(sample(version, scene, "cluster")).candidates) == expected


def test_a_real_replica_on_a_timeline_that_ended_is_not_used() -> None:
    """pg3 runs and lags 32 MB, and never gets to where the new leader is."""
    view = read_cluster(sample("2.1.7", "failed_over", "cluster"))
    assert taken(*view.candidates) == ("pg2", False)


def test_the_first_replica_that_streams_goes_before_one_that_only_runs() -> None:
    assert taken(leader("a"), replica("b", "running"), replica("d"), replica("c")) == ("c", True)


def test_before_3_0_4_a_replica_that_streams_is_running() -> None:
    assert taken(leader("a"), replica("c", "running"), replica("b", "running")) == ("b", True)


@pytest.mark.parametrize("lag", [None, SMALL_LAG + 1])
def test_one_that_lags_goes_after_one_that_does_not(lag: int | None) -> None:
    assert taken(leader("a"), replica("b", lag=lag), replica("c", lag=SMALL_LAG)) == ("c", True)


@pytest.mark.parametrize("state", ["streaming", "running", "in archive recovery"])
def test_one_that_lags_is_better_than_the_primary(state: str) -> None:
    assert taken(leader("a"), replica("b", state, lag=SMALL_LAG * 9)) == ("b", True)


@pytest.mark.parametrize("state", ["stopped", "starting", "crashed", "creating replica", "flying", None])
def test_without_a_replica_that_runs_it_is_the_primary(state: str | None) -> None:
    other = Candidate(name="b", role="replica", state=state, lag=0)
    assert taken(leader("c"), other) == ("c", False)
    assert taken(leader("c")) == ("c", False)


def test_without_a_leader_the_first_by_name_fails_for_all() -> None:
    assert taken(replica("c"), replica("b", "stopped"), replica("d")) == ("b", None)


def test_a_cluster_without_members_has_no_place() -> None:
    assert choose([]) is None


CLUSTERS = st.lists(
    st.builds(
        Candidate,
        name=st.text(min_size=1, max_size=5),
        role=st.sampled_from([*ROLES, "new in 9.0", None]),
        state=st.sampled_from([*STATES, "new in 9.0", None]),
        timeline=st.none() | st.integers(1, 3),
        lag=st.none() | st.integers(-10, 2 * SMALL_LAG),
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda one: one.name,
)


@given(CLUSTERS, st.randoms(use_true_random=False))
def test_every_node_finds_the_same_member_whatever_the_order(
    members: list[Candidate], dice: random.Random
) -> None:
    place = choose(members)
    shuffled = dice.sample(members, len(members))
    assert choose(shuffled) == place
    turns = [
        one.name for one in members if place is not None and known_as([one.name], shuffled) == place.member
    ]
    assert len(turns) == 1


@given(CLUSTERS)
def test_it_fits_what_the_member_is(members: list[Candidate]) -> None:
    place = choose(members)
    assert isinstance(place, Place)
    (chosen,) = (one for one in members if one.name == place.member)
    leads = chosen.role in ("leader", "standby_leader")
    assert leads if place.standby is False else not leads


@given(CLUSTERS, st.integers(0, SMALL_LAG))
def test_a_lag_that_stays_small_changes_nothing(members: list[Candidate], lag: int) -> None:
    """Two nodes that ask a moment apart see other numbers."""
    small = [one for one in members if one.lag is not None and one.lag <= SMALL_LAG]
    others = [one for one in members if one not in small]
    moved = [
        Candidate(name=one.name, role=one.role, state=one.state, timeline=one.timeline, lag=lag)
        for one in small
    ]
    assert choose(members) == choose([*moved, *others])


def test_a_host_is_known_by_the_first_name_that_fits() -> None:
    members = [leader("pg1"), replica("pg2.example.net")]
    assert known_as(["pg1.example.net", "pg1"], members) == "pg1"
    assert known_as(["pg2.example.net", "pg2"], members) == "pg2.example.net"
    assert known_as(["pg9"], members) is None


def test_who_has_begun_goes_on_as_what_it_is_now() -> None:
    members = [leader("c"), replica("b"), replica("a", "stopped"), replica("d", timeline=4)]
    found = {name: as_it_is(name, members) for name in "abcde"}
    assert {name: place.standby for name, place in found.items() if place} == {"b": True, "c": False}
    assert as_it_is("b", [replica("b")]) is None
