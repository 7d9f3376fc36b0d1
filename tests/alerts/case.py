"""One thing that happens to the healthy world, and which alerts fire when."""

from dataclasses import dataclass

from tests.alerts.world import Timeline

Expectation = dict[int, str]
"""What fires at which minute: "warning" of the alert itself, "BackupFailed/warning" of others, "*2" twice."""

SAME: Expectation = {-1: "as without it"}
"""The expectation of a variation that changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Changes of the healthy world, each a series (see world.py) and how it goes.

    expect: at all minutes that are named. step: minutes between scrapes, and between evaluations.
    down: the exporter does not answer from the first minute until before the second. gone: neither is it scraped.
    ha: expected when a second exporter sees the same. pair: when a second one is healthy. None: not tried.
    gap: whether a missed scrape is tried, before the fault and amid it. other: whether a second database, in another
    namespace and healthy, is tried.
    """

    alert: str
    changes: dict[str, Timeline]
    expect: Expectation
    name: str = ""
    step: int = 1
    down: tuple[int, int] | None = None
    gone: bool = False
    ha: Expectation | None = None
    pair: Expectation | None = None
    gap: bool = True
    other: bool = True
