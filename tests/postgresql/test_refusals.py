"""What is told when a real server does not let the exporter in, hangs, or lacks a right."""

import asyncio
import logging
import socket
import time
from pathlib import Path

import pytest

from exporter.collectors.archiver import ArchiverCollector
from exporter.postgresql.complaints import ServerError
from tests.lab.postgresql import PORT
from tests.postgresql.node import Node
from tests.postgresql.reading import archiving, reader
from tests.postgresql.relay import relay

SECRET = "correct-horse"


async def refusal(collector: ArchiverCollector) -> str:
    """Read in vain; what is told is one line."""
    with pytest.raises(ServerError) as caught:
        await collector.read()
    line = str(caught.value)
    assert line.isprintable()
    return line


async def test_a_third_server_is_reached_behind_a_silent_and_a_closed_one(primary: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as other:
        ports = f"{silent.getsockname()[1]},{other.getsockname()[1]},{PORT}"
        other.close()
        conninfo = f"host=127.0.0.1,127.0.0.1,{primary.socket} port={ports} user=exporter"
        collector = reader(conninfo)
        began = time.monotonic()
        assert (await archiving(collector)).server == primary.name
        assert time.monotonic() - began < 5
        began = time.monotonic()
        await archiving(collector)
        assert time.monotonic() - began < 1, "the connection is kept"


async def test_a_missing_right_is_one_line_with_the_grant(primary: Node) -> None:
    primary.sql("create role unprivileged login")
    line = await refusal(reader(f"host={primary.socket} port={PORT} user=unprivileged"))
    assert line.startswith(f"{primary.name}: permission denied for function pg_ls_archive_statusdir: ")
    assert 'GRANT EXECUTE ON FUNCTION pg_ls_archive_statusdir() TO "unprivileged"' in line


async def test_a_missing_role_names_the_file_that_makes_it(primary: Node) -> None:
    line = await refusal(reader(f"host={primary.socket} port={PORT} user=nobody_here"))
    assert line.endswith(
        'role "nobody_here" does not exist: create it with deploy/postgresql/exporter-role.sql'
    )


@pytest.fixture
def protected(primary: Node) -> str:
    """A role with a password; the way to the server without it."""
    rule, file = "local all guarded scram-sha-256\n", primary.data / "pg_hba.conf"
    rules = file.read_text()
    if rule not in rules:
        file.write_text(rule + rules)
        primary.sql(f"create role guarded login in role pg_monitor password '{SECRET}'")
        primary.sql("select pg_reload_conf()")
    return f"host={primary.socket} port={PORT} user=guarded"


def passfile(folder: Path, password: str) -> str:
    file = folder / "pgpass"
    file.touch(0o600)
    file.write_text(f"*:*:*:guarded:{password}\n")
    return f"passfile={file}"


async def test_the_password_comes_from_the_passfile_and_is_shown_nowhere(
    protected: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = reader(f"{protected} {passfile(tmp_path, SECRET)}")
    assert (await archiving(good)).enabled
    line = await refusal(reader(f"{protected} {passfile(tmp_path, 'wrong-' + SECRET)}"))
    assert 'password authentication failed for user "guarded"' in line
    assert "~/.pgpass" in line
    assert SECRET not in line + caplog.text + repr(good) + repr(await good.read())


async def test_without_any_password_the_remedy_is_told(protected: str, tmp_path: Path) -> None:
    line = await refusal(reader(f"{protected} passfile={tmp_path}/none"))
    assert "asks for a password: put it into the passfile" in line


async def test_tls_that_the_server_does_not_speak_is_one_line(primary: Node) -> None:
    async with relay(primary.socket) as way:
        line = await refusal(reader(f"{way.conninfo} sslmode=require"))
    assert line.startswith(
        f"127.0.0.1:{way.port}: server does not support SSL, but SSL was required: check sslmode"
    )


async def test_a_server_that_falls_silent_costs_one_reading_and_is_found_again(primary: Node) -> None:
    async with relay(primary.socket) as way:
        collector = reader(way.conninfo, within=5)
        await archiving(collector)
        way.fall_silent()
        began = time.monotonic()
        line = await refusal(collector)
        assert time.monotonic() - began < 6
        assert line.startswith(f"127.0.0.1:{way.port} does not answer: ")
        way.speak()
        for _ in range(50):
            try:
                found = await archiving(collector)
            except ServerError:
                await asyncio.sleep(0.1)
            else:
                assert found.server == f"127.0.0.1:{way.port}"
                return
    raise AssertionError("it was not found again")


async def test_a_reading_of_a_silent_server_can_be_cancelled_at_once(primary: Node) -> None:
    async with relay(primary.socket) as way:
        collector = reader(way.conninfo)
        await archiving(collector)
        way.fall_silent()
        task = asyncio.create_task(collector.read())
        await asyncio.sleep(0.2)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 1


async def test_what_is_no_postgresql_is_one_line() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = await refusal(reader(f"host=127.0.0.1 port={port} user=exporter"))
    server.close()
    assert line.startswith(f"127.0.0.1:{port}")
