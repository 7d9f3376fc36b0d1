"""The repository host: pgBackRest's server for the nodes, backups for both repositories."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.certificates import Certificates
from tests.cluster.deployed import deployed
from tests.cluster.filesystem import SmallFilesystem
from tests.cluster.node import Node, Secrets
from tests.cluster.ports import Ports
from tests.cluster.services import S3
from tests.lab.child import Child
from tests.lab.program import run
from tests.lab.site import Site

NAME = "repo-host"
STANZA = "main"


class Repository:
    """A host: its own folder, port, certificate and configuration; repository 1 has a filesystem of its own."""

    def __init__(self, site: Site, ports: Ports, certificates: Certificates) -> None:
        self._site = site
        self.path = site.own(site.path / NAME)
        self.log_path = site.own(self.path / "log")
        self.lock_path = self.path / "lock"
        self.port = ports.take()
        self.filesystem = SmallFilesystem(site, self.path / "disk")
        self.repo1 = self.filesystem.folder
        certificates.issue(NAME, self.path / "tls")
        self.config = self.path / "pgbackrest.conf"
        self._changes: dict[str, str] = {}
        self._server: Child | None = None

    def configure(self, nodes: Sequence[Node], s3: S3, secrets: Secrets) -> None:
        """Write pgbackrest.conf."""
        self._changes = {
            "/var/lib/pgbackrest": str(self.repo1),
            "repo2-s3-bucket=backup": f"repo2-s3-bucket={s3.bucket}",
            "repo2-s3-endpoint=s3.example.net": (
                "repo2-s3-endpoint=localhost\nrepo2-storage-host=localhost\nrepo2-s3-uri-style=path\n"
                f"repo2-storage-port={s3.port}\nrepo2-storage-ca-file={s3.ca_file}"
            ),
            "KEY-of-s3": s3.key,
            "SECRET-of-s3": s3.secret,
            "SECRET-of-repo2": secrets.repo2,
            "/etc/pgbackrest/tls": str(self.path / "tls"),
            "log-path=/var/log/pgbackrest": f"log-path={self.log_path}",
            "lock-path=/tmp/pgbackrest": f"lock-path={self.lock_path}",
            "tls-server-address=*": "tls-server-address=127.0.0.1",
            "tls-server-port=8432": f"tls-server-port={self.port}",
        }
        for key, node in enumerate(nodes, start=1):
            self._changes |= {
                f"pg{key}-host=pg{key}": f"pg{key}-host=localhost\npg{key}-host-port={node.pgbackrest_port}",
                f"pg{key}-path=/var/lib/postgresql/15/main": f"pg{key}-path={node.data}",
                f"pg{key}-socket-path=/var/run/postgresql": f"pg{key}-socket-path={node.socket}",
                f"pg{key}-port=5432": f"pg{key}-port={node.port}",
            }
        self.reconfigure()

    def reconfigure(self, further: Mapping[str, str] | None = None) -> None:
        """Write pgbackrest.conf again, with further changes of its text."""
        self._site.write(
            self.config, deployed("repository/pgbackrest.conf", self._changes | dict(further or {}))
        )

    @property
    def environment(self) -> dict[str, str]:
        """On a host of its own the file would be /etc/pgbackrest/pgbackrest.conf."""
        return self._site.servers_environment | {"PGBACKREST_CONFIG": str(self.config)}

    def start(self) -> None:
        """Start `pgbackrest server`."""
        self._server = Child(
            (*self._site.account.prefix, self._site.program, "server"),
            env=self.environment,
            cwd=self.path,
            log=self.path / "pgbackrest-server.log",
        )

    def end(self) -> None:
        """Nobody needs it any more."""
        if self._server is not None:
            self._server.kill()

    def pgbackrest(self, *arguments: str, within: float = 180) -> str:
        """Standard output of a command for the stanza; LabError with its own words when it fails."""
        quiet = ("--log-level-console=off", "--log-level-stderr=error")
        argv = (*self._site.account.prefix, self._site.program, f"--stanza={STANZA}", *quiet, *arguments)
        return run(argv, env=self.environment, cwd=self.path, within=within)

    def begin(self, *arguments: str) -> Child:
        """Start a command and leave it running."""
        argv = (*self._site.account.prefix, self._site.program, f"--stanza={STANZA}", *arguments)
        return Child(argv, env=self.environment, cwd=self.path, log=self.path / "begun.log")

    def backup(self, backup_type: str, repo: int = 1, *options: str) -> None:
        """Take a backup: full, diff or incr."""
        self.pgbackrest(f"--type={backup_type}", f"--repo={repo}", *options, "backup")

    def info(self) -> dict[str, Any]:
        """What pgBackRest itself says of the stanza."""
        document: list[dict[str, Any]] = json.loads(self.pgbackrest("--output=json", "info"))
        return document[0]
