"""Slow and hostile clients: each is ended in time, none keeps the others out."""

import asyncio
import contextlib
import errno
import gc
import os
import socket
import ssl
import struct
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from exporter.web import listen
from exporter.web import site as web
from exporter.web.connection import Connection, Limits
from tests.unit.web.served import (
    PATIENCE,
    QUICK,
    Body,
    Client,
    Served,
    Source,
    served,
    trusting,
    until,
    write_certificate,
)

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
AGAIN = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""What Client.ask() sends: byte for byte the request of before."""


@contextlib.asynccontextmanager
async def client_of(site: Served) -> AsyncIterator[Client]:
    client = await site.connect()
    try:
        yield client
    finally:
        await client.close()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    "sent", [b"", b"G", REQUEST, REQUEST + b"X-Slow: "], ids=["nothing", "byte", "line", "header"]
)
async def test_a_client_that_does_not_finish_its_first_request_is_ended(sent: bytes) -> None:
    async with served(limits=QUICK) as site, client_of(site) as client:
        await client.send(sent)
        assert await client.ended() == b""


async def test_a_client_that_drips_a_header_is_ended() -> None:
    async with served(limits=QUICK) as site, client_of(site) as client:
        await client.send(REQUEST)
        ended = asyncio.create_task(client.ended())
        while not ended.done():
            with contextlib.suppress(ConnectionError):
                await client.send(b"X-Slow: drip\r\n")
            await asyncio.wait([ended], timeout=0.02)
        assert ended.result() == b""


async def test_half_a_request_on_a_kept_connection_is_ended() -> None:
    limits = Limits(head=0.2, idle=3600)
    async with served(limits=limits) as site, client_of(site) as client:
        assert (await client.ask("/metrics")).status == 200
        await client.send(REQUEST)
        assert await client.ended() == b""


async def test_half_a_request_behind_a_whole_one_is_ended() -> None:
    limits = Limits(head=0.2, idle=3600)
    async with served(limits=limits) as site, client_of(site) as client:
        await client.send(REQUEST + b"\r\n" + REQUEST)
        assert (await client.reply()).status == 200
        assert await client.ended() == b""


async def test_an_idle_connection_is_ended_later_than_half_a_request() -> None:
    limits = Limits(head=0.1, idle=1.0)
    async with served(limits=limits) as site, client_of(site) as client:
        loop = asyncio.get_running_loop()
        await client.ask("/metrics")
        began = loop.time()
        assert await client.ended() == b""
        assert loop.time() - began > 0.5


async def test_a_client_that_does_not_read_is_ended() -> None:
    piece = b"x" * 256 * 1024
    limits = Limits(stalled=0.3)
    given = []

    def pieces() -> object:
        for _ in range(10_000):
            given.append(1)
            yield piece

    source = Source(Body(pieces(), 10_000 * len(piece)))  # type: ignore[arg-type]
    async with served(source, limits=limits) as site, client_of(site) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        both = descriptors()
        await client.send(REQUEST + b"\r\n")
        await until(lambda: descriptors() == both - 1)
        assert 0 < len(given) < 100, "no more is made than the client takes"


async def test_a_client_that_asks_again_and_again_and_never_reads_is_ended() -> None:
    source = Source(Body((b"x" * 100_000,), 100_000))
    async with served(source, limits=Limits(stalled=0.3)) as site, client_of(site) as client:
        assert (await client.ask("/metrics")).status == 200
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        both = descriptors()
        async with asyncio.timeout(PATIENCE):
            while descriptors() == both:
                with contextlib.suppress(ConnectionError):
                    await client.send(REQUEST + b"\r\n")
                await asyncio.sleep(0.001)
        assert len(source.asked) < 500, "no more is made than the kernel takes"


@pytest.mark.parametrize("wish", [b"", b"Connection: close\r\n"], ids=["kept", "closing"])
async def test_a_client_that_leaves_the_last_bytes_is_ended(wish: bytes) -> None:
    """The answer is a little more than the kernel takes; the rest stays in this process."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        probe = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
        accepted.setblocking(False)
        room = 0
        with contextlib.suppress(BlockingIOError), probe, accepted:
            while True:
                room += accepted.send(b"x" * 64 * 1024)
    sizes = [room + extra * 32 * 1024 for extra in range(-2, 6)]
    before = descriptors()
    for size in sizes:
        source = Source(Body((b"x" * size,), size))
        async with served(source, limits=Limits(stalled=0.2, idle=0.4)) as site:
            with socket.socket() as sock:
                sock.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(sock, ("127.0.0.1", site.port))
                await loop.sock_sendall(sock, REQUEST + wish + b"\r\n")
                while not source.asked:
                    await asyncio.sleep(0.005)
                # Of the site's socket and the two ends of the connection, the server's end goes.
                await until(lambda: descriptors() == before + 2)
    assert descriptors() == before


