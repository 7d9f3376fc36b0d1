"""Failovers, and strangers that archive."""

from tests.cluster import failover
from tests.cluster.condition import above, ahead, equals, exceeds, grows, same, total
from tests.cluster.damage import Copy
from tests.cluster.healing import resumed
from tests.cluster.health import ARCHIVING, GAP, HANDOVER
from tests.cluster.scene import Props, Scene, shows
from tests.cluster.scenes.healthy import HEALTHY


def _promote_unable(props: Props) -> None:
    """After an upgrade of PostgreSQL the replicas' pgbackrest.conf still names the old data directory."""
    cluster = props.cluster
    for node in cluster.streaming():
        node.reconfigure(cluster.repository.port, {"/var/lib/postgresql/15/main": f"{node.data}-of-14"})
    failover.switchover(cluster)
    cluster.wait_until_whole()
    cluster.switch_wal()


def _enable(props: Props) -> None:
    for node in props.cluster.nodes:
        node.reconfigure(props.cluster.repository.port)
    resumed(props)


def _stray(props: Props) -> None:
    props.copy = Copy(props.cluster)
    props.copy.start()


TIMELINES = (
    Scene(
        name="the primary dies",
        act=lambda props: failover.kill_primary(props.cluster),
        shows=shows(30, grows("patroni_timeline"), grows("postgresql_timeline")),
        upsets=HANDOVER,
        heal=lambda props: failover.bring_back(props.cluster),
        clears=shows(
            20,
            same("wal_archive_newest_history_timeline", "patroni_timeline"),
            total("patroni_members", 2, role="replica", state="running"),
        ),
    ),
    Scene(
        name="a new primary cannot archive",
        act=_promote_unable,
        shows=shows(
            20,
            grows("patroni_timeline"),
            ahead("patroni_timeline", "wal_archive_newest_timeline", "wal_archive_newest_history_timeline"),
            equals("wal_archive_failing", 1),
            above("wal_archive_ready_segments", 1),
        ),
        upsets=HANDOVER | ARCHIVING,
        heal=_enable,
        clears=shows(20, same("wal_archive_newest_history_timeline", "patroni_timeline")),
    ),
)

# On a cluster of its own, after a switchover: this copy is made of the newest backup, whatever befell that before.
STRAY = (
    next(scene for scene in HEALTHY if scene.name == "a switchover"),
    Scene(
        name="a restored copy archives by mistake",
        act=_stray,
        shows=shows(
            15,
            exceeds("wal_archive_newest_timeline", "patroni_timeline", repo="1"),
            exceeds("wal_archive_newest_history_timeline", "patroni_timeline", repo="2"),
        ),
        upsets=frozenset({"timelines"}) | GAP,
        heal=lambda props: props.copy.undo() if props.copy else None,
        clears=shows(
            15,
            same("wal_archive_newest_history_timeline", "patroni_timeline"),
        ),
    ),
)
