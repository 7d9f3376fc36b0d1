import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from exporter.postgresql.complaints import ServerError
from exporter.postgresql.primary import Primary
from exporter.postgresql.server import servers


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE", "PGCONNECT_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))


def ways(conninfo: str) -> list[tuple[str, object, object]]:
    found = [(server.name, conninfo_to_dict(server.conninfo)) for server in servers(conninfo)]
    return [(name, parts.get("host"), parts["port"]) for name, parts in found]


@pytest.mark.parametrize(
    ("conninfo", "expected"),
    [
        ("host=pg1,pg2", [("pg1:5432", "pg1", "5432"), ("pg2:5432", "pg2", "5432")]),
        ("host=pg1,pg2 port=5433", [("pg1:5433", "pg1", "5433"), ("pg2:5433", "pg2", "5433")]),
        ("postgresql://pg1,pg2:6000/x", [("pg1:5432", "pg1", "5432"), ("pg2:6000", "pg2", "6000")]),
        ("host=/run/a,pg2", [("/run/a/.s.PGSQL.5432", "/run/a", "5432"), ("pg2:5432", "pg2", "5432")]),
        ("user=exporter", [("the local server at port 5432", None, "5432")]),
    ],
)
def test_each_host_is_a_server_of_its_own(conninfo: str, expected: list[tuple[str, str, str]]) -> None:
    assert ways(conninfo) == expected


def test_addresses_go_with_their_hosts() -> None:
    found = servers("host=pg1,pg2 hostaddr=10.0.0.1,10.0.0.2")
    assert [conninfo_to_dict(one.conninfo)["hostaddr"] for one in found] == ["10.0.0.1", "10.0.0.2"]
    assert [one.name for one in servers("hostaddr=10.0.0.1,10.0.0.2")] == ["10.0.0.1:5432", "10.0.0.2:5432"]


def test_a_service_is_resolved_by_libpq_and_its_password_stays_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "services").write_text("[main]\nhost=pg1,pg2\nport=5433\npassword=hush\n")
    assert ways("service=main") == [("pg1:5433", "pg1", "5433"), ("pg2:5433", "pg2", "5433")]
    assert "hush" not in repr(servers("service=main"))


def test_what_is_not_stated_is_added() -> None:
    (server,) = servers("host=pg1 target_session_attrs=standby")
    parts = conninfo_to_dict(server.conninfo)
    assert (parts["connect_timeout"], parts["dbname"]) == ("2", "postgres")
    assert parts["application_name"] == "pgbackrest-exporter"
    assert parts["target_session_attrs"] == "any", "its own answer tells what a server is"


def test_what_is_stated_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    (server,) = servers("host=pg1 connect_timeout=7 dbname=exporter user=exporter application_name=x")
    parts = conninfo_to_dict(server.conninfo)
    assert (parts["connect_timeout"], parts["dbname"], parts["application_name"]) == ("7", "exporter", "x")
    monkeypatch.setenv("PGDATABASE", "watched")
    assert "dbname" not in conninfo_to_dict(servers("host=pg1")[0].conninfo)


@pytest.mark.parametrize(
    ("conninfo", "words"),
    [
        ("service=gone", 'definition of service "gone" not found: check the connection string'),
        ("host=pg1,pg2 port=1,2,3", "could not match 3 port numbers to 2 hosts: check the connection string"),
    ],
)
def test_what_libpq_refuses_is_one_line(conninfo: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "services").touch()
    with pytest.raises(ServerError) as caught:
        servers(conninfo)
    assert str(caught.value) == words


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a host that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


async def test_silent_and_closed_ports_are_told_together_after_one_time_out(silent: int, closed: int) -> None:
    began = time.monotonic()
    with pytest.raises(ServerError) as caught:
        await Primary(f"host=127.0.0.1,127.0.0.1,127.0.0.1 port={silent},{closed},{silent}").ask(within=1)
    assert time.monotonic() - began < 3.5
    assert str(caught.value) == (
        f"no primary found: 127.0.0.1:{silent} does not answer; 127.0.0.1:{closed} refuses connections; "
        f"127.0.0.1:{silent} does not answer: check the server, host, port and firewall"
    )


async def test_a_server_that_refuses_is_left_in_peace_for_longer_and_longer(closed: int) -> None:
    now = 100.0
    primary = Primary(f"host=127.0.0.1 port={closed}", elapsed=lambda: now)
    with pytest.raises(ServerError) as first:
        await primary.ask(within=1)
    looked = []
    for second in range(101, 260):
        now = float(second)
        with pytest.raises(ServerError) as again:
            await primary.ask(within=1)
        assert str(again.value) == str(first.value)
        if again.value is not first.value:
            looked.append(second)
            first = again
    assert looked == [101, 103, 107, 115, 131, 161, 191, 221, 251]