async def test_a_client_that_reads_slowly_but_steadily_gets_it_all() -> None:
    piece = b"x" * 64 * 1024
    source = Source(Body((piece for _ in range(200)), 200 * len(piece)))
    async with served(source, limits=Limits(stalled=0.4)) as site:
        with socket.socket() as sock:
            # With the usual buffer the kernel would take megabytes at a time, and then nothing for long.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", site.port))
            await loop.sock_sendall(sock, REQUEST + b"Connection: close\r\n\r\n")
            began, received, turns = loop.time(), 0, 0
            while data := await loop.sock_recv(sock, 128 * 1024):
                received, turns = received + len(data), turns + 1
                if turns <= 50:
                    await asyncio.sleep(0.02)
        assert received > 200 * len(piece)
        assert loop.time() - began > 0.8, "twice as long as a client may stand still"


async def test_an_answer_has_an_end_even_for_a_steady_reader() -> None:
    piece = b"x" * 64 * 1024
    limits = Limits(stalled=0.2, answer=0.5)
    source = Source(Body((piece for _ in range(10**6)), 10**6 * len(piece)))
    async with served(source, limits=limits) as site, client_of(site) as client:
        await client.send(REQUEST + b"\r\n")
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while await client.reader.read(64 * 1024):
                    await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", 431),
        (REQUEST + b"X-Big: " + b"x" * 100_000 + b"\r\n\r\n", 431),
        (REQUEST + b"X-Big: " + b"x" * 9_000, 431),
        (REQUEST + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"\x00" * 1000, 400),
        (b"HELLO\r\n\r\n", 400),
        (b"GET /metrics HTTP/9.9\r\n\r\n", 400),
        (REQUEST + b"Content-Length: -1\r\n\r\n", 400),
        (REQUEST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (REQUEST + b"Bad Header\r\n\r\n", 400),
    ],
)
async def test_what_is_no_request_gets_one_sentence_and_no_log(
    request_: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with served() as site, client_of(site) as client:
        await client.send(request_)
        answer = await client.ended()
        # Unread bytes at the end of a connection may cost the client the answer; never the server its calm.
        assert answer == b"" or answer.startswith(b"HTTP/1.1 %d " % status)
        assert b"Traceback" not in answer
        assert (await site.get("/metrics")).status == 200
    assert caplog.records == []


async def test_a_big_body_is_refused_unread() -> None:
    async with served() as site, client_of(site) as client:
        reply = await client.ask("/-/reload", method="POST", headers="Content-Length: 1000000000\r\n")
        assert reply.status == 413
        assert await client.ended() == b""


async def test_a_small_body_is_taken_and_ignored() -> None:
    async with served() as site, client_of(site) as client:
        await client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        assert (await client.reply()).status == 200
        assert (await client.ask("/metrics")).status == 200


async def test_an_endless_body_ends_the_connection() -> None:
    async with served(limits=QUICK) as site, client_of(site) as client:
        await client.send(b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.reply()).status == 405
        ended = asyncio.create_task(client.ended())
        while not ended.done():
            with contextlib.suppress(ConnectionError):
                await client.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await asyncio.wait([ended], timeout=0.01)


async def test_an_offer_to_upgrade_is_declined() -> None:
    async with served() as site, client_of(site) as client:
        upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
        assert (await client.ask("/metrics", headers=upgrade)).status == 200


@pytest.mark.parametrize("sent", [b"", REQUEST], ids=["silent", "half"])
async def test_thousands_of_connections_do_not_keep_a_scrape_out(sent: bytes) -> None:
    limits = Limits(connections=64, head=3600)
    async with served(limits=limits) as site, contextlib.AsyncExitStack() as stack:
        for _ in range(2000):
            client = await stack.enter_async_context(client_of(site))
            with contextlib.suppress(ConnectionError):
                await client.send(sent)
        assert (await site.get("/metrics")).status == 200


async def test_a_connection_that_scrapes_outlives_a_flood_of_silent_ones() -> None:
    limits = Limits(connections=8, head=3600)
    async with served(limits=limits) as site, contextlib.AsyncExitStack() as stack:
        scraping = await stack.enter_async_context(client_of(site))
        await scraping.ask("/metrics")
        for _ in range(100):
            await stack.enter_async_context(client_of(site))
        assert (await scraping.ask("/metrics")).status == 200


async def test_when_all_have_made_a_request_the_longest_idle_makes_room() -> None:
    async with served(limits=Limits(connections=3)) as site, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(site)) for _ in range(3)]
        for client in (clients[1], clients[0], clients[2]):
            await client.ask("/metrics")
        assert (await site.get("/metrics")).status == 200
        assert await clients[1].ended() == b""
        assert (await clients[0].ask("/metrics")).status == 200
        assert (await clients[2].ask("/metrics")).status == 200


