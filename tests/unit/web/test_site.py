"""What is served where, over real sockets."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from exporter.web import listen
from exporter.web import site as web
from exporter.web.config import WebConfigError
from exporter.web.site import takes_gzip
from tests.unit.web.served import PATIENCE, Body, Source, served


async def test_a_scrape_gives_the_sources_bytes_and_type() -> None:
    async with served() as site:
        reply = await site.get("/metrics")
    assert (reply.status, reply.body) == (200, b"up 1\n")
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reply.headers["Vary"] == "Accept, Accept-Encoding"
    assert reply.headers["Server"] == "pgbackrest-exporter"
    assert reply.headers["Date"].endswith(" GMT")


async def test_the_source_is_told_what_the_client_takes() -> None:
    source = Source()
    async with served(source) as site:
        await site.get("/metrics", headers="Accept: a;q=1\r\nAccept: b\r\nAccept-Encoding: gzip\r\n")
        await site.get("/metrics")
    assert source.asked == [("a;q=1, b", True), ("", False)]


async def test_a_compressed_body_is_declared_so() -> None:
    async with served(Source(Body((b"abc",), 3, "text/plain", "gzip"))) as site:
        reply = await site.get("/metrics")
    assert reply.headers["Content-Encoding"] == "gzip"
    assert reply.body == b"abc"


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready"])
async def test_head_gives_the_head_of_get_and_no_body(path: str) -> None:
    async with served() as site:
        get = await site.get(path)
        client = await site.connect()
        head = await client.ask(path, method="HEAD", headers="Connection: close\r\n")
        assert await client.ended() == b""
        await client.close()
    assert head.status == get.status == 200
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.body))
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


async def test_a_body_of_many_pieces_arrives_whole() -> None:
    piece = bytes(range(256)) * 1024
    async with served(Source(Body((piece for _ in range(64)), 64 * len(piece)))) as site:
        reply = await site.get("/metrics")
    assert reply.body == piece * 64


async def test_the_page_cannot_be_made_to_run_or_frame_anything() -> None:
    async with served() as site:
        reply = await site.get("/")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in reply.headers


async def test_health_and_readiness_are_different_things() -> None:
    source = Source(ready=False)
    async with served(source) as site:
        assert (await site.get("/-/healthy")).status == 200
        assert (await site.get("/-/ready")).status == 503
        assert (await site.get("/metrics")).status == 200
        source.ready = True
        assert (await site.get("/-/ready")).status == 200


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "//metrics", "/-/", "/../metrics", "/%00"])
async def test_an_unknown_path_is_404(path: str) -> None:
    async with served() as site:
        assert (await site.get(path)).status == 404


async def test_a_query_is_ignored() -> None:
    async with served() as site:
        assert (await site.get("/metrics?name[]=up")).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_a_wrong_method_is_405_and_told_the_right_ones(method: str) -> None:
    async with served() as site:
        reply = await site.get("/metrics", method=method)
    assert reply.status == 405
    assert reply.headers["Allow"] == "GET, HEAD"


async def test_metrics_are_where_they_are_wanted_and_nothing_else_says_otherwise() -> None:
    async with served(Source(telemetry_paths=("/pgbackrest", "/compat"))) as site:
        assert (await site.get("/pgbackrest")).body == b"up 1\n"
        reply = await site.get("/metrics")
    assert (reply.status, reply.body) == (404, b"Nothing is here; see / and /pgbackrest.\n")


async def test_every_path_that_is_taken_is_reserved() -> None:
    async with served(Source(telemetry_paths=("/taken",))) as site:
        for path in web.RESERVED:
            assert (await site.get(path)).status != 404
    assert {"/", "/-/healthy", "/-/ready", "/-/reload"} == web.RESERVED


async def test_without_lifecycle_reloading_is_forbidden() -> None:
    async with served() as site:
        reply = await site.get("/-/reload", method="POST")
    assert reply.status == 403
    assert b"--web.enable-lifecycle" in reply.body


async def test_with_lifecycle_post_and_put_reload_and_tell_the_error() -> None:
    errors: list[str | None] = [None, "exporter.yml:3: info.evry: unknown key"]

    async def reload() -> str | None:
        return errors.pop(0)

    async with served(reload=reload) as site:
        assert (await site.get("/-/reload")).status == 405
        assert (await site.get("/-/reload", method="POST")).status == 200
        refused = await site.get("/-/reload", method="PUT")
    assert refused.status == 500
    assert b"info.evry: unknown key" in refused.body


async def test_a_fault_is_500_without_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(Source):
        def page(self) -> bytes:
            raise ZeroDivisionError("secret detail")

    async with served(Faulty()) as site:
        reply = await site.get("/")
        assert reply.status == 500
        assert (await site.get("/metrics")).status == 200
    assert b"secret" not in reply.body
    assert [record.message for record in caplog.records] == ["a request could not be answered"]


async def test_one_connection_serves_many_requests() -> None:
    async with served() as site:
        client = await site.connect()
        replies = [await client.ask("/metrics") for _ in range(50)]
        await client.close()
    assert {reply.status for reply in replies} == {200}


async def test_a_request_that_comes_again_is_answered_anew() -> None:
    source = Source()
    async with served(source) as site:
        client = await site.connect()
        for number in range(5):
            source.body = Body((b"up ", b"%d\n" % number), 5)
            assert (await client.ask("/metrics", headers="Accept: a\r\n")).body == b"up %d\n" % number
            source.ready = bool(number % 2)
            for _ in range(2):
                assert (await client.ask("/-/ready")).status == (200 if number % 2 else 503)
        await client.close()
    assert source.asked == [("a", False)] * 5


async def test_a_fault_in_a_request_that_comes_again_is_500(caplog: pytest.LogCaptureFixture) -> None:
    class Fickle(Source):
        def page(self) -> bytes:
            self.asked.append(("page", False))
            return super().page() if len(self.asked) < 3 else b"".join([None])  # type: ignore[list-item]

    async with served(Fickle()) as site:
        client = await site.connect()
        assert [(await client.ask("/")).status for _ in range(4)] == [200, 200, 500, 500]
        await client.close()
    assert {record.message for record in caplog.records} == {"a request could not be answered"}


async def test_the_end_of_one_request_is_not_taken_for_another() -> None:
    looks_whole = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    async with served() as site:
        client = await site.connect()
        for _ in range(3):
            await client.send(b"GET /metrics HTTP/1.1\r\nX-Value: ")
            await asyncio.sleep(0.02)  # two packets; were they one, the test would pass as well
            await client.send(looks_whole)
            assert (await client.reply()).body == b"up 1\n"
            await client.send(looks_whole)
            assert (await client.reply()).body == b"The exporter is healthy.\n"
        await client.close()


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with served() as site:
        client = await site.connect()
        paths = ["/metrics", "/-/healthy", "/nothing"] * 40
        await client.send(b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode() for path in paths))
        statuses = [(await client.reply()).status for _ in paths]
        await client.close()
    assert statuses == [200, 200, 404] * 40


@pytest.mark.parametrize(
    ("version", "header", "kept"),
    [("1.1", "", True), ("1.1", "close", False), ("1.0", "", False), ("1.0", "keep-alive", True)],
)
async def test_a_connection_is_kept_as_the_client_wishes(version: str, header: str, kept: bool) -> None:
    async with served() as site:
        client = await site.connect()
        wish = f"Connection: {header}\r\n" if header else ""
        await client.send(f"GET /metrics HTTP/{version}\r\nHost: x\r\n{wish}\r\n".encode())
        reply = await client.reply()
        if kept:
            assert (await client.ask("/metrics")).status == 200
        else:
            assert await client.ended() == b""
        await client.close()
    told = {("1.1", True): None, ("1.0", True): "keep-alive"}.get((version, kept), "close")
    assert reply.headers.get("Connection") == told


async def test_an_ordinary_client_understands_it_all() -> None:
    async with served() as site, aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(f"http://127.0.0.1:{site.port}/metrics") as reply:
                assert await reply.read() == b"up 1\n"


@pytest.fixture
def unix_path() -> Iterator[Path]:
    # The path of a UNIX socket is 107 bytes at most; tmp_path may be longer.
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "x.sock"


async def test_several_sockets_are_served_ipv6_and_unix_too(unix_path: Path) -> None:
    sockets = listen.bind([":0", "[::1]:0", f"unix:{unix_path}"])
    ports = [sock.getsockname()[1] for sock in sockets[:2]]
    async with web.serving(Source(), sockets=sockets), asyncio.timeout(PATIENCE):
        for streams in (
            await asyncio.open_connection("127.0.0.1", ports[0]),
            await asyncio.open_connection("::1", ports[0]),
            await asyncio.open_connection("::1", ports[1]),
            await asyncio.open_unix_connection(unix_path),
        ):
            streams[1].write(b"GET /-/healthy HTTP/1.0\r\n\r\n")
            assert (await streams[0].read()).startswith(b"HTTP/1.1 200 OK\r\n")
            streams[1].close()
            await streams[1].wait_closed()
    assert not unix_path.exists()


async def test_afterwards_the_port_is_free_and_a_kept_connection_ended() -> None:
    async with served() as site:
        client = await site.connect()
        await client.ask("/metrics")
    assert await client.ended() == b""
    await client.close()
    for sock in listen.bind([f"127.0.0.1:{site.port}"]):
        sock.close()


async def test_a_bad_web_configuration_is_told_and_the_sockets_closed(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("tls_server_confg: {}")
    sockets = listen.bind(["127.0.0.1:0"])
    with pytest.raises(WebConfigError, match='did you mean "tls_server_config"'):
        async with web.serving(Source(), sockets=sockets, web_config_path=tmp_path / "web.yml"):
            raise AssertionError
    assert sockets[0].fileno() == -1


async def test_a_slow_answer_does_not_hold_up_the_others() -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def reload() -> None:
        entered.set()
        await go.wait()

    async with served(reload=reload) as site:
        slow = asyncio.create_task(site.get("/-/reload", method="POST"))
        await entered.wait()
        assert (await site.get("/metrics")).status == 200
        go.set()
        assert (await slow).status == 200


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, gzip;q=0.5", True),
        ("GZip ; Q=1", True),
        ("x-gzip", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=0.5, identity;q=0.1", True),
        ("gzip;q=nonsense", False),
        ("gzip;q=nan", False),
        (",;,=;;", False),
    ],
)
def test_gzip_is_taken_as_rfc_9110_says(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken
