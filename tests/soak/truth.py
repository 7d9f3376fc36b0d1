"""What was really so, and since when: by it is judged whether what is served claims to be fresher than it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Truth:
    """One fact that changes."""

    wall: Callable[[], float] = time.time
    _held: list[tuple[float, object]] = field(default_factory=list)

    def becomes(self, value: object) -> None:
        """Note that the world is about to tell *value*; what it told before may be read for a moment more."""
        self._held.append((self.wall(), value))

    @property
    def now(self) -> object:
        """What holds."""
        return self._held[-1][1]

    def held_since(self, value: object, moment: float) -> bool:
        """Whether it was so at *moment* or later."""
        ends = [at for at, _ in self._held[1:]] + [float("inf")]
        return any(told == value and end >= moment for (_, told), end in zip(self._held, ends, strict=True))
