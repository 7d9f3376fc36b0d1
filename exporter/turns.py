"""Turns of the event loop: long work goes in slices, and gives way while a long answer is being written."""

import asyncio
import math
import time
from collections.abc import Callable

# After so much work in one go, in seconds, others get their turn.
_SLICE = 0.001
# An answer counts as being written for so long after its last piece.
_RECENT = 0.02
# While one is, work rests so many times as long as it worked: it keeps a tenth of the time, and never starves.
_COURTESY = 9
_LONGEST_REST = 0.02


class Turns:
    """Knows when answers are being written, and lets long work rest accordingly."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._answered = -math.inf

    def answering(self) -> None:
        """Note that a piece of a long answer goes out now."""
        self._answered = self._elapsed()

    def work(self) -> "Work":
        """Begin a piece of long work."""
        return Work(self)

    def rest_after(self, worked: float) -> float:
        """Return how many seconds to rest after so many seconds of work."""
        answering = self._elapsed() - self._answered < _RECENT
        return min(_COURTESY * worked, _LONGEST_REST) if answering else 0.0


class Work:
    """One long piece of work that is done in slices."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._since = time.monotonic()

    async def pause(self) -> None:
        """Give others their turn, if they have waited long enough for it; call it between two slices."""
        worked = time.monotonic() - self._since
        if worked > _SLICE:
            await asyncio.sleep(self._turns.rest_after(worked))
            self._since = time.monotonic()


TURNS = Turns()
"""Those of this process: it has one event loop."""
