"""Who is told what, while the scenes go on: the real rules and routing, and what arrives at PagerDuty and Slack."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.alerts.receivers import Notice, Receivers, notices
from tests.alerts.rules import PREFIX
from tests.alerts.stack import Stack
from tests.cluster.expected import EXPECTED, NOTHING, RECEIVERS, Expected
from tests.cluster.scene import Scene
from tests.lab.program import LabError, until

# How the times of alerts/ are scaled. The exporter reads 15 to 450 times as often here as its defaults say, and so the
# rules' ranges (a missed scrape, a lookback) are divided by 90: 15 minutes are ten seconds. A `for` stays ten seconds
# long, though, or a thirtieth: healthy scenes have handovers, restarts and slow pushes of some seconds, which
# tests/cluster/health.py bears for six, and a lag for twelve. Alertmanager need not be patient: what it groups is one
# stanza's.
FACTOR, LASTING, ROUTING = 90.0, 10.0, 600.0
# Where health.py says that a segment waits too long. `off` for what no scene is about.
THRESHOLDS = {"wal_archive_lag": {"warning": "12s", "critical": "17s"}}
_PATIENCE = 120
# Pending until the first restore test, for a day: that is sixteen minutes.
_SOME_DAY = "RestoreTestNeverRun/warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line of the matrix: the seconds from the fault to the person, and from the healing to the all-clear."""

    scene: str
    alert: str
    receiver: str
    seconds: float
    cleared: float | None


@dataclass(slots=True, kw_only=True)
class Alarms:
    """An Observer. Whatever is told to anybody is judged in the scene in which it is told."""

    stack: Stack
    receivers: Receivers
    told: list[Told] = field(default_factory=list)
    waited: float = 0
    """Seconds for which scenes have waited for alerts alone."""
    standing: frozenset[str] = frozenset()
    """What earlier scenes left for a later one to mend."""
    _judged: int = 0
    """So many notices have been."""
    _under_way: bool = False
    _began: float = 0
    _acted: float = 0
    _shown: float = 0
    _left: dict[str, float] = field(default_factory=dict)
    """When a scene had been made that left this alert."""

    def begins(self, scene: Scene) -> None:
        self._until(lambda: self._quiet(self.standing), f"before: {scene.name}")
        # An earlier scene that was wrong is told of once.
        wrong = [] if self._under_way else [one for one in self._new() if not self._permitted(one, NOTHING)]
        self._judged, self._under_way = len(self._notices()), True
        self._began = time.time()
        assert not wrong, f"told between the scenes: {_names(wrong)}"

    def acted(self, scene: Scene) -> None:  # noqa: ARG002 - of any
        self._acted = time.time()

    def shown(self, scene: Scene) -> None:
        expected = EXPECTED[scene.name]
        self._until(lambda: expected.comes <= self._arrived(), f"{sorted(expected.comes)} arrive")
        self._shown = time.time()

    def cleared(self, scene: Scene) -> None:
        """All is told, all is over: then it is judged."""
        expected = EXPECTED[scene.name]
        self._until(lambda: expected.then <= self._arrived(), f"{sorted(expected.then)} arrive")
        self.standing = (self.standing | expected.leaves) - expected.mends
        self._left |= dict.fromkeys(expected.leaves, self._acted)
        self._until(lambda: self._quiet(self.standing), "all is over")
        new = self._new()
        self._judged, self._under_way = self._judged + len(new), False
        wrong = [one for one in new if not self._permitted(one, expected)]
        self.told += self._lines(expected, scene.name)
        assert not wrong, f"{scene.name}: nobody should have been told: {_names(wrong)}"
        assert self.stack.errors() == [], "rules cannot be evaluated"

    def _permitted(self, notice: Notice, expected: Expected) -> bool:
        if notice.resolved:
            return True
        severity = notice.alert.rpartition("/")[2]
        known = expected.permits(notice.alert) or notice.alert in self.standing | expected.mends
        return known and RECEIVERS.get(severity) == notice.receiver

    def _lines(self, expected: Expected, scene: str) -> list[Told]:
        """Of each alert the first word and the last all-clear. It may come while the scene is still being made."""
        lines: dict[str, Told] = {}
        for one in self._notices():
            began, acted = self._began, self._shown if one.alert in expected.then else self._acted
            if one.alert in expected.mends and one.alert in self._left:
                began = acted = self._left[one.alert]
            if one.at < began or not expected.permits(one.alert):
                continue
            if not one.resolved:
                seconds = max(one.at - acted, 0)
                new = Told(scene=scene, alert=one.alert, receiver=one.receiver, seconds=seconds, cleared=None)
                lines.setdefault(one.alert, new)
            elif one.alert in lines:
                lines[one.alert] = replace(lines[one.alert], cleared=one.at - self._shown)
        return list(lines.values())

    def _notices(self) -> list[Notice]:
        return notices(self.receivers.everything())

    def _new(self) -> list[Notice]:
        return self._notices()[self._judged :]

    def _arrived(self) -> frozenset[str]:
        """Told in this scene, or before it and not over."""
        return self._open() | {one.alert for one in self._new() if not one.resolved}

    def _open(self) -> frozenset[str]:
        """What people believe to be going on: told, and no all-clear yet."""
        last = {one.alert: one.resolved for one in self._notices()}
        return frozenset(alert for alert, resolved in last.items() if not resolved)

    def _quiet(self, standing: frozenset[str]) -> bool:
        """Nothing fires or is about to, and whoever was told knows that it is over. Good news has no end."""
        found = {
            alert for alert, state in self._alerts() if state == "firing" or alert != _SOME_DAY
        } | self._open()
        return all(alert in standing or alert.endswith(("/info", "/none")) for alert in found)

    def _alerts(self) -> list[tuple[str, str]]:
        """What Prometheus has, and whether it is pending or firing."""
        return [
            (f"{labels['alertname'].removeprefix(PREFIX)}/{labels['severity']}", alert["state"])
            for alert in self.stack.alerts()
            for labels in (alert["labels"],)
        ]

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        def quietly() -> bool:
            try:
                return holds()
            except OSError:  # Prometheus is busy
                return False

        began = time.monotonic()
        try:
            until(quietly, within=_PATIENCE, what=what, every=0.2)
        except LabError as error:
            raise AssertionError(
                f"{error}\nPrometheus: {self._alerts()}\ntold: {_names(self._new())}"
            ) from None
        finally:
            self.waited += time.monotonic() - began


def _names(found: list[Notice]) -> str:
    return ", ".join(f"{one.alert} at {one.receiver}{' is over' if one.resolved else ''}" for one in found)


def matrix(alarms: Alarms) -> str:
    """As lines for people."""
    rows = [
        (
            line.scene,
            *line.alert.split("/"),
            line.receiver,
            f"{line.seconds:.1f}",
            "–" if line.cleared is None else f"{line.cleared:.1f}",
        )
        for line in alarms.told
    ]
    heads = ("fault", "alert", "severity", "receiver", "seconds", "cleared")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (heads, *rows)
    )
    return "\n".join((*lines, f"The scenes waited {alarms.waited:.0f} s for alerts alone."))
