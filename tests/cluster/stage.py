"""Performs scenes: does it, waits for what must show, heals, waits until all is well; measures and judges."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.cluster.health import PATIENCE
from tests.cluster.scene import Observer, Props, Scene, Within
from tests.cluster.watch import Moment, Watch
from tests.lab.program import LabError, until


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A line of the table: after how many seconds something was seen; None: it was not."""

    scene: str
    phase: str
    what: str
    limit: float
    seconds: float | None


@dataclass(slots=True, kw_only=True)
class Stage:
    """The cluster with its exporter, watched all the time. *observers* see every scene, beside the scene's own."""

    props: Props
    watch: Watch
    observers: list[Observer] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    scars: frozenset[str] = frozenset()
    """What earlier scenes left upset for a later one to mend."""

    def perform(self, scene: Scene) -> None:
        """Raises AssertionError with everything that was wrong; the healing is done in any case."""
        self._well("all is well before", scene, limit=60, scars=self.scars)
        began, before = time.monotonic(), self.watch.now()
        wrong = [
            f"held before anything was done: {one.condition.words}"
            for one in scene.shows
            if not scene.since and one.condition.holds(before.scrape, before.scrape)
        ]
        self._tell(scene, "begins")
        healed = began
        try:
            scene.act(self.props)
            self._tell(scene, "acted")
            acted = scene.since(self.props) if scene.since else time.monotonic()
            seen_since = min(began, acted)
            wrong += self._wait(
                scene, "shows", scene.shows, since=seen_since, counted_from=acted, before=before
            )
            self._last(acted + scene.lasts)
            self._tell(scene, "shown")
        finally:
            healed = time.monotonic()
            if scene.heal:
                scene.heal(self.props)
                healed = time.monotonic()
        wrong += self._wait(scene, "clears", scene.clears, since=healed, counted_from=healed, before=before)
        wrong += self._complaints(scene, began, before)
        self.scars = (self.scars | scene.scars) - scene.mends
        wrong += self._well("all is well again", scene, limit=scene.well_within, scars=self.scars)
        assert not wrong, f"{scene.name}:\n  " + "\n  ".join(wrong)
        self._tell(scene, "cleared")

    def _wait(
        self,
        scene: Scene,
        phase: str,
        expected: Sequence[Within],
        *,
        since: float,
        counted_from: float,
        before: Moment,
    ) -> Iterator[str]:
        for one in expected:

            def first(one: Within = one) -> Moment | None:
                seen = self.watch.since(since)
                return next((at for at in seen if one.condition.holds(at.scrape, before.scrape)), None)

            deadline = counted_from + one.seconds
            found = self._until(first, deadline)
            seconds = None if found is None else found.at - counted_from
            line = Measured(
                scene=scene.name, phase=phase, what=one.condition.words, limit=one.seconds, seconds=seconds
            )
            self.measured.append(line)
            if seconds is None:
                yield f"{phase} not within {one.seconds:g} s: {one.condition.words}"

    def _until(self, first: Callable[[], Moment | None], deadline: float) -> Moment | None:
        try:
            until(lambda: first() is not None, within=max(deadline - time.monotonic(), 1), what="", every=0.1)
        except LabError:
            return None
        return first()

    def _last(self, moment: float) -> None:
        remaining = moment - time.monotonic()
        if remaining > 0:
            until(lambda: time.monotonic() >= moment, within=remaining + 5, what="the scene lasts", every=0.1)

    def _well(self, what: str, scene: Scene, *, limit: float, scars: frozenset[str]) -> list[str]:
        """Wait until nobody complains, but for what is known to be left."""
        began = time.monotonic()

        def first() -> Moment | None:
            seen = self.watch.since(began)
            return next((moment for moment in seen if moment.ill <= scars), None)

        found = self._until(first, began + limit)
        seconds = None if found is None else found.at - began
        if scene.heal or seconds is None or scene.upsets:
            phase = "before" if "before" in what else "well"
            self.measured.append(
                Measured(scene=scene.name, phase=phase, what=what, limit=limit, seconds=seconds)
            )
        if found is None:
            ill = self.watch.now().ill - scars
            return [f"{what}: not within {limit:g} s, still upset: {', '.join(sorted(ill))}"]
        return []

    def _complaints(self, scene: Scene, began: float, before: Moment) -> list[str]:
        allowed = scene.upsets | before.ill | self.scars
        since: dict[str, float] = {}
        wrong: dict[str, float] = {}
        for moment in self.watch.since(began):
            since = {name: since.get(name, moment.at) for name in moment.ill - allowed}
            for name, first in since.items():
                if moment.at - first >= PATIENCE.get(name, 0):
                    wrong.setdefault(name, first - began)
        return [f"not silent: {name}, from second {seconds:.1f} on" for name, seconds in wrong.items()]

    def _tell(self, scene: Scene, phase: str) -> None:
        for observer in (*self.observers, *scene.observers):
            getattr(observer, phase)(scene)


def table(measured: Sequence[Measured]) -> str:
    """What was measured, as lines for people."""
    rows = [
        (line.scene, line.phase, line.what, _seconds(line.seconds), f"{line.limit:g}") for line in measured
    ]
    heads = ("scene", "phase", "what", "seconds", "limit")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in (heads, *rows)
    ]
    return "\n".join(line.rstrip() for line in shown)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{max(value, 0):.1f}"
