"""A real Prometheus beside the lab: given scrape jobs, asked through its query API."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

from tests.lab.child import Child
from tests.lab.exporter import free_port
from tests.lab.program import find, until
from tests.lab.site import Site

Labels: TypeAlias = Mapping[str, str]


class Prometheus:
    """`with Prometheus(lab, jobs) as prometheus:` – scraping every second; jobs are `scrape_configs`."""

    def __init__(self, lab: Site, jobs: Sequence[Mapping[str, Any]]) -> None:
        self._lab = lab
        self._jobs = jobs
        self._program = find("prometheus", "apt-get install prometheus")
        self._address = f"127.0.0.1:{free_port(19090)}"

    def __enter__(self) -> Self:
        folder = self._lab.path / "prometheus"
        folder.mkdir()
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": list(self._jobs),
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        self._child = Child(
            (
                self._program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self._address}",
            ),
            env=self._lab.environment,
            cwd=folder,
            log=folder / "prometheus.log",
        )
        try:
            self._child.wait_until(lambda: self._get("/-/ready"), what="Prometheus is ready")
            everything_up = f"count(up == 1) == {len(self._jobs)}"
            until(lambda: self.query(everything_up), within=15, what=everything_up)
        except BaseException:
            self._child.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._child.stop()

    @property
    def address(self) -> str:
        """Its host and port."""
        return self._address

    def query(self, expression: str) -> list[tuple[Labels, float]]:
        """The instant vector of a PromQL expression, now."""
        parameters = urllib.parse.urlencode({"query": expression})
        document = json.loads(self._get(f"/api/v1/query?{parameters}"))
        return [(row["metric"], float(row["value"][1])) for row in document["data"]["result"]]

    def value(self, expression: str) -> float:
        """The single value of an expression."""
        ((_, value),) = self.query(expression)
        return value

    def _get(self, path: str) -> bytes:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self._address}{path}", timeout=10) as answer:
            content: bytes = answer.read()
        return content
