"""A scene: what is done to the cluster, what must show, what must stay silent, what clears after healing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.alerts.stack import Stack
from tests.cluster.cluster import Cluster
from tests.cluster.condition import Condition
from tests.cluster.damage import Copy
from tests.cluster.health import HEALTH
from tests.lab.child import Child
from tests.lab.exporter import Exporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A condition and the seconds until which it must hold, from the end of the act or of the healing."""

    condition: Condition
    seconds: float


@dataclass(slots=True, kw_only=True)
class Props:
    """What scenes work with, and what an act leaves for its healing or for a later scene."""

    cluster: Cluster
    exporter: Exporter
    settings: Mapping[str, Any]
    """Of that exporter."""
    stack: Stack
    """Prometheus and Alertmanager with the rules."""
    running: Child | None = None
    watching: Exporter | None = None
    """The one on a node, while there is one."""
    copy: Copy | None = None
    damaged: Sequence[tuple[Path, bytes]] = ()
    idle_since: float = 0
    dropped_at: float = 0


Act = Callable[[Props], object]


class Observer(Protocol):
    """Looks at the same run with other eyes: alert rules, dashboards. What it finds wrong it raises."""

    def begins(self, scene: "Scene") -> None:
        """All is well, nothing is done yet."""

    def acted(self, scene: "Scene") -> None:
        """It is done just now."""

    def shown(self, scene: "Scene") -> None:
        """Everything that the scene shows is in the metrics now; nothing is healed yet."""

    def cleared(self, scene: "Scene") -> None:
        """It is healed, and all is well again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One row of the table. *upsets* are names of HEALTH; all others must stay silent from beginning to end."""

    name: str
    act: Act = lambda _: None
    shows: Sequence[Within] = ()
    upsets: frozenset[str] = frozenset()
    lasts: float = 0
    """Seconds for which it is watched at least, from the end of the act."""
    heal: Act | None = None
    clears: Sequence[Within] = ()
    well_within: float = 30
    """Seconds after the healing in which everything but *scars* is healthy again."""
    scars: frozenset[str] = frozenset()
    """Names of HEALTH that are or become upset from here on, until a later scene *mends* them."""
    mends: frozenset[str] = frozenset()
    since: Callable[[Props], float] | None = None
    """From when on the seconds of *shows* count, where an earlier scene did the harm (time.monotonic())."""
    observers: Sequence[Observer] = ()

    @property
    def silent(self) -> frozenset[str]:
        """What must not complain meanwhile."""
        return frozenset(HEALTH) - self.upsets


def shows(seconds: float, *conditions: Condition) -> tuple[Within, ...]:
    """Give them the same time."""
    return tuple(Within(condition=condition, seconds=seconds) for condition in conditions)
