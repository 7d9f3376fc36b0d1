"""The exporter as a child process beside the lab, and what its pages say."""

import base64
import json
import socket
import ssl
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab.child import Child
from tests.lab.program import LabError
from tests.lab.site import Site

PREFERRED_PORT = 9854
PROJECT = Path(__file__).resolve().parents[2]


def free_port(first: int) -> int:
    """The first port of 127.0.0.1 from there on at which nobody listens."""
    for port in range(first, first + 1000):
        if _is_free(port):
            return port
    raise LabError(f"no free port of 127.0.0.1 between {first} and {first + 1000}")


class Exporter:
    """`with Exporter(lab) as exporter:` – started, ready, and ended afterwards.

    settings: the YAML file as a mapping; the lab's pgBackRest is added. arguments: further flags.
    environment: variables that are added.
    tls, credentials: for a server whose web configuration asks for them.
    """

    def __init__(
        self,
        lab: Site,
        *,
        settings: Mapping[str, Any] | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        port: int = PREFERRED_PORT,
        tls: ssl.SSLContext | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self._lab = lab
        self._settings = {"pgbackrest": {"config": str(lab.config)}} | dict(settings or {})
        self._arguments = arguments
        self._environment = environment or {}
        self._tls = tls
        self._credentials = credentials
        self.port = free_port(port)

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_until_ready()
        except BaseException as error:
            self.child.stop()
            if isinstance(error, LabError) and not _is_free(self.port):
                # Somebody else took the port after we had found it free: a second demo, perhaps.
                self.port = free_port(self.port + 1)
                return self.__enter__()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.child.stop()

    @property
    def address(self) -> str:
        """For example http://127.0.0.1:9854."""
        host = "localhost" if self._tls else "127.0.0.1"
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def start(self) -> None:
        """Start it without waiting."""
        settings = self._lab.path / f"exporter-{self.port}.yml"
        settings.write_text(json.dumps(self._settings, indent=2))  # JSON is YAML
        flags = ("--config.file", str(settings), "--web.listen-address", f"127.0.0.1:{self.port}")
        self.child = Child(
            (sys.executable, "-m", "exporter", *flags, *self._arguments),
            env=self._lab.environment
            | {"PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
            | dict(self._environment),
            cwd=self._lab.path,
            log=settings.with_suffix(".log"),
        )

    def wait_until_ready(self) -> None:
        """Until it listens and its first look at pgBackRest is over."""
        self.child.wait_until(lambda: self.child.listens_at(self.port), what=f"listening at port {self.port}")
        self.child.wait_until(lambda: self.get("/-/ready"), what=f"{self.address}/-/ready answers 200")

    def get(self, path: str) -> str:
        """A page's text; urllib.error.HTTPError for an answer other than 200."""
        return self.get_as(self._credentials, path)

    def get_as(self, credentials: tuple[str, str] | None, path: str) -> str:
        """The same as somebody else (name and password), or without a name."""
        request = urllib.request.Request(f"{self.address}{path}")
        if credentials:
            token = base64.b64encode(":".join(credentials).encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        https = urllib.request.HTTPSHandler(context=self._tls)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with opener.open(request, timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def scrape(self) -> str:
        """/metrics in the text format."""
        return self.get("/metrics")


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
