"""What the tests of the web edge share: a source, the site on loopback sockets, and raw clients."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import trustme

from exporter.web import listen
from exporter.web import site as web
from exporter.web.connection import Limits

PATIENCE = 10.0
"""Seconds until a test gives up waiting for something that takes milliseconds."""

QUICK = Limits(handshake=0.3, head=0.3, idle=0.3, stalled=0.3, farewell=0.1)


@dataclass
class Body:
    pieces: Iterable[bytes] = (b"up 1\n",)
    length: int = 5
    content_type: str = "text/plain; version=0.0.4; charset=utf-8"
    encoding: str | None = None


@dataclass
class Source:
    body: Body = field(default_factory=Body)
    ready: bool = True
    asked: list[tuple[str, bool]] = field(default_factory=list)
    telemetry_paths: tuple[str, ...] = ("/metrics",)

    def scrape(self, path: str, accept: str, gzip: bool) -> Body:
        assert path in self.telemetry_paths
        self.asked.append((accept, gzip))
        return self.body

    def page(self) -> bytes:
        return b"<!doctype html><title>Backups</title>"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Served:
    """A running site and how to reach it."""

    port: int
    serving: web.Serving
    tls: ssl.SSLContext | None = None

    async def connect(self, tls: ssl.SSLContext | None = None) -> "Client":
        async with asyncio.timeout(PATIENCE):
            streams = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls or self.tls, limit=2**24)
        return Client(*streams)

    async def get(
        self, path: str, *, method: str = "GET", headers: str = "", tls: ssl.SSLContext | None = None
    ) -> Reply:
        client = await self.connect(tls)
        try:
            return await client.ask(path, method=method, headers=headers)
        finally:
            await client.close()


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, path: str, *, method: str = "GET", headers: str = "") -> Reply:
        await self.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        return await self.reply(head_only=method == "HEAD")

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, *, head_only: bool = False) -> Reply:
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
            headers = dict(header.split(": ", 1) for header in lines)
            body = b"" if head_only else await self.reader.readexactly(int(headers["Content-Length"]))
        return Reply(int(line.split()[1]), headers, body)

    async def ended(self) -> bytes:
        """Wait for the server to end the connection; gives what came before."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except (ConnectionError, ssl.SSLError):
                return b""

    async def close(self) -> None:
        self.writer.transport.abort()
        with suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


@asynccontextmanager
async def served(
    source: web.Source | None = None,
    *,
    config: Path | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    reload: Callable[[], Awaitable[str | None]] | None = None,
    watch_every: float = 3600.0,
) -> AsyncIterator[Served]:
    sockets = listen.bind(["127.0.0.1:0"])
    port = sockets[0].getsockname()[1]
    async with web.serving(
        source or Source(),
        sockets=sockets,
        web_config_path=config,
        reload=reload,
        limits=limits,
        watch_every=watch_every,
    ) as serving:
        yield Served(port, serving, tls)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


def hashed(password: str) -> str:
    """Hash at the lowest cost there is."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def write_certificate(ca: trustme.CA, folder: Path, *names: str) -> None:
    """Write server.crt and server.key for *names*."""
    certificate = ca.issue_cert(*(names or ("localhost", "127.0.0.1")))
    certificate.private_key_pem.write_to_path(folder / "server.key")
    (folder / "server.crt").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    """Make a client that trusts *ca*."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    context.check_hostname = False
    return context
