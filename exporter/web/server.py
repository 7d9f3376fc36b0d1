"""All connections: accepts, bounds and ends them, so that slow or hostile clients cannot hurt the others.

They are counted from accept(2) on, before TLS: a handshake that never comes costs a place and a quarter of a
megabyte. When all places are taken, the one that has been silent longest makes room, so that a thousand half-open
connections never keep Prometheus out.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable
from typing import Protocol, cast

from aiohttp import web

from exporter.web.answer import Answer, Asked, plain
from exporter.web.connection import Connection, Limits
from exporter.web.tls import Tls

log = logging.getLogger(__name__)

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_NO_LONGER_LISTENING = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK}


class Site(Protocol):
    """What answers requests."""

    async def answer(self, asked: Asked) -> Answer:
        """Answer one request."""

    def answer_at_once(self, asked: Asked) -> Answer | None:
        """Answer a GET that nothing has to be awaited for, or give None."""


class Server:
    """All connections of all sockets. *site* answers requests; *tls* is asked at each connection."""

    def __init__(
        self,
        site: Site,
        *,
        tls: Callable[[], Tls | None],
        limits: Limits,
    ) -> None:
        self._site = site
        self._tls = tls
        self._limits = limits
        self._server = web.Server(self._respond)
        self._places: dict[_Place, None] = {}

    async def accept(self, listening: socket.socket, group: asyncio.TaskGroup) -> None:
        """Accept for as long as the socket listens."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listening)
            except OSError as error:  # else the client has gone again, accept(2)
                if error.errno in _EXHAUSTED:
                    log.warning(
                        "no connection can be accepted: raise LimitNOFILE=", extra={"error": error.strerror}
                    )
                    self._make_room()
                elif error.errno in _NO_LONGER_LISTENING:
                    log.error(  # noqa: TRY400
                        "a socket listens no longer: restart the exporter", extra={"error": error.strerror}
                    )
                    return
                await asyncio.sleep(1 if error.errno in _EXHAUSTED else 0)
                continue
            if len(self._places) >= self._limits.connections and not self._make_room():
                sock.close()
            else:
                place = _Place(self._places, sock)
                place.task = group.create_task(self._establish(sock, place))
            # sock_accept does not yield while connections are queued: a flood of them must not stop the loop
            await asyncio.sleep(0)

    async def watch(self) -> None:
        """End connections that are overdue, for ever."""
        limits = self._limits
        tick = max(0.02, min(1.0, limits.head / 4, limits.stalled / 4))
        while True:
            await asyncio.sleep(tick)
            now = asyncio.get_running_loop().time()
            for place in list(self._places):
                self._end_if_overdue(place, now)

    def _end_if_overdue(self, place: "_Place", now: float) -> None:
        try:
            if place.connection and place.connection.overdue(now):
                place.leave()
        except Exception:
            log.exception("a connection is ended since it cannot be watched")
            with contextlib.suppress(Exception):
                place.leave()

    def retire(self) -> None:
        """Let every client connect anew: what was agreed with it at its handshake holds no longer."""
        for place in list(self._places):
            if place.connection:
                place.connection.retire()
            else:
                place.leave()

    async def close(self) -> None:
        """Give answers under way a moment, then end everything."""
        for place in list(self._places):
            if not place.connection:
                place.leave()
        await self._server.shutdown(self._limits.farewell)
        for place in list(self._places):
            place.leave()

    async def _establish(self, sock: socket.socket, place: "_Place") -> None:
        def connection() -> Connection:
            made = Connection(self._server, self._at_once, self._limits, tls, place.free)
            place.sock = None
            return made

        try:
            tls = self._tls()
            _, protocol = await asyncio.get_running_loop().connect_accepted_socket(
                connection,
                sock,
                ssl=tls.context if tls else None,
                ssl_handshake_timeout=self._limits.handshake if tls else None,
                ssl_shutdown_timeout=self._limits.farewell if tls else None,
            )
            place.connection = protocol
        except OSError as error:
            log.debug("no connection came about", extra={"error": str(error)})
            # The frames of a failure hold a TLS connection, a quarter of a megabyte, until a full collection.
            error.__traceback__ = None
        except Exception as error:
            log.exception("no connection could be made")
            error.__traceback__ = None
            if place.sock:
                place.sock.close()
        finally:
            place.task = None  # so do those of a cancelled task
            if not place.connection:
                place.free()

    def _make_room(self) -> bool:
        """End the oldest connection without a whole request, or else the one that is idle for longest."""
        silent = (place for place in self._places if place.waits_for_head)
        idle = (place for place in self._places if place.idle_since is not None)
        place = next(silent, None) or min(idle, key=lambda place: place.idle_since or 0, default=None)
        if place:
            place.leave()
        return place is not None

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = cast("Connection", request.protocol)
        connection.begin()
        try:
            answer = await self._answer_or_apology(request)
            await answer.prepare(request)
        finally:
            connection.end(request)
        return answer

    async def _answer_or_apology(self, request: web.BaseRequest) -> Answer:
        if (request.content_length or 0) > self._limits.body:
            return plain(413, "The request's body is too big; none is needed.", close=True)
        try:
            return await self._site.answer(Asked.of(request))
        except Exception:
            log.exception("a request could not be answered", extra={"path": request.path})
            return plain(500, "Internal error; the exporter's log tells more.")

    def _at_once(self, asked: Asked) -> Answer | None:
        try:
            return self._site.answer_at_once(asked)
        except Exception:
            return None


class _Place:
    """One of the bounded number of places: a handshake first, then a connection."""

    __slots__ = ("_places", "connection", "sock", "task")

    def __init__(self, places: "dict[_Place, None]", sock: socket.socket) -> None:
        self._places = places
        self.sock: socket.socket | None = sock  # until a transport has it
        self.connection: Connection | None = None
        self.task: asyncio.Task[None] | None = None
        places[self] = None

    @property
    def waits_for_head(self) -> bool:
        return self.connection is None or self.connection.waits_for_head

    @property
    def idle_since(self) -> float | None:
        return self.connection.idle_since if self.connection else None

    def leave(self) -> None:
        self.free()
        if self.connection:
            self.connection.abort()
        elif self.task:
            self.task.cancel()
            if self.sock:
                self.sock.close()

    def free(self) -> None:
        self._places.pop(self, None)
