"""When sources are read, and the one policy for readings that fail."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from exporter.settings.cadence import Cadence
from exporter.snapshot import PartlyReadError, Reading

log = logging.getLogger(__name__)

# A reader's own deadline comes first, since its words say what was slow; this is for one that forgot its own.
_MARGIN = 5.0


class Collector(Protocol):
    """One source of facts. Equal collectors would read the same source in the same way."""

    @property
    def name(self) -> str:
        """The collector's name: its file, its settings section, its field of the snapshot."""

    @property
    def stanza(self) -> str:
        """The one stanza that this source tells of, or "" when it tells of all at once."""

    @property
    def settings(self) -> Cadence:
        """When it is read."""

    async def read(self) -> Any:
        """Return the value; raise an exception whose words are one line for a person.

        The same facts should be the very same object: what is equal is not rendered again.
        """


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, as an argument: *wall* may jump and is shown to people, *elapsed* cannot and measures."""

    wall: Callable[[], float] = time.time
    # Unlike CLOCK_MONOTONIC it goes on while the machine sleeps, so stale stays stale.
    elapsed: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def longest_silence(collector: Collector) -> float:
    """Return after how many seconds without a reading, good or bad, the schedule of *collector* stands still."""
    return collector.settings.every + collector.settings.within + _MARGIN


CLOCK = Clock()
Publish = Callable[[str, str, Reading[Any]], None]


async def attempt(collector: Collector, last: Reading[Any], clock: Clock = CLOCK) -> Reading[Any]:
    """Read once. A failure keeps the last value and says why; cancellation passes through.

    Of a reading that failed in part only what failed is as it was: the collector sees to that.
    """
    attempted, began = clock.wall(), clock.elapsed()
    try:
        async with asyncio.timeout(collector.settings.within + _MARGIN):
            value = await collector.read()
    except Exception as failure:
        log.debug("reading failed", exc_info=True, extra={"collector": collector.name})
        error = str(failure) or f"{type(failure).__name__} after {clock.elapsed() - began:.0f}s"
        reading = replace(
            last, attempted=attempted, took=clock.elapsed() - began, error=error, errors=last.errors + 1
        )
        if isinstance(failure, PartlyReadError):
            return replace(reading, value=failure.value, succeeded=clock.wall())
        return reading
    return Reading(
        value=value,
        attempted=attempted,
        succeeded=clock.wall(),
        took=clock.elapsed() - began,
        errors=last.errors,
    )


async def keep(
    collector: Collector, publish: Publish, clock: Clock = CLOCK, *, last: Reading[Any] | None = None
) -> None:
    """Read for ever, on a grid of *every* seconds, never twice at once; drop a value that grew stale.

    *last* is what is known from before, by a collector with other settings: it goes on to age.
    """
    last = last or Reading()
    due = good = clock.elapsed()
    if last.succeeded is not None:
        good -= max(0.0, clock.wall() - last.succeeded)
    while True:
        reading = await attempt(collector, last, clock)
        now = clock.elapsed()
        if reading.success or reading.succeeded != last.succeeded:
            good = now
        elif reading.value is not None and now - good > collector.settings.stale_after:
            log.error(
                "values dropped: too old", extra=_source(collector) | {"age_seconds": round(now - good)}
            )
            reading = replace(reading, value=None)
        _tell(collector, last, reading)
        publish(collector.name, collector.stanza, reading)
        last = reading
        due += collector.settings.every * (1 + max(0, (now - due) // collector.settings.every))
        await clock.sleep(due - now)


def _tell(collector: Collector, last: Reading[Any], reading: Reading[Any]) -> None:
    """Log a change of outcome, and nothing while it stays the same."""
    if reading.error is not None and reading.error != last.error:
        log.warning("reading failed", extra=_source(collector) | {"error": reading.error})
    elif reading.success and not last.success:
        log.info("reading works", extra=_source(collector) | {"seconds": round(reading.took or 0.0, 3)})


def _source(collector: Collector) -> dict[str, Any]:
    return {"collector": collector.name} | ({"stanza": collector.stanza} if collector.stanza else {})
