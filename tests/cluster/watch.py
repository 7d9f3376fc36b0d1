"""Scrapes all the time and remembers, so that what shows for a moment only is seen, and its time is known."""

import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.cluster.health import HEALTH
from tests.lab.exporter import Exporter
from tests.lab.summary import Scrape

_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Moment:
    """One scrape; *ill* are the names of HEALTH that complained."""

    at: float
    scrape: Scrape
    ill: frozenset[str]


class Watch:
    """`with Watch(exporter) as watch:` – an exporter that restarts leaves out some moments."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._moments: deque[Moment] = deque(maxlen=600)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def since(self, moment: float) -> list[Moment]:
        """What was seen from there on (time.monotonic())."""
        return [one for one in tuple(self._moments) if one.at >= moment]

    def now(self) -> Moment:
        """A fresh look."""
        return self._look()

    def _run(self) -> None:
        while not self._end.wait(_EVERY):
            with suppress(OSError):
                self._moments.append(self._look())

    def _look(self) -> Moment:
        began = time.monotonic()
        scrape = Scrape(self._exporter.scrape())
        return Moment(
            began, scrape, frozenset(name for name, is_well in HEALTH.items() if not is_well(scrape))
        )
