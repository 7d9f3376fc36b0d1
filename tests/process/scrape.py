"""What came back for a request, and the samples in it."""

import gzip
import http.client
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}
GZIP = {"Accept-Encoding": "gzip"}

# The library's parsers have no types of their own.
_PARSERS = (
    cast("Callable[[str], Iterable[Metric]]", parse_text),
    cast("Callable[[str], Iterable[Metric]]", parse_openmetrics),
)

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]

# The process's own metrics, and ages, differ from scrape to scrape.
_LIVE = re.compile(r"(process|python)_.*|.*_(age|lag)_seconds")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return (
            gzip.decompress(self.body) if self.headers.get("Content-Encoding") == "gzip" else self.body
        ).decode()

    def samples(self) -> Samples:
        """Every sample; parsing fails for a line that is none, and so for half of an exposition."""
        parse = _PARSERS["openmetrics" in self.headers["Content-Type"]]
        samples = [sample for family in parse(self.text) for sample in family.samples]
        found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
        assert len(found) == len(samples), "a sample came twice"
        return found

    def facts(self) -> Samples:
        """Every sample that stays the same until something happens."""
        return {key: value for key, value in self.samples().items() if not _LIVE.fullmatch(key[0])}

    def value(self, name: str, **labels: str) -> float | None:
        """One sample, without the prefix; None: it is not there."""
        return self._of(name).get(frozenset(labels.items()))

    def names(self, name: str, label: str = "stanza") -> set[str]:
        """The values of one label in all samples of that name."""
        return {dict(labels)[label] for labels in self._of(name)}

    def _of(self, name: str) -> Mapping[frozenset[tuple[str, str]], float]:
        """The samples of one name; only these are parsed, since many tests wait for one of them."""
        lines = [line for line in self.text.splitlines() if re.match(rf"pgbackrest_{name}[{{ ]", line)]
        families = _PARSERS[0]("\n".join(lines) + "\n")
        return {frozenset(one.labels.items()): one.value for family in families for one in family.samples}


def ask(
    place: tuple[str, int] | str, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request to (host, port), or to the path of a UNIX socket."""
    connection = (
        _UnixConnection(place) if isinstance(place, str) else http.client.HTTPConnection(*place, timeout=10)
    )
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(self._path)
