"""What Patroni is there for: switchover, failover, replicas that come and go."""

from tests.cluster.cluster import Cluster
from tests.cluster.http import ask
from tests.cluster.node import Node
from tests.lab.program import LabError, until


def switchover(cluster: Cluster) -> Node:
    """Hand over to a replica, as for maintenance; the new primary."""
    old = cluster.primary()
    new = cluster.streaming()[0]
    body = {"leader": old.name, "candidate": new.name}
    ask(f"{old.url}/switchover", method="POST", body=body, within=60)
    cluster.wait_until_leads(lambda node: node is new)
    return new


def kill_primary(cluster: Cluster) -> Node:
    """The primary's machine dies; the node that died. Another leads when this returns."""
    old = cluster.primary()
    old.kill()
    cluster.wait_until_leads(lambda node: node is not old)
    return old


def bring_back(cluster: Cluster) -> None:
    """Start Patroni where it does not run, and wait until all nodes follow."""
    running = [node for node in cluster.nodes if node.runs]
    # Not before the others follow the new primary: a node that died puts its last segment into the archive when it
    # comes back, and a replica that reads it there goes past the fork and never follows again (Patroni 3.0.2).
    cluster.wait_until_followed(len(running) - 1)
    for node in cluster.nodes:
        if node not in running:
            node.start_patroni()
    cluster.wait_until_whole(within=90)


def stop_replica(cluster: Cluster) -> Node:
    """A replica goes for maintenance."""
    node = cluster.streaming()[-1]
    node.stop_patroni()
    return node


def reinitialise(cluster: Cluster) -> Node:
    """A replica is made anew; LabError when it did not come out of the repository."""
    node = cluster.streaming()[-1]
    before = node.log_text.count("created using pgbackrest")
    ask(f"{node.url}/reinitialize", method="POST", body={"force": True}, within=30)
    try:
        until(
            lambda: node.log_text.count("created using pgbackrest") > before,
            within=60,
            what=f"{node.name} made anew by pgBackRest",
            every=0.2,
        )
    except LabError as error:
        raise LabError(f"{error}\n{node.log}") from None
    cluster.wait_until_whole(within=60)
    return node