async def test_when_all_are_being_answered_the_newest_is_refused() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def reload() -> None:
        begun.set()
        await go.wait()

    limits = Limits(connections=1)
    async with served(reload=reload, limits=limits) as site, client_of(site) as busy:
        await busy.send(b"POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n")
        await begun.wait()
        async with client_of(site) as newest:
            assert await newest.ended() == b""
        go.set()
        assert (await busy.reply()).status == 200


async def test_nothing_is_left_of_connections_that_ended() -> None:
    async with served(limits=Limits(connections=16, head=3600)) as site:
        await site.get("/metrics")
        before = descriptors()
        for _ in range(200):
            client = await site.connect()
            client.writer.transport.abort()
        await until(lambda: descriptors() <= before)
        assert (await site.get("/metrics")).status == 200


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_config(ca: trustme.CA, tmp_path: Path) -> Path:
    write_certificate(ca, tmp_path)
    path = tmp_path / "web.yml"
    path.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    return path


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "half a hello"])
async def test_a_handshake_that_does_not_come_is_ended(tls_config: Path, sent: bytes) -> None:
    async with served(config=tls_config, limits=QUICK) as site, client_of(site) as client:
        await client.send(sent)
        assert await client.ended() == b""


async def test_plain_bytes_on_a_tls_port_are_no_news(
    tls_config: Path, ca: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(config=tls_config) as site:
        async with client_of(site) as client:
            await client.send(REQUEST + b"\r\n")
            assert b"200" not in await client.ended()
        assert (await site.get("/metrics", tls=trusting(ca))).status == 200
    assert caplog.records == []


async def test_handshakes_that_never_come_take_no_places_from_a_scrape(
    tls_config: Path, ca: trustme.CA
) -> None:
    limits = Limits(connections=16, handshake=3600, head=3600)
    async with served(config=tls_config, limits=limits) as site, contextlib.AsyncExitStack() as stack:
        for _ in range(200):
            await stack.enter_async_context(client_of(site))
        assert (await site.get("/metrics", tls=trusting(ca))).status == 200


@pytest.mark.parametrize(
    "sent", [b"", b"\x16\x03\x01\x02\x00\x01", REQUEST + b"\r\n"], ids=["silent", "half", "plain"]
)
async def test_a_handshake_that_failed_leaves_nothing_for_the_collector(
    tls_config: Path, sent: bytes
) -> None:
    def held() -> int:
        return sum(isinstance(one, SSLProtocol) and one._transport is None for one in gc.get_objects())

    async with served(config=tls_config, limits=Limits(connections=4, farewell=0.1)) as site:
        gc.collect()
        gc.disable()
        try:
            async with contextlib.AsyncExitStack() as stack:
                for _ in range(20):
                    client = await stack.enter_async_context(client_of(site))
                    with contextlib.suppress(ConnectionError):
                        await client.send(sent)
            await until(lambda: held() == 0)
        finally:
            gc.enable()


async def test_a_big_answer_over_tls_arrives_whole(tls_config: Path, ca: trustme.CA) -> None:
    piece = os.urandom(256 * 1024)
    source = Source(Body((piece for _ in range(20)), 20 * len(piece)))
    async with served(source, config=tls_config) as site:
        assert (await site.get("/metrics", tls=trusting(ca))).body == piece * 20


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_big_answers_to_requests_that_come_again_arrive_whole_and_in_order(
    secure: bool, tls_config: Path, ca: trustme.CA
) -> None:
    pieces = [os.urandom(256 * 1024) for _ in range(40)]
    source = Source(Body(pieces, sum(map(len, pieces))))
    config, tls = (tls_config, trusting(ca)) if secure else (None, None)
    async with served(source, config=config, tls=tls) as site, client_of(site) as client:
        for _ in range(3):
            assert (await client.ask("/metrics")).body == b"".join(pieces)
        await client.send(AGAIN)
        await client.reader.readuntil(b"\r\n\r\n")
        # The next request is there long before the answer to this one has been read.
        await client.send(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.reader.readexactly(source.body.length) == b"".join(pieces)
        assert (await client.reply()).body == b"The exporter is healthy.\n"


async def test_a_big_answer_is_finished_before_its_connection_is_retired(
    tls_config: Path, ca: trustme.CA
) -> None:
    pieces = [os.urandom(256 * 1024) for _ in range(80)]
    source = Source(Body(pieces, sum(map(len, pieces))))
    async with served(source, config=tls_config, tls=trusting(ca)) as site, client_of(site) as client:
        assert (await client.ask("/-/healthy")).status == 200
        assert (await client.ask("/metrics")).status == 200
        await client.send(AGAIN)
        await client.reader.readuntil(b"\r\n\r\n")
        write_certificate(ca, tls_config.parent)
        assert await site.serving.refresh() is None
        assert await client.reader.readexactly(source.body.length) == b"".join(pieces)
        assert await client.ended() == b""


async def test_others_are_served_while_a_big_answer_is_written() -> None:
    pieces = [b"x" * 256 * 1024] * 400
    source = Source(Body(pieces, sum(map(len, pieces))))
    async with served(source) as site, client_of(site) as big, client_of(site) as other:
        assert (await big.ask("/metrics")).status == 200
        await big.send(AGAIN)
        await big.reader.readuntil(b"\r\n\r\n")
        assert (await other.ask("/-/healthy")).status == 200
        assert len(await big.reader.readexactly(source.body.length)) == source.body.length


async def test_a_client_that_stops_reading_the_second_answer_is_ended() -> None:
    pieces = [b"x" * 256 * 1024] * 400
    source = Source(Body(pieces, sum(map(len, pieces))))
    async with served(source, limits=Limits(stalled=0.3)) as site, client_of(site) as client:
        assert (await client.ask("/metrics")).status == 200
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        both = descriptors()
        await client.send(AGAIN)
        await until(lambda: descriptors() == both - 1)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_client_that_resets_amid_an_answer_can_be_looked_at_in_every_turn(
    secure: bool, tls_config: Path, ca: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Connection] = []
    connection_made = Connection.connection_made

    def noted(self: Connection, transport: asyncio.BaseTransport) -> None:
        made.append(self)
        connection_made(self, transport)

    monkeypatch.setattr(Connection, "connection_made", noted)
    pieces = [b"x" * 256 * 1024] * 80
    source = Source(Body(pieces, sum(map(len, pieces))))
    config, tls = (tls_config, trusting(ca)) if secure else (None, None)
    async with served(source, config=config, tls=tls) as site, client_of(site) as client:
        await client.send(AGAIN)
        await client.reader.readuntil(b"\r\n\r\n")
        (connection,) = made
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
        async with asyncio.timeout(PATIENCE):
            while connection._wire is not None:
                connection.overdue(asyncio.get_running_loop().time())
                await asyncio.sleep(0)


async def test_a_half_header_over_tls_is_ended(tls_config: Path, ca: trustme.CA) -> None:
    async with served(config=tls_config, tls=trusting(ca), limits=QUICK) as site, client_of(site) as client:
        await client.send(REQUEST)
        with contextlib.suppress(ssl.SSLError):
            assert await client.ended() == b""


async def test_a_client_that_has_gone_before_it_is_accepted_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = []

    async def gone(listening: socket.socket) -> None:
        tries.append(listening)
        raise ConnectionAbortedError(errno.ECONNABORTED, "gone")

    async with served() as site:
        with monkeypatch.context() as patched:
            patched.setattr(asyncio.get_running_loop(), "sock_accept", gone)
            await until(lambda: len(tries) > 3)
        assert (await site.get("/metrics")).status == 200


async def test_a_socket_that_listens_no_longer_is_told_once_and_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dead, alive = listen.bind(["127.0.0.1:0"]) + listen.bind(["127.0.0.1:0"])
    async with web.serving(Source(), sockets=[dead, alive]) as serving:
        await asyncio.sleep(0)
        dead.shutdown(socket.SHUT_RDWR)
        await until(lambda: bool(caplog.records))
        await asyncio.sleep(0.05)
        assert (await Served(alive.getsockname()[1], serving).get("/metrics")).status == 200
    (record,) = caplog.records
    assert record.message == "a socket listens no longer: restart the exporter"


async def test_a_connection_that_cannot_be_made_is_dropped_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(limits=Limits(connections=1)) as site:
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "__init__", surprise)
            async with client_of(site) as client:
                assert await client.ended() == b""
        assert (await site.get("/metrics")).status == 200
    assert [record.message for record in caplog.records] == ["no connection could be made"]


async def test_a_connection_that_cannot_be_watched_is_ended_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(limits=Limits(stalled=0.1)) as site:
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "overdue", surprise)
            async with client_of(site) as client:
                assert await client.ended() == b""
        async with client_of(site) as client:
            await asyncio.sleep(0.1)
            assert (await client.ask("/metrics")).status == 200
    assert [record.message for record in caplog.records] == [
        "a connection is ended since it cannot be watched"
    ]


async def test_a_surprise_in_the_watch_of_the_configuration_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(watch_every=0.02) as site:
        with monkeypatch.context() as patched:
            patched.setattr(web.Serving, "refresh", surprise)
            await until(lambda: len(caplog.records) > 1)
        assert (await site.get("/metrics")).status == 200
    assert "cannot be watched" in caplog.text


def surprise(*_: object) -> None:
    raise AttributeError("a surprise")
