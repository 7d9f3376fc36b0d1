"""Calls that a dead disk may hold up for ever, made beside the event loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class StillHangs(Exception):  # noqa: N818 - the name says what happens
    """The call before has not come back; the message is one line."""


class Aside:
    """Makes one call at a time. While one hangs no other is made, so no threads pile up; they end with the process."""

    def __init__(self, what: str) -> None:
        """Take the name of *what* is called, such as a folder: it is told when a call hangs."""
        self._what = what
        self._pending: asyncio.Future[Any] | None = None

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what the function returns, or raise what it raises. Raises StillHangs."""
        if self._pending is not None and not self._pending.done():
            raise StillHangs(f"{self._what}: does not answer: see whether its disk is reachable")
        future = self._pending = beside(self._what, function, *arguments)
        # Not awaited itself: a cancellation would make the call look as if it had come back.
        return await asyncio.shield(future)


def beside(what: str, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
    """Make one call beside the event loop, in a thread that nobody waits for when the process ends.

    Who waits for the future must not cancel it: what hangs in the kernel cannot be ended.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            outcome, error = function(*arguments), None
        except Exception as raised:
            outcome, error = None, raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, future, outcome, error)

    threading.Thread(target=work, name=f"aside {what}", daemon=True).start()
    return future


def _settle(future: asyncio.Future[Any], outcome: Any, error: Exception | None) -> None:
    if error is None:
        future.set_result(outcome)
    else:
        future.set_exception(error)
        future.exception()  # told, even where nobody waits any more
