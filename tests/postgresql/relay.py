"""A TCP port in front of a server's UNIX socket, which can fall silent as a network does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.lab.postgresql import PORT


class Relay:
    """While `silent` it accepts and passes nothing on."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / f".s.PGSQL.{PORT}"
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0

    @property
    def conninfo(self) -> str:
        """The way to the server through it."""
        return f"host=127.0.0.1 port={self.port} user=exporter"

    def fall_silent(self) -> None:
        """Pass nothing on from now."""
        self._open.clear()

    def speak(self) -> None:
        """Pass on what was held back."""
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Stand between one client and the server."""
        with contextlib.suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_unix_connection(str(self._socket))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, inner_writer))
                group.create_task(self._pass_on(inner_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65536):
                    await self._open.wait()
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def relay(folder: Path) -> AsyncIterator[Relay]:
    """Listen at a free port of 127.0.0.1 for the server whose socket is in *folder*."""
    one = Relay(folder)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        one.speak()
        server.close()
