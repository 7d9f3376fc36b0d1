"""What becomes of a cluster in the exposition."""

from exporter.exposition import Block
from exporter.metrics import patroni
from exporter.model.patroni import Cluster, Member, Topology
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.table import Renderer
from tests.unit.rendering import rendered

HEALTHY = Topology(
    dcs_reachable=True,
    has_leader=True,
    leader="pg2",
    members=(
        Member(name="pg1", role="replica", state="streaming"),
        Member(name="pg2", role="leader", state="running"),
        Member(name="pg3", role="replica", state="streaming"),
    ),
    paused=False,
    timeline=4,
    timeline_changed=1795380006.5,
)


def samples(topology: Topology | None) -> list[str]:
    reading = Reading(value=Cluster(topology=topology) if topology else None, attempted=1.0)
    known = Snapshot(
        settings=Settings(), expected=Expectation(), reload=Reload(1.0), patroni={"main": reading}
    )
    body = rendered(Renderer(patroni.GROUPS), known).body(
        "", gzip=False, now=0.0, own=lambda _: Block.of(b"")
    )
    lines = b"".join(body.pieces).decode().splitlines()
    return [line.removeprefix("pgbackrest_patroni_") for line in lines if not line.startswith("#")]


def test_a_cluster_is_told_by_leader_members_and_timeline() -> None:
    assert samples(HEALTHY) == [
        'has_leader{stanza="main"} 1',
        'dcs_reachable{stanza="main"} 1',
        'paused{stanza="main"} 0',
        'timeline{stanza="main"} 4',
        'timeline_changed_timestamp_seconds{stanza="main"} 1795380006.5',
        'leader_info{stanza="main",member="pg2"} 1',
        'members{stanza="main",role="leader",state="running"} 1',
        'members{stanza="main",role="replica",state="streaming"} 2',
    ]


def test_what_is_not_known_has_no_sample() -> None:
    assert samples(Topology(dcs_reachable=False, has_leader=None)) == ['dcs_reachable{stanza="main"} 0']
    assert samples(None) == []
