"""Judges whether the exporter really goes on: its loop, the schedule of every collector, and the rendering."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exporter.human import number_of
from exporter.notify import Manager
from exporter.schedule import Collector, longest_silence
from exporter.snapshot import Snapshot
from exporter.state import State

log = logging.getLogger(__name__)

# A busy machine or a child that is slow to end is no hang.
_GRACE = 30.0
# Without a watchdog the manager is still told our status.
_EVERY = 10.0
# So many failing collectors are named in the status; all of them stand on the status page.
_SHOWN = 5

Key = tuple[str, str]
"""A collector and its stanza."""


@dataclass(slots=True)
class Watchdog:
    """Notes each sign of life; *elapsed* stands still while the machine sleeps, as our timers do."""

    manager: Manager
    elapsed: Callable[[], float] = time.monotonic
    _beats: dict[Key, float] = field(default_factory=dict)
    _rendered: tuple[Snapshot | None, float] = (None, 0.0)
    _complained: frozenset[str] = frozenset()

    def beat(self, collector: str, stanza: str) -> None:
        """Note that a collector was started or has read, well or badly: failing is not hanging."""
        self._beats[collector, stanza] = self.elapsed()

    def hung(self, running: Mapping[Key, Collector], state: State) -> frozenset[str]:
        """Name the collectors whose schedule stands still, and the rendering if what is known is not served."""
        now = self.elapsed()
        late = {
            " ".join(filter(None, key))
            for key, collector in running.items()
            if now - self._beats.get(key, now) > longest_silence(collector) + _GRACE
        }
        if state.served is state.latest or state.served is not self._rendered[0]:
            self._rendered = state.served, now
        return frozenset(late | ({"rendering"} if now - self._rendered[1] > _GRACE else set()))

    def look(self, running: Mapping[Key, Collector], state: State) -> None:
        """Tell the manager our status, and that all goes on if it does."""
        hung = self.hung(running, state)
        if hung - self._complained:
            log.error("stands still", extra={"what": ", ".join(sorted(hung))})
        self._complained = hung
        self.manager.status(f"stands still: {', '.join(sorted(hung))}" if hung else status(state.latest))
        if not hung:
            self.manager.alive()

    async def keep(self, running: Callable[[], Mapping[Key, Collector]], state: State) -> None:
        """Look for ever, three times within the manager's patience."""
        while True:
            self.look(running(), state)
            await asyncio.sleep(min(_EVERY, (self.manager.patience or _EVERY) / 3))


def status(snapshot: Snapshot) -> str:
    """Return one line: how many stanzas there are and which collectors fail."""
    readings = {
        " ".join(filter(None, (name, stanza))): reading
        for name, by_stanza in snapshot.readings().items()
        for stanza, reading in by_stanza.items()
    }
    stanzas = number_of(len(snapshot.stanzas), "stanza", "stanzas")
    collectors = number_of(len(readings), "collector", "collectors")
    if failing := [name for name, reading in readings.items() if reading.error is not None]:
        shown = ", ".join(sorted(failing)[:_SHOWN]) + (" …" if len(failing) > _SHOWN else "")
        return f"{stanzas}; {len(failing)} of {collectors} failing: {shown}"
    if first := sum(reading.attempted is None for reading in readings.values()):
        return f"{stanzas}; {first} of {collectors} reading for the first time"
    return f"{stanzas}; {collectors} working"
