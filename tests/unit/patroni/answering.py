"""Members of a cluster for tests: real servers on loopback that answer as they are told."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

SAMPLES = Path(__file__).parent / "samples"
HALF = b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{"members": [{"name'


def sample(version: str, scene: str, path: str) -> bytes:
    """What that version answered to GET /path in that scene."""
    return (SAMPLES / version / f"{scene}.{path}.json").read_bytes()


def answers(version: str, scene: str) -> dict[str, bytes]:
    """Everything that was answered in that scene, by path."""
    found = (SAMPLES / version).glob(f"{scene}.*.json")
    return {"/" + path.name.split(".")[1]: path.read_bytes() for path in found}


@dataclass
class Member:
    """One server; what a path is not told to answer breaks off without an answer, as Patroni without its store."""

    url: str
    answers: dict[str, bytes | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)

    def tells(self, version: str, scene: str, **api_urls: str) -> None:
        """Answer as in a scene, with other addresses of members."""
        found = answers(version, scene)
        for old, new in api_urls.items():
            found = {path: body.replace(old.encode(), new.encode()) for path, body in found.items()}
        self.answers = {**found}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(request.path)
        self.authorizations.append(request.headers.get("Authorization"))
        told = self.answers.get(request.path)
        if told is None:
            assert request.transport
            request.transport.abort()
            return web.Response()
        if isinstance(told, int):
            return web.Response(status=told, headers=self.headers)
        return web.Response(body=told, content_type="application/json", headers=self.headers)


@contextlib.asynccontextmanager
async def member(context: ssl.SSLContext | None = None) -> AsyncIterator[Member]:
    """A member that listens on a free port."""
    served = Member("")
    runner = web.ServerRunner(web.Server(served.answer), shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    scheme = "https" if context else "http"
    served.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield served
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def raw(says: bytes | None) -> AsyncIterator[str]:
    """The address of something that says so whatever it is asked, and hangs up; None: it is silent."""
    silent = asyncio.Event()
    handlers: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        handlers.append(task)
        with contextlib.suppress(ConnectionError):
            await reader.read(1)
            if says is None:
                await silent.wait()
            else:
                writer.write(says)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        silent.set()
        server.close()
        await asyncio.gather(*handlers)
