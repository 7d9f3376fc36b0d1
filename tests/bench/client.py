"""An HTTP client that costs every server the same: one kept connection, one buffer, the body forgotten."""

from __future__ import annotations

import gzip
import io
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

Address = tuple[str, int]
Sink = Callable[[bytearray, int, int], None]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
_PIECE = 1024**2


class BadAnswerError(Exception):
    """The server answered something else than 200 with a body whose end is told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One scrape: seconds from the request's first byte to the body's last, and its size on the wire."""

    seconds: float
    size: int


class Lines:
    """A sink that counts the lines of a plain body."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, buffer: bytearray, start: int, end: int) -> None:
        self.count += buffer.count(b"\n", start, end)


class Body:
    """A sink that keeps the body, for looking into it after the clock was stopped."""

    def __init__(self) -> None:
        self.data = bytearray()

    def __call__(self, buffer: bytearray, start: int, end: int) -> None:
        self.data += memoryview(buffer)[start:end]

    def gunzipped_lines(self) -> int:
        """Lines that the compressed body holds; raises EOFError or BadGzipFile when it is cut or damaged."""
        with gzip.GzipFile(fileobj=io.BytesIO(self.data)) as file:
            return sum(piece.count(b"\n") for piece in iter(lambda: file.read(_PIECE), b""))


def _forget(_buffer: bytearray, _start: int, _end: int) -> None:
    pass


class _Chunks:
    """Where we are in a chunked body; `feed` may be given the bytes in any pieces."""

    def __init__(self, sink: Sink) -> None:
        self.size = 0
        self.ended = False
        self._sink = sink
        self._data = 0  # bytes of the current chunk still to come
        self._skip = 0  # bytes of the line ends behind it still to come
        self._line = b""  # beginning of a size line that was cut

    def feed(self, buffer: bytearray, at: int, end: int) -> None:
        while at < end and not self.ended:
            if self._data:
                take = min(self._data, end - at)
                self._sink(buffer, at, at + take)
                self.size += take
                self._data -= take
                at += take
            elif self._skip:
                take = min(self._skip, end - at)
                self._skip -= take
                at += take
                self.ended = self._line == b"0" and not self._skip
            else:
                at = self._size_line(buffer, at, end)

    def _size_line(self, buffer: bytearray, at: int, end: int) -> int:
        stop = buffer.find(b"\n", at, end)
        if stop < 0:
            self._line += buffer[at:end]
            return end
        self._data = int((self._line + buffer[at:stop]).split(b";")[0], 16)
        self._line = b"" if self._data else b"0"
        self._skip = 2
        return stop + 1


class Connection:
    """A kept connection to one server; it is opened anew when the server closed it."""

    def __init__(self, address: Address, path: str, *, patience: float = 120) -> None:
        self._address = address
        self._patience = patience
        self._buffer = bytearray(_PIECE)
        self._view = memoryview(self._buffer)
        self._socket: socket.socket | None = None
        head = f"GET {path} HTTP/1.1\r\nHost: {address[0]}\r\nAccept: text/plain;version=0.0.4\r\n"
        self._plain = f"{head}\r\n".encode()
        self._gzip = f"{head}Accept-Encoding: gzip\r\n\r\n".encode()

    def close(self) -> None:
        """Hangs up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def connect(self) -> socket.socket:
        """The open socket; raises OSError when nobody listens."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=self._patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def get(self, *, compressed: bool = False, sink: Sink = _forget) -> Answer:
        """Scrapes once; raises OSError or BadAnswerError."""
        link = self.connect()
        began = time.perf_counter()
        try:
            link.sendall(self._gzip if compressed else self._plain)
            size, close = self._read(link, sink)
        except (OSError, BadAnswerError):
            self.close()
            raise
        took = time.perf_counter() - began
        if close:
            self.close()
        return Answer(took, size)

    def _receive(self, link: socket.socket, at: int = 0) -> int:
        got = link.recv_into(self._view[at:] if at else self._view)
        if not got:
            raise BadAnswerError(f"{self._address[0]}:{self._address[1]} hung up within an answer")
        return got

    def _read(self, link: socket.socket, sink: Sink) -> tuple[int, bool]:
        end = self._receive(link)
        while (stop := self._buffer.find(b"\r\n\r\n", 0, end)) < 0:
            end += self._receive(link, end)
        head, at = bytes(self._view[: stop + 2]), stop + 4
        if head.split(b" ", 2)[1] != b"200":
            raise BadAnswerError(head.split(b"\r\n")[0].decode("latin-1"))
        if length := _LENGTH.search(head):
            self._drain(link, sink, at, end, int(length[1]))
            return int(length[1]), _CLOSE.search(head) is not None
        if not _CHUNKED.search(head):
            raise BadAnswerError("neither a length nor chunks")
        chunks = _Chunks(sink)
        chunks.feed(self._buffer, at, end)
        while not chunks.ended:
            chunks.feed(self._buffer, 0, self._receive(link))
        return chunks.size, _CLOSE.search(head) is not None

    def _drain(self, link: socket.socket, sink: Sink, at: int, end: int, length: int) -> None:
        sink(self._buffer, at, end)
        left = length - (end - at)
        while left > 0:
            got = self._receive(link)
            sink(self._buffer, 0, got)
            left -= got
