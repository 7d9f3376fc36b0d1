"""A Prometheus asked as Grafana asks it: any one, and one that scrapes nothing and answers from a filled folder."""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.dashboards.boards import EVERYTHING, Query
from tests.lab.child import Child
from tests.lab.exporter import free_port
from tests.lab.program import find

LOOK_BACK = "10m"  # the invented fleet has a sample every five minutes


@dataclass(frozen=True, slots=True)
class Api:
    """The query API of the Prometheus at *address*."""

    address: str

    def answer(
        self,
        query: Query,
        *,
        at: int,
        span: int = 3600,
        step: int = 60,
        variables: Mapping[str, str] = EVERYTHING,
    ) -> tuple[list[Any], float]:
        """The series that a panel's query returns as Grafana asks it, and how many seconds that took."""
        expression = query.with_variables(variables)
        began = time.monotonic()
        if query.instant:
            document = self._ask("/api/v1/query", {"query": expression, "time": at})
        else:
            document = self._ask(
                "/api/v1/query_range", {"query": expression, "start": at - span, "end": at, "step": step}
            )
        series: list[Any] = json.loads(document)["data"]["result"]
        return series, time.monotonic() - began

    def _ask(self, path: str, parameters: dict[str, Any]) -> bytes:
        try:
            return self.get(path, parameters)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{error.read().decode()}: {parameters}") from None

    def get(self, path: str, parameters: dict[str, Any]) -> bytes:
        """A page's bytes; OSError while nobody answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        body = urllib.parse.urlencode(parameters).encode() or None
        with opener.open(f"http://{self.address}{path}", body, timeout=60) as answer:
            content: bytes = answer.read()
        return content


class Server:
    """`with Server(folder) as server:` – *folder* holds the blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._address = f"127.0.0.1:{free_port(19290)}"
        self.api = Api(self._address)

    def __enter__(self) -> Self:
        config = self._folder.with_name(self._folder.name + ".yml")
        config.write_text("{}\n")
        self._child = Child(
            (
                find("prometheus", "apt-get install prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={self._folder}",
                "--storage.tsdb.retention.time=10y",
                f"--query.lookback-delta={LOOK_BACK}",
                f"--web.listen-address={self._address}",
            ),
            env=dict(os.environ),
            cwd=self._folder,
            log=self._folder.with_name(self._folder.name + ".log"),
        )
        try:
            self._child.wait_until(lambda: self.api.get("/-/ready", {}), what="Prometheus is ready")
        except BaseException:
            self._child.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._child.stop()

    def answer(self, query: Query, *, at: int) -> tuple[list[Any], float]:
        """As `Api.answer`."""
        return self.api.answer(query, at=at)
