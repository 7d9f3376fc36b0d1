"""One HTTP answer, ready bytes, written with the fewest copies and system calls; and what was asked.

aiohttp's own ``Response`` builds and checks a header map for every answer; a scrape's head is a few known lines,
and writing it together with the body in one call saves a good part of a scrape's time.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from exporter.turns import TURNS

CHUNKS_A_TURN = 4
"""Of 256 KiB: after so many, a millisecond's work, others get their turn."""

_AT_ONCE = 256 * 1024  # bytes up to which joining the pieces is cheaper than several system calls

_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n" for s in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, apart from the connection it came by; a header that is not there is empty."""

    method: str
    path: str
    version: tuple[int, int]
    keep_alive: bool
    peer: str
    authorization: str
    accept: str
    accept_encoding: str

    @classmethod
    def of(cls, request: web.BaseRequest) -> "Asked":
        """Take the facts out of aiohttp's *request*; a header that is there twice is joined (RFC 9110 §5.3)."""
        headers = request.headers
        return cls(
            method=request.method,
            path=request.path,
            version=request.version,
            keep_alive=request.keep_alive,
            peer=request.remote or "",
            authorization=headers.get("Authorization", ""),
            accept=", ".join(headers.getall("Accept", ())),
            accept_encoding=", ".join(headers.getall("Accept-Encoding", ())),
        )


class Answer(web.StreamResponse):
    """Status, header lines and the pieces of a body.

    *headers* is text in which each line ends with CRLF; the caller vouches for it. Date, Server, Content-Length
    and Connection are added. Pieces are written one by one, each awaited, so that no more than one lies in memory
    unsent.
    """

    def __init__(self, status: int, headers: str, pieces: Iterable[bytes], length: int) -> None:
        super().__init__(status=status)
        self._head = headers
        self._pieces = pieces
        self._length = length
        self._written = False

    def chunks(self, asked: Asked | web.BaseRequest) -> Iterator[bytes]:
        """Give its bytes, head first, as they are best written; once."""
        head = self._head_for(asked)
        if asked.method == "HEAD":
            yield head
        elif self._length <= _AT_ONCE:
            yield b"".join((head, *self._pieces))
        else:
            pieces = iter(self._pieces)
            yield head + next(pieces, b"")
            for piece in pieces:
                TURNS.answering()
                yield piece

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the whole answer, once; raises ConnectionError when the client has gone."""
        if self._written:
            return None
        self._written = True
        for number, chunk in enumerate(self.chunks(request), 1):
            _transport_of(request).write(chunk)
            if request.protocol.writing_paused:
                await request.writer.drain()
            elif number % CHUNKS_A_TURN == 0:
                await asyncio.sleep(0)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write; here for aiohttp."""

    def _head_for(self, asked: Asked | web.BaseRequest) -> bytes:
        if not asked.keep_alive or self.keep_alive is False:
            self.force_close()
            connection = "Connection: close\r\n"
        else:
            self._keep_alive = True
            # RFC 9112 §9.3: an HTTP/1.0 client has to be told that its wish is granted
            connection = "" if asked.version >= (1, 1) else "Connection: keep-alive\r\n"
        return (
            f"{_STATUS_LINES[self.status]}Date: {_http_date(int(time.time()))}\r\n"
            f"Server: pgbackrest-exporter\r\n{self._head}Content-Length: {self._length}\r\n{connection}\r\n"
        ).encode("latin-1")


def plain(status: int, sentence: str, headers: str = "", *, close: bool = False) -> Answer:
    """Answer with one sentence of plain text; *close* ends the connection after it."""
    body = sentence.encode() + b"\n"
    answer = Answer(status, f"Content-Type: text/plain; charset=utf-8\r\n{headers}", (body,), len(body))
    if close:
        answer.force_close()
    return answer


def _transport_of(request: web.BaseRequest) -> asyncio.Transport:
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client has gone")
    return transport


_date = (0, "")


def _http_date(second: int) -> str:
    global _date  # noqa: PLW0603 – formatting it costs as much as the rest of the head
    if _date[0] != second:
        _date = (second, formatdate(second, usegmt=True))
    return _date[1]
