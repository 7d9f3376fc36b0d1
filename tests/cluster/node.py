"""One database node: Patroni with its PostgreSQL, and pgBackRest's server beside it."""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.certificates import Certificates
from tests.cluster.deployed import deployed
from tests.cluster.http import ask
from tests.cluster.ports import Ports
from tests.lab.child import Child
from tests.lab.postgresql import binaries
from tests.lab.program import LabError, find, run
from tests.lab.site import Site

# For a laboratory that is thrown away: nothing is synced, and little memory taken.
_UNSYNCED = """\
    fsync: "off"
    full_page_writes: "on"
    shared_buffers: 16MB
    min_wal_size: 32MB
    max_wal_size: 256MB"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Made anew for every cluster."""

    replicator: str
    rewind: str
    exporter: str
    repo2: str


class Node:
    """A host: its own folder, ports, certificate and configuration."""

    def __init__(self, site: Site, name: str, ports: Ports, certificates: Certificates) -> None:
        self.name = name
        self._site = site
        self.path = site.own(site.path / name)
        self.data = self.path / "data"
        self.socket = site.own(self.path / "socket")
        self.spool = site.own(self.path / "spool")
        self.log_path = site.own(self.path / "log")
        self.port, self.rest_port, self.pgbackrest_port = ports.take(), ports.take(), ports.take()
        certificates.issue(name, self.path / "tls")
        self.config = self.path / "pgbackrest.conf"
        self._patroni_yml = self.path / "patroni.yml"
        self._patroni: Child | None = None
        self._server: Child | None = None
        self._starts = 0

    @property
    def url(self) -> str:
        """Patroni's REST API."""
        return f"http://127.0.0.1:{self.rest_port}"

    @property
    def environment(self) -> dict[str, str]:
        """On a host of its own the file would be /etc/pgbackrest/pgbackrest.conf."""
        return self._site.servers_environment | {"PGBACKREST_CONFIG": str(self.config)}

    def configure(self, *, etcd: str, repository_port: int, secrets: Secrets) -> None:
        """Write patroni.yml and pgbackrest.conf."""
        self._site.write(
            self._patroni_yml, deployed("node/patroni.yml", self._patroni_changes(etcd, secrets))
        )
        self.reconfigure(repository_port)

    def reconfigure(self, repository_port: int, further: Mapping[str, str] | None = None) -> None:
        """Write pgbackrest.conf again, with further changes of its text."""
        changes = self._pgbackrest_changes(repository_port) | dict(further or {})
        self._site.write(self.config, deployed("node/pgbackrest.conf", changes))

    def start_pgbackrest(self) -> None:
        """Start `pgbackrest server`."""
        self._server = Child(
            (*self._site.account.prefix, self._site.program, "server"),
            env=self.environment,
            cwd=self.path,
            log=self.path / "pgbackrest-server.log",
        )

    def start_patroni(self) -> None:
        """Start Patroni, which starts PostgreSQL; the log of an earlier start is kept."""
        self._starts += 1
        self._patroni = Child(
            (*self._site.account.prefix, find("patroni", "apt-get install patroni"), str(self._patroni_yml)),
            env=self.environment,
            cwd=self.path,
            log=self.path / f"patroni-{self._starts}.log",
        )

    @property
    def runs(self) -> bool:
        """Whether its Patroni does."""
        return self._patroni is not None and not self._patroni.ends_within(0)

    @property
    def log_text(self) -> str:
        """What Patroni and PostgreSQL have said since Patroni started."""
        return self._patroni.log if self._patroni else ""

    @property
    def log(self) -> str:
        """The end of it."""
        return self.log_text[-6000:]

    def stop_patroni(self) -> None:
        """As for maintenance: PostgreSQL ends, too."""
        if self._patroni is not None:
            self._patroni.stop(within=60)

    def kill(self) -> None:
        """As when the machine dies: Patroni and PostgreSQL get SIGKILL. What does not run is no error."""
        if self._patroni is None:
            return
        self._patroni.kill()
        for pid in self._servers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """The whole host, pgBackRest's server included."""
        self.kill()
        if self._server is not None:
            self._server.kill()

    def _servers(self) -> list[int]:
        """The postmaster and its children; a pid of an earlier life has another working folder."""
        try:
            postmaster = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            if Path(f"/proc/{postmaster}/cwd").readlink() != self.data:
                return []
            children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        except (OSError, ValueError):
            return []
        return [postmaster, *map(int, children.split())]

    def state(self) -> dict[str, Any]:
        """What Patroni says of this node; OSError while it says nothing."""
        found: dict[str, Any] = ask(f"{self.url}/patroni")
        return found

    def sql(self, statement: str, *, within: float = 60) -> str:
        """The single value that a statement returns, or "" for none."""
        argv = (
            *self._site.account.prefix, str(binaries() / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1",
            "-h", str(self.socket), "-p", str(self.port), "-U", "postgres", "-d", "postgres",
        )  # fmt: skip
        return run(argv, env=self.environment, cwd=self.path, stdin=statement, within=within).strip()

    def answers(self) -> bool:
        """Whether PostgreSQL can be asked."""
        try:
            return self.sql("select 1", within=5) == "1"
        except LabError:
            return False

    def _patroni_changes(self, etcd: str, secrets: Secrets) -> dict[str, str]:
        return {
            "name: pg1 ": f"name: {self.name} ",
            "0.0.0.0:8008": f"127.0.0.1:{self.rest_port}",
            "pg1:8008": f"127.0.0.1:{self.rest_port}",
            "[etcd1:2379, etcd2:2379, etcd3:2379]": f'["{etcd}"]',
            "ttl: 30": "ttl: 6",
            "loop_wait: 10": "loop_wait: 1",
            "retry_timeout: 10": "retry_timeout: 2",
            "wal_keep_size: 1GB": "wal_keep_size: 64MB",
            # The account need not be called postgres; the socket's folder is private.
            "local all all peer": "local all all trust",
            "10.0.0.0/24": "127.0.0.1/32",
            "0.0.0.0:5432": f"127.0.0.1:{self.port}",
            "pg1:5432": f"127.0.0.1:{self.port}",
            "/var/lib/postgresql/15/main": str(self.data),
            "/usr/lib/postgresql/15/bin": str(binaries()),
            "/var/lib/postgresql/.pgpass-patroni": str(self.path / "pgpass"),
            "unix_socket_directories: /var/run/postgresql": f"unix_socket_directories: {self.socket}\n{_UNSYNCED}",
            "SECRET-replicator": secrets.replicator,
            "SECRET-rewind": secrets.rewind,
        }

    def _pgbackrest_changes(self, repository_port: int) -> dict[str, str]:
        tls = self.path / "tls"
        return {
            **{
                f"repo{key}-host=repo-host": f"repo{key}-host=localhost\nrepo{key}-host-port={repository_port}"
                for key in (1, 2)
            },
            "/etc/pgbackrest/tls/ca.crt": str(tls / "ca.crt"),
            "/etc/pgbackrest/tls/node": str(tls / self.name),
            "tls-server-address=*": "tls-server-address=127.0.0.1",
            "tls-server-port=8432": f"tls-server-port={self.pgbackrest_port}",
            "spool-path=/var/spool/pgbackrest": f"spool-path={self.spool}",
            "log-path=/var/log/pgbackrest": f"log-path={self.log_path}",
            "lock-path=/tmp/pgbackrest": f"lock-path={self.path / 'lock'}",
            "/var/lib/postgresql/15/main": str(self.data),
            "/var/run/postgresql": str(self.socket),
            "pg1-port=5432": f"pg1-port={self.port}",
        }
