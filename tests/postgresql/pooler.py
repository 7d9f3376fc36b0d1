"""Stands between the exporter and a server as a pooler does: the session stays, the server behind it may change."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.lab.postgresql import PORT

# ReadyForQuery (PostgreSQL, "Message Formats"), before the byte of the transaction's state.
READY = b"Z\x00\x00\x00\x05"
TERMINATE = b"X\x00\x00\x00\x04"


class Pooler:
    """One for a server that trusts its clients; they say all of a question at once, and wait for the answer."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / f".s.PGSQL.{PORT}"
        self._stale = False
        self.port = 0
        self.sessions = 0

    def renew(self) -> None:
        """Ask the next question in a new session with the server, which was restarted."""
        self._stale = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self.sessions += 1
        with contextlib.suppress(OSError), contextlib.ExitStack() as open_:
            open_.callback(writer.close)
            startup = await reader.read(65536)
            inner = await self._enter(startup, open_)
            writer.write(await _answer(inner[0]))
            while (question := await reader.read(65536)) and question != TERMINATE:
                if self._stale:
                    inner = await self._enter(startup, open_)
                    await _answer(inner[0])
                    self._stale = False
                inner[1].write(question)
                writer.write(await _answer(inner[0]))

    async def _enter(
        self, startup: bytes, open_: contextlib.ExitStack
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        open_.callback(writer.close)
        writer.write(startup)
        return reader, writer


async def _answer(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while answer[-6:-1] != READY:
        piece = await reader.read(65536)
        if not piece:
            raise ConnectionResetError
        answer += piece
    return answer


@contextlib.asynccontextmanager
async def pooler(folder: Path) -> AsyncIterator[Pooler]:
    """Listen at a free port of 127.0.0.1 for the server whose socket is in *folder*."""
    one = Pooler(folder)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
