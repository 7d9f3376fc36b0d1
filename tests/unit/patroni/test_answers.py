"""Answers of real Patronis of three majors, and of what is none."""

import contextlib
import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.patroni import OTHER, ROLES, STATES
from exporter.patroni.answers import AnswerError, View, read_cluster, read_history, read_node
from exporter.patroni.place import choose
from tests.unit.patroni.answering import sample

VERSIONS = ("2.1.7", "3.0.2", "4.1.5")
every_version = pytest.mark.parametrize("version", VERSIONS)


def view(version: str, scene: str) -> View:
    return read_cluster(sample(version, scene, "cluster"))


def kinds(found: View) -> list[tuple[str, str, str]]:
    """Members, where a replica that streams is one that runs, as it was before 3.0.4."""
    return [
        (one.name, one.role, "running" if one.state == "streaming" else one.state) for one in found.members
    ]


@every_version
def test_a_healthy_cluster_has_a_leader_and_replicas_on_its_timeline(version: str) -> None:
    found = view(version, "healthy")
    assert kinds(found) == [
        ("pg1", "leader", "running"),
        ("pg2", "replica", "running"),
        ("pg3", "replica", "running"),
    ]
    assert (found.leader, found.timeline, found.paused) == ("pg1", 1, False)
    assert found.leader_api is not None


def test_newer_versions_tell_that_a_replica_streams() -> None:
    assert [one.state for one in view("4.1.5", "healthy").members] == ["running", "streaming", "streaming"]


@every_version
def test_a_switchover_moves_the_leader_to_a_new_timeline_and_history_tells_when(version: str) -> None:
    found, history = view(version, "switched"), sample(version, "switched", "history")
    assert (found.leader, found.timeline) == ("pg2", 2)
    began = read_history(history, 2)
    assert began == datetime.fromisoformat(json.loads(history)[0][3]).timestamp()
    assert read_history(history, 3) is None


@every_version
def test_maintenance_mode_is_seen(version: str) -> None:
    assert view(version, "paused").paused
    assert not view(version, "resumed").paused


@every_version
def test_a_primary_that_died_in_maintenance_mode_leaves_no_leader(version: str) -> None:
    found = view(version, "paused_crashed")
    assert (found.leader, found.leader_api, found.timeline) == (None, None, None)
    assert ("pg2", "replica", "stopped") in kinds(found)
    node = read_node(sample(version, "paused_crashed", "patroni"))
    assert (node.leads, node.position, node.cut_off) == (False, None, True)


@every_version
def test_a_synchronous_replica_has_a_role_of_its_own(version: str) -> None:
    assert sorted(one.role for one in view(version, "synchronous").members) == [
        "leader",
        "replica",
        "sync_standby",
    ]


def test_replicas_of_a_quorum_have_a_role_of_their_own_and_may_take_backups() -> None:
    """As cluster_as_json of 4.1.4 tells it, given synchronous_mode=quorum."""
    found = view("4.1.4", "quorum")
    assert kinds(found) == [
        ("pg1", "leader", "running"),
        ("pg2", "quorum_standby", "running"),
        ("pg3", "quorum_standby", "running"),
    ]
    assert found.position == 0x4000538
    place = choose(found.candidates)
    assert place is not None
    assert (place.member, place.standby) == ("pg2", True)


@pytest.mark.parametrize("more", [{}, {"cluster_unlocked": True}])
@pytest.mark.parametrize("version", ["3.0.2", "4.1.5"])
def test_a_primary_in_failsafe_mode_leads_on_and_is_cut_off(version: str, more: dict[str, bool]) -> None:
    """What get_postgresql_status adds from 3.0 on, in patroni/api.py, while the store is away and all members agree."""
    told = json.loads(sample(version, "healthy", "patroni"))
    node = read_node(json.dumps(told | more | {"failsafe_mode_is_active": True}).encode())
    assert (node.leads, node.cut_off, node.timeline) == (True, True, 1)
    assert node.position is not None


@every_version
def test_a_standby_cluster_is_led_by_a_standby(version: str) -> None:
    found, node = view(version, "standby_cluster"), read_node(sample(version, "standby_cluster", "patroni"))
    assert (found.leader, [one.role for one in found.members]) == ("dr1", ["standby_leader"])
    assert found.timeline == node.timeline
    assert node.leads
    assert node.position is not None


@every_version
def test_the_leader_knows_what_it_wrote_and_a_replica_what_it_received(version: str) -> None:
    leader, replica = (read_node(sample(version, scene, "patroni")) for scene in ("healthy", "replica"))
    assert (leader.leads, replica.leads) == (True, False)
    assert leader.position == replica.position
    assert leader.timeline == replica.timeline == 1


