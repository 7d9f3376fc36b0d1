"""One connection: knows what it waits for and since when, so that a slow client is ended in time."""

import asyncio
import fcntl
import logging
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from exporter.web.answer import CHUNKS_A_TURN, Answer, Asked, plain
from exporter.web.tls import Tls

log = logging.getLogger(__name__)

_FOR_EVER = 1e9  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may take; times are seconds, sizes bytes."""

    connections: int = 256
    """With TLS each costs a quarter of a megabyte."""
    handshake: float = 10.0
    """TLS, from connecting to its end."""
    head: float = 10.0
    """A request's head, from connecting or from its first byte to its last."""
    idle: float = 360.0
    """Between requests; Prometheus keeps a connection for 5 minutes and should be the one to close it."""
    stalled: float = 30.0
    """Without the client taking a single byte of an answer."""
    answer: float = 600.0
    """From a request to the last byte of its answer."""
    line: int = 8190
    """The request line, and each header."""
    headers: int = 64
    body: int = 64 * 1024
    """Of a request; none is ever used."""
    farewell: float = 0.5
    """For answers under way when the exporter stops."""


class Connection(web.RequestHandler):
    """One connection that knows what it waits for, and since when.

    A scraper sends the same bytes again and again. When what comes is, byte for byte, the request that was
    answered before, it is answered there and then: aiohttp's three turns of the event loop and two tasks take as
    long as nginx does for a whole scrape of 80 KB.
    """

    __slots__ = (
        "_again",
        "_at_once",
        "_chunk",
        "_half",
        "_held",
        "_leaving",
        "_limits",
        "_progress",
        "_progress_at",
        "_rest",
        "_since",
        "_state",
        "_wire",
        "lost",
        "tls",
    )

    def __init__(
        self,
        server: web.Server,
        at_once: Callable[[Asked], Answer | None],
        limits: Limits,
        tls: Tls | None,
        lost: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's way to say: no log of every request
            keepalive_timeout=_FOR_EVER,  # overdue() knows of all requests, aiohttp of those it answers
            lingering_time=limits.farewell,
            max_line_size=limits.line,
            max_field_size=limits.line,
            max_headers=limits.headers,
            auto_decompress=False,
        )
        self.tls = tls
        self.lost = lost
        self._limits = limits
        self._state = "head"  # awaited: "head" of a request, "idle" for its first byte, or its "answer"
        self._since = self._progress_at = loop.time()
        self._progress = (0, 0)
        self._half = False
        self._at_once = at_once
        self._chunk: bytes | None = b""  # what came last, if it began with a request's first byte
        self._again: tuple[bytes, Asked] | None = None  # a request, and what it asks
        self._rest: Iterator[bytes] | None = None  # of an answer that is given there and then
        self._held = b""
        self._leaving = False
        self._wire: asyncio.Transport | None = None  # aiohttp forgets its own when it begins to close

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the time for the first request; a TLS client without an allowed name goes at once."""
        super().connection_made(transport)
        self._wire = cast("asyncio.Transport", transport)
        # An answer is written when the kernel has all of it, not when the last 64 KiB wait in the transport.
        # (With a high-water mark of 0 asyncio's TLS stops writing for ever.)
        self._wire.set_write_buffer_limits(high=1, low=0)
        self._enter("head")
        if self.tls and not self.tls.allows(transport.get_extra_info("peercert")):
            log.info("refused: no allowed name in the certificate", extra={"client": str(self.peername)})
            self.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        super().connection_lost(exc)
        self._wire = self._rest = None
        self.lost()

    def data_received(self, data: bytes) -> None:
        """Answer the request of before there and then; for another start the time for its head."""
        if self._rest is not None:  # TLS had read on before it was told to pause
            self._held += data
            return
        if not data:  # aiohttp goes on with what it has
            super().data_received(data)
            return
        idle = self._state == "idle"
        if idle and self._again and data == self._again[0] and self._answered_at_once(self._again[1]):
            return
        self._chunk = data if idle or self._chunk == b"" else None
        if idle:
            self._enter("head")
        # A head ends with an empty line. What ends otherwise may have half a request behind a whole one.
        self._half = not data.endswith(b"\r\n\r\n")
        super().data_received(data)

    def begin(self) -> None:
        """Note that a whole request is there."""
        self._enter("answer")

    def end(self, request: web.BaseRequest) -> None:
        """Note that its answer is written."""
        known = self._chunk if self._alone(request) else None
        self._again = (known, Asked.of(request)) if known else None
        self._enter("head" if self._half else "idle")

    def _alone(self, request: web.BaseRequest) -> bool:
        """Tell whether what came last is this request, all of it and nothing else, and the next may follow."""
        chunk = self._chunk
        if chunk is None or self._half or not chunk.startswith(b"GET "):
            return False
        one = chunk.count(b"\n\r\n") == 1 and b"\n\n" not in chunk
        return one and request.keep_alive and not request.body_exists and "Upgrade" not in request.headers

    def _answered_at_once(self, asked: Asked) -> bool:
        if self._wire is None or self._wire.is_closing() or self.writing_paused:
            return False
        answer = self._at_once(asked)
        if answer is None:
            return False
        self._enter("answer")
        self._rest = answer.chunks(asked)
        self._pour()
        if self._rest is not None:
            self._wire.pause_reading()
        return True

    def resume_writing(self) -> None:
        """Go on when the kernel has taken what was written."""
        super().resume_writing()
        self._pour()

    def _pour(self) -> None:
        """Write the rest of an answer until the client is slow, or others should have their turn."""
        if self._rest is None or self._wire is None or self._wire.is_closing():
            return
        for number, chunk in enumerate(self._rest, 1):
            self._wire.write(chunk)
            if self.writing_paused:
                return
            if number == CHUNKS_A_TURN:
                self._loop.call_soon(self._pour)
                return
        self._poured(self._wire)

    def _poured(self, wire: asyncio.Transport) -> None:
        self._rest, held, self._held = None, self._held, b""
        self._enter("idle")
        if self._leaving:
            self.force_close()
            return
        wire.resume_reading()
        if held:
            self.data_received(held)

    def overdue(self, now: float) -> bool:
        """Tell whether the client has had its time."""
        if self._state == "answer" or self.writing_paused:
            return self._stalled(now) or now - self._since > self._limits.answer
        return now - self._since > (self._limits.head if self._state == "head" else self._limits.idle)

    @property
    def waits_for_head(self) -> bool:
        """Whether no whole request is there yet."""
        return self._state == "head"

    @property
    def idle_since(self) -> float | None:
        """When its last answer was written, if nothing has come since."""
        return self._since if self._state == "idle" else None

    def abort(self) -> None:
        """End the connection now, whatever is unsent."""
        if self._wire is not None:
            self._wire.abort()

    def retire(self) -> None:
        """End the connection as soon as no request is being answered on it."""
        self._leaving = True
        if self._state != "answer":
            self.force_close()
        elif self._rest is None:
            self.close()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 – the signature is aiohttp's
        status: int = 500,  # noqa: ARG002
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer what is no HTTP in one sentence, without the log and the traceback aiohttp would give it."""
        if isinstance(exc, LineTooLong):
            return plain(431, "The request line or a header is too long.", close=True)
        return plain(400, "This is not a request of HTTP/1.1.", close=True)

    def _enter(self, state: str) -> None:
        self._state = state
        self._since = self._progress_at = self._loop.time()

    def _stalled(self, now: float) -> bool:
        """Each byte taken makes what is unsent or not acknowledged smaller, each piece written makes it bigger."""
        unsent = self._unsent()
        if unsent != self._progress:
            self._progress, self._progress_at = unsent, now
        return now - self._progress_at > self._limits.stalled

    def _unsent(self) -> tuple[int, int]:
        """Bytes that wait in the transport, and in the kernel.

        The kernel holds megabytes and wakes the transport when a third of them is gone: to the transport alone a
        slow reader looks like one that stands still. tcp(7): SIOCOUTQ, which has the number of TIOCOUTQ.
        """
        if self._wire is None:
            return 0, 0
        sock = self._wire.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:  # gone; connection_lost() comes in the next turn
            return 0, 0
        queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return self._wire.get_write_buffer_size(), int.from_bytes(queued, sys.byteorder)
