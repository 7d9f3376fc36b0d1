"""Patroni and the way to PostgreSQL, served by an event loop in a thread of its own."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgresql.relay import Relay, relay
from tests.unit.patroni.answering import Member, member


@dataclass(frozen=True, slots=True)
class Neighbours:
    """One member of a Patroni cluster and, where there is a server, a relay in front of it."""

    member: Member
    relay: Relay | None
    loop: asyncio.AbstractEventLoop

    def call(self, function: Callable[[], Any]) -> None:
        """Let their thread call it."""
        self.loop.call_soon_threadsafe(function)


@contextmanager
def neighbours(server: Path | None) -> Iterator[Neighbours]:
    """Serve until the block ends; *server* is the folder of PostgreSQL's socket."""
    told: queue.Queue[tuple[Neighbours, asyncio.Event]] = queue.Queue()

    async def serve() -> None:
        done = asyncio.Event()
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(member())
            way = await stack.enter_async_context(relay(server)) if server else None
            told.put((Neighbours(one, way, asyncio.get_running_loop()), done))
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    found, done = told.get(timeout=30)
    try:
        yield found
    finally:
        found.call(done.set)
        thread.join()
