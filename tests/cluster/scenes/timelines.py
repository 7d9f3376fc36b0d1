"""Failovers, and strangers that archive."""

from tests.cluster import failover
from tests.cluster.condition import exceeds, grows, same, total
from tests.cluster.damage import Copy
from tests.cluster.health import GAP, HANDOVER
from tests.cluster.scene import Props, Scene, shows
from tests.cluster.scenes.healthy import HEALTHY


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
