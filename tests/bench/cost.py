"""What a reading costs this process, in CPU."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

READINGS = 100


async def cpu(read: Callable[[], Awaitable[object]], readings: int = READINGS) -> float:
    """The mean of what a reading takes of this process, after a first one; what answers is in another."""
    await read()
    began = time.process_time()
    for _ in range(readings):
        await read()
    return (time.process_time() - began) / readings
