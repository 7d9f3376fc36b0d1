"""When a source is read: what every source's section of the settings begins with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """When a source is read: every so many seconds, within so many."""

    every: float
    within: float
    # The age at which values are dropped; left out: ten times `every`, at least `within`.
    stale_after: float = 0.0

    def __post_init__(self) -> None:
        if not self.stale_after:
            object.__setattr__(self, "stale_after", max(10 * self.every, self.within))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Cadence):
    """A source that may be there or not: by default it is read where it is found."""

    enabled: bool | None = None
