"""A database that cannot be asked costs its own metrics and no others'; its password is shown nowhere."""

import signal
import socket
from collections.abc import Iterator

import pytest

from tests.process.conftest import CORPUS
from tests.process.host import Host

PASSWORD = "word-of-the-database"


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_databases_that_are_down_or_silent_fail_alone(host: Host, silent: int) -> None:
    host.variables["PGPASSWORD"] = PASSWORD
    refusing = closed()
    ways = {"demo": refusing, "other": silent}
    host.sets(
        stanzas={
            name: {"postgresql": f"host=127.0.0.1 port={port} user=exporter"} for name, port in ways.items()
        },
        archiver={"every": "1s", "within": "4s"},
    )
    host.standin.prints((CORPUS / "full_diff_incr.json").read_bytes())
    exporter = host.start("--log.level=debug").until_ready()
    for name in ways:
        scrape = exporter.scrape()
        assert scrape.value("exporter_collector_success", collector="archiver", stanza=name) == 0
    assert exporter.works(), "pgbackrest info"
    assert exporter.scrape().names("wal_archive_lag_seconds") == set()
    page = exporter.page
    assert f"127.0.0.1:{refusing} refuses connections: start PostgreSQL, or check host and port" in page
    assert f"127.0.0.1:{silent} does not answer: check the server, host, port and firewall" in page
    assert exporter.end(signal.SIGTERM) < 5
    assert PASSWORD not in page + scrape.text + exporter.log
