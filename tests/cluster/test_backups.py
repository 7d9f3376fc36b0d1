"""`pgbackrest-exporter backup` on a real cluster: every node starts it at the same moment, one of them takes it."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from exporter.runs.records import Reader, Record
from tests.cluster.cluster import Cluster
from tests.cluster.node import Node
from tests.cluster.repository import NAME, STANZA
from tests.lab.child import Child
from tests.lab.program import LabError, until

PROJECT = Path(__file__).resolve().parents[2]


class Nodes:
    """Three nodes that share repository 1, with no host for it: each knows its own PostgreSQL and the others'."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        for node in cluster.nodes:
            cluster.write(node.path / "backup.conf", self._pgbackrest_conf(node))
            settings = {
                "pgbackrest": {"config": str(node.path / "backup.conf")},
                "stanzas": {STANZA: {"patroni": [each.url for each in cluster.nodes]}},
                "runs": {"records": str(cluster.path / f"records-{node.name}")},
            }
            (cluster.path / f"{node.name}.yml").write_text(json.dumps(settings))

    def back_up(self, nodes: Sequence[Node], kind: str, *, ask: bool = True) -> dict[str, tuple[int, str]]:
        """Start it on all of these at once; exit code and words by node. *ask*: whether for whose turn it is."""
        begun = {
            node.name: self.begin(
                node, kind, *([f"--member={node.name}"] if ask else ["--here", "--patience=0"])
            )
            for node in nodes
        }
        for name, child in begun.items():
            if not child.ends_within(60):
                child.stop()
                raise LabError(f"the backup on {name} does not end:\n{child.log}")
        return {name: (child.stop(), child.log) for name, child in begun.items()}

    def records(self) -> list[tuple[str, Record]]:
        folders = {node.name: self.cluster.path / f"records-{node.name}" for node in self.cluster.nodes}
        return [
            (name, record)
            for name, folder in folders.items()
            if folder.exists()
            for record in Reader(folder).read().values()
        ]

    def backups(self) -> list[str]:
        """The kinds of backup that repository 1 has, oldest first."""
        return [backup["type"] for backup in self.cluster.repository.info()["backup"]]

    def until_gone(self, node: Node) -> None:
        """Wait until Patroni's store has forgotten a member that died."""
        until(lambda: node.name not in self._members(), within=30, what=f"{node.name} is gone", every=0.2)

    def _members(self) -> list[str]:
        try:
            return [member["name"] for member in self.cluster.view()["members"]]
        except OSError:
            return [node.name for node in self.cluster.nodes]

    def begin(self, node: Node, kind: str, *flags: str) -> Child:
        argv = (sys.executable, "-m", "exporter", "backup", f"--stanza={STANZA}", f"--type={kind}")
        path = self.cluster.path
        return Child(
            (*argv, *flags, f"--config.file={path / f'{node.name}.yml'}"),
            env=self.cluster.environment | {"PYTHONPATH": str(PROJECT)},
            cwd=path,
            log=path / f"backup-{node.name}.log",
        )

    def _pgbackrest_conf(self, own: Node) -> str:
        repository = self.cluster.repository
        others = [node for node in self.cluster.nodes if node is not own]
        lines = [
            "[global]",
            f"repo1-path={repository.repo1}",
            "repo1-retention-full=9",
            "start-fast=y",
            f"log-path={own.log_path}",
            f"lock-path={own.path / 'lock'}",
            f"[{STANZA}]",
        ]
        tls = repository.path / "tls"
        for key, node in enumerate([own, *others], start=1):
            lines += [
                f"pg{key}-path={node.data}",
                f"pg{key}-socket-path={node.socket}",
                f"pg{key}-port={node.port}",
                f"pg{key}-user=postgres",
            ]
            if node is not own:
                lines += [
                    f"pg{key}-host=localhost",
                    f"pg{key}-host-type=tls",
                    f"pg{key}-host-port={node.pgbackrest_port}",
                    f"pg{key}-host-ca-file={tls / 'ca.crt'}",
                    f"pg{key}-host-cert-file={tls / f'{NAME}.crt'}",
                    f"pg{key}-host-key-file={tls / f'{NAME}.key'}",
                ]
        return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with Cluster() as cluster:
        yield Nodes(cluster)


def test_what_starts_twice_by_mistake_is_kept_apart_by_the_lock_on_the_primary(nodes: Nodes) -> None:
    before = nodes.backups()
    done = nodes.back_up(nodes.cluster.nodes[1:], "full", ask=False)
    assert sorted(code for code, _ in done.values()) == [0, 56], done
    assert any("unable to acquire lock" in words for _, words in done.values()), done
    assert nodes.backups() == [*before, "full"]


def took(done: dict[str, tuple[int, str]]) -> list[str]:
    assert all(code == 0 for code, _ in done.values()), done
    return [name for name, (_, words) in done.items() if "nothing to do here" not in words]


def test_always_one_node_takes_it_whoever_is_left(nodes: Nodes) -> None:
    """All nodes well; then the one that took it is dead; then the leader dies amid a backup."""
    pg1, pg2, pg3 = nodes.cluster.nodes
    before, recorded = nodes.backups(), nodes.records()
    done = nodes.back_up([pg1, pg2, pg3], "full")
    assert took(done) == ["pg2"], done
    assert nodes.backups() == [*before, "full"]

    pg2.kill()
    nodes.until_gone(pg2)
    done = nodes.back_up([pg1, pg3], "diff")
    assert took(done) == ["pg3"], done
    assert nodes.backups() == [*before, "full", "diff"]

    begun = nodes.begin(pg3, "incr", "--member=pg3")
    begun.wait_until(lambda: "taken here" in begun.log, what="the backup begins")
    pg1.kill()
    assert begun.ends_within(60), begun.log
    assert begun.stop() == 0, begun.log
    assert "once more: pg3 leads now" in begun.log
    assert nodes.backups() == [*before, "full", "diff", "incr"]

    done = nodes.back_up([pg3], "incr")
    assert "it is the primary" in done["pg3"][1]
    assert took(done) == ["pg3"], done
    assert nodes.backups() == [*before, "full", "diff", "incr", "incr"]

    told = [
        (name, one.backup_type, one.exit_code) for name, one in nodes.records() if (name, one) not in recorded
    ]
    codes = [code for _, kind, code in told if kind == "incr"]
    assert sorted(map(bool, codes)) == [False, False, True], "the one that the failover spoilt is told, too"
    assert min(told) == ("pg2", "full", 0)
