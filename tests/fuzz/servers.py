"""What comes over the network: Patroni's answers, PostgreSQL's words, requests of HTTP."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Sequence

from exporter.collectors.patroni import _topology
from exporter.model.patroni import Cluster
from exporter.patroni.answers import AnswerError, read_cluster, read_history, read_node
from exporter.postgresql import complaints
from exporter.web.connection import Limits
from exporter.web.guard import Guard
from exporter.web.server import Server
from exporter.web.site import Site
from tests.fuzz.shown import show, snapshot
from tests.fuzz.target import TESTS, Target, genuine
from tests.unit.web.served import Source

_PATIENCE = 5.0
_REPLY = re.compile(rb"(?:HTTP/1\.1 [1-5]\d\d [^\r\n]+\r\n.*)?", re.DOTALL)


def _patroni(data: bytes) -> None:
    with contextlib.suppress(AnswerError):
        topology = _topology(read_cluster(data), None)
        show(snapshot(patroni=Cluster(topology=topology)))
    with contextlib.suppress(AnswerError):
        read_node(data)
    read_history(data, 2)


def _postgresql(data: bytes) -> None:
    said = data.decode(errors="surrogateescape")
    for error in (
        complaints.connecting("pg1:5432", said),
        complaints.asking("pg1:5432", said, "XX000", "exporter", 4.5),
    ):
        if not str(error).isprintable():
            raise AssertionError(repr(str(error)))


def _http(data: bytes) -> None:
    """Any bytes on a connection of the real server: it answers or hangs up, and nothing is raised in its loop."""
    asyncio.run(_converse(data))


async def _converse(data: bytes) -> None:
    loop, wrong = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: wrong.append(context))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        guard = Guard(None)
        await guard.load()
        server = Server(Site(Source(), guard, None), tls=lambda: None, limits=Limits())
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(server.accept(listening, group))
            reply = await _ask(listening.getsockname(), data)
            await server.close()
            accepting.cancel()
    if wrong or not _REPLY.fullmatch(reply):
        raise AssertionError(f"{wrong} {reply[:200]!r}")


async def _ask(place: tuple[str, int], data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*place)
    reply = b""
    try:
        async with asyncio.timeout(_PATIENCE):
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                writer.write_eof()
                reply = await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return reply


def _requests() -> Sequence[bytes]:
    get = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text;version=1.0.0\r\n"
    return [
        get + b"Accept-Encoding: gzip;q=0.5\r\n\r\n",
        get + b"Authorization: Basic cHJvbTpzZWNyZXQ=\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"GET /-/ready HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        (get + b"\r\n") * 2 + b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]


def _complaints() -> Sequence[bytes]:
    return [
        b'connection to server at "127.0.0.1", port 1 failed: Connection refused\n\tIs the server running?\n',
        b'FATAL:  password authentication failed for user "exporter"\n',
        b"ERROR:  canceling statement due to statement timeout\n",
    ]


TARGETS = {
    "patroni": Target(_patroni, genuine("unit/patroni/samples/*/*.json", below=TESTS), (AnswerError,)),
    "postgresql": Target(_postgresql, _complaints),
    "http": Target(_http, _requests),
}
