"""`with Cluster() as cluster:` – everything runs, both repositories have the stanza, and nothing is left behind."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.certificates import Certificates
from tests.cluster.deployed import deployed
from tests.cluster.http import ask
from tests.cluster.node import Node, Secrets
from tests.cluster.ports import Ports
from tests.cluster.repository import Repository
from tests.cluster.services import S3, Etcd
from tests.lab.program import LabError, until
from tests.lab.site import Site

NODES = ("pg1", "pg2", "pg3")
_ROLE = Path(__file__).resolve().parents[2] / "deploy" / "postgresql" / "exporter-role.sql"


class Cluster(Site):
    """Three nodes, a repository host, etcd and S3, on ports of 127.0.0.1. `say` hears of each step."""

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        super().__init__()
        self._say = say
        self._ends = ExitStack()

    def dismantle(self) -> None:
        """Patroni would stop its PostgreSQL in order, and start it again where somebody else stops it."""
        self._ends.close()

    def furnish(self) -> None:
        """Start it all: what does not depend on each other at the same time."""
        ports, certificates = Ports(), Certificates(self)
        self._secrets = Secrets(**{name: secrets.token_hex(16) for name in Secrets.__slots__})
        self._say(f"etcd and an S3 server, in {self.path}")
        self.etcd = Etcd(self, ports)
        self._ends.callback(self.etcd.end)
        self.s3 = S3(self, ports, certificates)
        self._ends.callback(self.s3.stop)
        self.nodes = [Node(self, name, ports, certificates) for name in NODES]
        self.repository = Repository(self, ports, certificates)
        self.repository.configure(self.nodes, self.s3, self._secrets)
        for node in self.nodes:
            node.configure(
                etcd=self.etcd.address, repository_port=self.repository.port, secrets=self._secrets
            )
            self._ends.callback(node.end)
            node.start_pgbackrest()
        self._ends.callback(self.repository.end)
        self.repository.start()
        self.etcd.wait()
        self._start_databases()

    def _start_databases(self) -> None:
        self._say("Patroni on pg1, which makes the cluster")
        self.nodes[0].start_patroni()
        self.wait(lambda: self.leader() is self.nodes[0], "pg1 leads", within=60)
        self._say("the stanza in both repositories, the exporter's role")
        self.s3.wait()
        # The other nodes are not there yet: pgBackRest warns of them and goes on.
        self.repository.pgbackrest("stanza-create")
        self.sql(_ROLE.read_text())
        self.sql(f"alter role exporter password '{self._secrets.exporter}'")
        self.sql("create table lab (id bigserial primary key, written timestamptz default now(), words text)")
        self._say("Patroni on pg2 and pg3, which become replicas")
        for node in self.nodes[1:]:
            node.start_patroni()
        self.wait(lambda: len(self.streaming()) == 2, "two replicas stream", within=90)

    @property
    def config(self) -> Path:
        """The exporter runs on the repository host."""
        return self.repository.config

    def exporter_settings(self, changes: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """What deploy/patroni/repository/exporter.yml says; *changes* are laid over its sections."""
        ports = ",".join(str(node.port) for node in self.nodes)
        urls = {f"http://{node.name}:8008": node.url for node in self.nodes}
        hosts = {"host=pg1,pg2,pg3 port=5432": f"host=127.0.0.1,127.0.0.1,127.0.0.1 port={ports}"}
        text = deployed("repository/exporter.yml", urls | hosts)
        settings: dict[str, Any] = yaml.safe_load(text)
        state = self.path / "state"
        state.mkdir(exist_ok=True)
        settings |= {"pgbackrest": {"config": str(self.config)}, "state_path": str(state)}
        self.write(
            self.path / ".pgpass",
            "".join(
                f"127.0.0.1:{node.port}:postgres:exporter:{self._secrets.exporter}\n" for node in self.nodes
            ),
        )
        for section, options in (changes or {}).items():
            settings[section] = settings.get(section, {}) | dict(options)
        return settings

    def node_settings(self, node: Node) -> dict[str, Any]:
        """What deploy/patroni/node/exporter.yml says, for one node."""
        settings: dict[str, Any] = yaml.safe_load(deployed("node/exporter.yml", {}))
        state = self.path / f"state-{node.name}"
        state.mkdir(exist_ok=True)
        often = {"runs": {"every": "1s", "within": "10s"}, "state_path": str(state)}
        return settings | often | {"pgbackrest": {"config": str(node.config)}}

    # --- what Patroni says ---------------------------------------------------------------------------------

    def view(self) -> dict[str, Any]:
        """GET /cluster of the first node that answers; OSError when none does."""
        for node in self.nodes:
            try:
                found: dict[str, Any] = ask(f"{node.url}/cluster")
            except OSError:
                continue
            return found
        raise OSError("no Patroni answers")

    def leader(self) -> Node | None:
        """The node that Patroni calls leader and that takes writes, if there is one."""
        names = [member["name"] for member in self.view()["members"] if _leads(member)]
        found = next((node for node in self.nodes if node.name in names), None)
        if found is None or not found.answers() or found.sql("select pg_is_in_recovery()") != "f":
            return None
        return found

    def primary(self) -> Node:
        """The leader, which must be there."""
        found = self.leader()
        if found is None:
            raise LabError(f"the cluster has no leader: {self.view()}")
        return found

    def streaming(self) -> list[Node]:
        """The replicas that follow."""
        names = {
            member["name"]
            for member in self.view()["members"]
            if member["role"] == "replica" and member["state"] in ("running", "streaming")
        }
        primary = self.primary()
        slots = primary.sql(
            "select coalesce(string_agg(application_name, ','), '') from pg_stat_replication"
            " where state = 'streaming'"
        ).split(",")
        return [node for node in self.nodes if node.name in names and node.name in slots]

    def sql(self, statement: str, *, within: float = 60) -> str:
        """On the primary."""
        return self.primary().sql(statement, within=within)

    def insert(self, rows: int) -> None:
        """Write so many rows of about 100 bytes."""
        self.sql(f"insert into lab (words) select repeat(md5(n::text), 2) from generate_series(1, {rows}) n")

    def switch_wal(self, segments: int = 1) -> str:
        """Finish so many WAL segments; the name of the last one. It is not waited for."""
        # A segment in which nothing was written is not switched.
        step = "select pg_logical_emit_message(false, 'lab', 'x'); select pg_walfile_name(pg_switch_wal());"
        return self.sql(step * segments).split()[-1]

    def wait_until_followed(self, replicas: int, within: float = 60) -> None:
        """Until a leader and so many streaming replicas are there."""

        def followed() -> bool:
            return self.leader() is not None and len(self.streaming()) >= replicas

        self.wait(followed, f"a leader and {replicas} streaming replicas", within=within)

    def wait_until_whole(self, within: float = 60) -> None:
        """Until a leader and all replicas are there."""
        self.wait_until_followed(len(self.nodes) - 1, within=within)

    def wait_until_leads(self, wanted: Callable[[Node], bool], within: float = 60) -> None:
        """Until such a node leads."""

        def leads() -> bool:
            leader = self.leader()
            return leader is not None and wanted(leader)

        self.wait(leads, "another leader", within=within)

    def wait(self, holds: Callable[[], bool], what: str, within: float) -> None:
        """Until it holds; where that takes too long, the error tells what the nodes have said."""

        def quietly() -> bool:
            try:
                return holds()
            except (OSError, LabError):
                return False

        try:
            until(quietly, within=within, what=what, every=0.2)
        except LabError as error:
            logs = "\n".join(f"--- {node.name}\n{node.log}" for node in self.nodes)
            raise LabError(f"{error}\n{logs}") from None


def _leads(member: Mapping[str, Any]) -> bool:
    return (member["role"], member["state"]) == ("leader", "running")