def test_newer_versions_tell_by_their_replicas_how_far_the_leader_wrote() -> None:
    replica = read_node(sample("4.1.5", "replica", "patroni"))
    assert view("4.1.5", "healthy").position == replica.position
    assert view("3.0.2", "healthy").position is None


@pytest.mark.parametrize(
    ("members", "position"),
    [
        ([{"timeline": 2, "lsn": "1/10", "lag": 6}], (1 << 32) + 22),
        ([{"timeline": 2, "lsn": "0/10", "lag": 0}, {"timeline": 2, "lsn": "0/9", "lag": 1}], 16),
        ([{"timeline": 1, "lsn": "9/10", "lag": 0}], None),
        ([{"timeline": 2, "lsn": "unknown", "lag": "unknown"}], None),
        ([{"timeline": 2, "lsn": "-1/10", "lag": 0}], None),
        ([{"lsn": "0/10", "lag": 0}], None),
    ],
)
def test_only_positions_on_the_leader_s_timeline_count(
    members: list[dict[str, object]], position: int | None
) -> None:
    leader = {"name": "a", "role": "leader", "timeline": 2}
    others = [{"name": f"b{number}", "role": "replica"} | one for number, one in enumerate(members)]
    body = json.dumps({"members": [leader, *others]}).encode()
    assert read_cluster(body).position == position


@every_version
def test_a_failover_leaves_the_dead_out(version: str) -> None:
    found = view(version, "failed_over")
    assert found.leader is not None
    assert (found.timeline or 0) > (view(version, "resumed").timeline or 0)
    assert len(found.members) == 2


@every_version
def test_a_member_knows_that_it_is_cut_off_from_the_store(version: str) -> None:
    node = read_node(sample(version, "dcs_down", "patroni"))
    assert (node.cut_off, node.leads) == (True, False)
    assert not read_node(sample(version, "healthy", "patroni")).cut_off


@every_version
def test_a_member_that_is_starting_or_gone_counts_with_its_state(version: str) -> None:
    assert ("pg3", "replica", "stopped") in kinds(view(version, "replica_stopping"))


def test_words_of_versions_to_come_are_other() -> None:
    found = read_cluster(
        b'{"members": [{"name": "a", "role": "arbiter", "state": "dreaming", "lag": "unknown"}]}'
    )
    assert [(one.role, one.state) for one in found.members] == [(OTHER, OTHER)]


def test_a_name_is_fit_to_be_a_label() -> None:
    found = read_cluster(json.dumps({"members": [{"name": "a\nb" + "x" * 5000, "role": "leader"}]}).encode())
    assert found.leader is not None
    assert found.leader.startswith("a b")
    assert len(found.leader) < 500


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b"<html><body>502</body></html>", "is no JSON"),
        (b'{"members": [{"name": "pg1", "ro', "is no JSON"),
        (b"[" * 100_000, "is no"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `members`"),
        (b'{"members": null}', "$.members"),
        (b'{"members": [{"role": "leader"}]}', "missing required field `name`"),
        (b'{"members": [{"name": 5}]}', "$.members[0].name"),
        (b"\xff\xfe", "is no JSON"),
    ],
)
def test_what_is_no_answer_of_patroni_is_told_in_one_line(body: bytes, words: str) -> None:
    with pytest.raises(AnswerError) as told:
        read_cluster(body)
    assert words in str(told.value)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize("number", [0, -1, 1 << 32, None])
def test_a_timeline_that_cannot_be_is_unknown(number: int | None) -> None:
    body = json.dumps({"members": [{"name": "a", "role": "leader", "timeline": number}]}).encode()
    assert read_cluster(body).timeline is None


@pytest.mark.parametrize(
    "entry",
    [[1], [1, 5, "r"], [1, 5, "r", None], [1, 5, "r", "yesterday"], [1, 5, "r", "2026-01-01T00:00:00"], []],
)
def test_a_history_without_a_time_tells_none(entry: list[object]) -> None:
    assert read_history(json.dumps([entry]).encode(), 2) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["members", "name", "role", "state", "timeline", "pause", "xlog", "location", "patroni"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=100) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_answered_gives_facts_or_a_line(body: bytes) -> None:
    with contextlib.suppress(AnswerError):
        for one in read_cluster(body).members:
            assert one.role in (*ROLES, OTHER)
            assert one.state in (*STATES, OTHER)
    with contextlib.suppress(AnswerError):
        read_node(body)
    with contextlib.suppress(AnswerError):
        read_history(body, 2)


def test_letters_that_are_no_utf_8_are_no_answer() -> None:
    with pytest.raises(AnswerError):
        read_cluster(b'{"members": [{"name": "\xae"}]}')
    with pytest.raises(AnswerError):
        read_node(b'{"role": "\xae"}')
    with pytest.raises(AnswerError):
        read_history(b'[[1, 2, "\xae", "2026-11-22T07:15:00Z"]]', 2)
