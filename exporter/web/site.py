"""The web edge: /metrics, the status page, health and reload, behind the guard of the web configuration."""

import asyncio
import functools
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from exporter.web.answer import Answer, Asked, plain
from exporter.web.config import WebConfigError
from exporter.web.connection import Limits
from exporter.web.guard import Guard
from exporter.web.server import Server

log = logging.getLogger(__name__)

_PAGE, _HEALTHY, _READY, _RELOAD = "/", "/-/healthy", "/-/ready", "/-/reload"
RESERVED = frozenset({_PAGE, _HEALTHY, _READY, _RELOAD})
"""Paths that cannot be the telemetry path."""

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Reload = Callable[[], Awaitable[str | None]]
"""Reads the settings anew; gives None, or one line that says why the old ones stay."""


class Body(Protocol):
    """An exposition, ready to be sent."""

    @property
    def content_type(self) -> str:
        """As negotiated."""

    @property
    def pieces(self) -> Iterable[bytes]:
        """Of 256 KiB or so: smaller ones cost time, bigger ones memory while a slow reader takes them."""

    @property
    def length(self) -> int:
        """Of all pieces together."""

    @property
    def encoding(self) -> str | None:
        """``gzip``, or None."""


class Source(Protocol):
    """What is served."""

    @property
    def ready(self) -> bool:
        """Whether every collector has made its first attempt."""

    @property
    def telemetry_paths(self) -> Sequence[str]:
        """Where metrics are, the most important path first."""

    def scrape(self, path: str, accept: str, gzip: bool) -> Body:
        """Make the exposition of *path* for an ``Accept`` header; *gzip*: whether the client takes it."""

    def page(self) -> bytes:
        """Make the status page, HTML in UTF-8."""


class Site:
    """What is served where."""

    def __init__(self, source: Source, guard: Guard, reload: Reload | None) -> None:
        self._source = source
        self._guard = guard
        self._lines = guard.lines
        self._reload = reload
        self._nothing = f"Nothing is here; see / and {quote(source.telemetry_paths[0])}."
        self._pages: dict[str, Callable[[Asked], Answer]] = {
            _PAGE: self._page,
            _HEALTHY: self._healthy,
            _READY: self._ready,
            **dict.fromkeys(source.telemetry_paths, self._metrics),
        }

    async def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        refusal = await self._guard.refusal(asked)
        if refusal:
            return refusal
        if asked.path == _RELOAD:
            return await self._reload_settings(asked)
        page = self._pages.get(asked.path)
        if page is None:
            return plain(404, self._nothing, self._lines({}))
        return page(asked) if asked.method in {"GET", "HEAD"} else self._only("GET, HEAD")

    def answer_at_once(self, asked: Asked) -> Answer | None:
        """Answer a GET that nothing has to be awaited for, or give None."""
        page = self._pages.get(asked.path)
        return page(asked) if page and asked.method == "GET" and self._guard.knows(asked) else None

    def _metrics(self, asked: Asked) -> Answer:
        body = self._source.scrape(asked.path, asked.accept, takes_gzip(asked.accept_encoding))
        lines = {"Content-Type": body.content_type, "Vary": "Accept, Accept-Encoding"}
        if body.encoding:
            lines["Content-Encoding"] = body.encoding
        return Answer(200, self._lines(lines), body.pieces, body.length)

    def _page(self, _: Asked) -> Answer:
        page = self._source.page()
        lines = {"Content-Type": "text/html; charset=utf-8", **_PAGE_HEADERS}
        return Answer(200, self._lines(lines), (page,), len(page))

    def _healthy(self, _: Asked) -> Answer:
        return plain(200, "The exporter is healthy.", self._lines({}))

    def _ready(self, _: Asked) -> Answer:
        if self._source.ready:
            return plain(200, "The exporter is ready.", self._lines({}))
        return plain(503, "Not every collector has made its first attempt yet.", self._lines({}))

    async def _reload_settings(self, asked: Asked) -> Answer:
        if self._reload is None:
            words = "Reloading is off: start with --web.enable-lifecycle, or send SIGHUP."
            return plain(403, words, self._lines({}))
        if asked.method not in {"POST", "PUT"}:
            return self._only("POST, PUT")
        error = await self._reload()
        if error:
            return plain(500, f"Not reloaded, the old settings stay in force: {error}", self._lines({}))
        return plain(200, "Reloaded.", self._lines({}))

    def _only(self, methods: str) -> Answer:
        return plain(405, f"Only {methods} are answered here.", self._lines({"Allow": methods}))


@functools.lru_cache(maxsize=64)
def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether an ``Accept-Encoding`` prefers gzip to nothing (RFC 9110 §12.5.3)."""
    weights: dict[str, float] = {}
    for item in accept_encoding.split(","):
        coding, *parameters = (part.strip().lower() for part in item.split(";"))
        weights[coding] = next((_weight(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return 0 < gzip >= weights.get("identity", 0.0)


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@asynccontextmanager
async def serving(
    source: Source,
    *,
    sockets: Sequence[socket.socket],
    web_config_path: Path | None = None,
    reload: Reload | None = None,
    limits: Limits | None = None,
    watch_every: float = 3.0,
) -> AsyncIterator["Serving"]:
    """Serve *source* on listening *sockets* while the block runs; they are closed after it, or if it cannot begin.

    *reload* is given only with ``--web.enable-lifecycle``. The files of the web configuration are looked at
    every *watch_every* seconds. Raises WebConfigError; a fault in here comes as an ExceptionGroup.
    """
    guard = Guard(web_config_path)
    site = Site(source, guard, reload)
    server = Server(site, tls=lambda: guard.config.tls, limits=limits or Limits())
    served = Serving(guard, server)
    try:
        await guard.load()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(server.accept(sock, group), name="accept") for sock in sockets]
            tasks.append(group.create_task(server.watch(), name="watch connections"))
            tasks.append(group.create_task(served.watch(watch_every), name="watch web configuration"))
            try:
                yield served
            finally:
                for task in tasks:
                    task.cancel()
                await server.close()
    finally:
        for sock in sockets:
            sock.close()


class Serving:
    """A handle on the running site."""

    def __init__(self, guard: Guard, server: Server) -> None:
        self._guard = guard
        self._server = server
        self._loading = asyncio.Lock()

    async def refresh(self) -> str | None:
        """Read the web configuration anew if a file of it has changed; gives one line if the old one stays."""
        async with self._loading:
            if not self._guard.changed:
                return None
            had_tls = self._guard.config.tls
            try:
                await self._guard.load()
            except WebConfigError as error:
                log.error("web configuration refused", extra={"error": str(error)})  # noqa: TRY400
                return str(error)
            log.info("web configuration reloaded")
            if had_tls or self._guard.config.tls:
                self._server.retire()
            return None

    async def watch(self, every: float) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh()
            except Exception:
                log.exception("the web configuration cannot be watched, the old one stays")
