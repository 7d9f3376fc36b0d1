"""Fixtures of the process tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.host import Host
from tests.process.running import Running

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "2.59.1"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A machine with a healthy pgbackrest of one stanza; after the test nothing that was started there is left."""
    host = Host(tmp_path)
    host.standin.prints((CORPUS / "full_diff_incr.json").read_bytes())
    try:
        yield host
    finally:
        host.leave()


@pytest.fixture
def exporter(host: Host) -> Running:
    """An exporter on that machine, whose first reading is over."""
    return host.start().until_ready()
