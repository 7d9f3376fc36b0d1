"""What the exporter has to reach, per size, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tests.bench.documents import Size
from tests.bench.measure import CHANGES, Measured
from tests.bench.scrapes import MODES

# Sizes between these take the limits of the next smaller one.
NGINX = {30: 2.5, 1_000: 1.5, 10_000: 1.2, 100_000: 1.2}
PEER_SCRAPE = {30: (0.25, 0.2), 1_000: (0.025, 0.012), 10_000: (0.01, 0.002), 100_000: (0.02, 0.002)}
PEER_MEMORY = {10_000: 0.5, 100_000: 0.3}
PEER_UNCHANGED = {1_000: 0.1}
PEER_ADDED = {1_000: 0.5, 10_000: 0.25}
SMALL_RSS = 72.0  # MiB, below 1,000 backups
SMALL_COLLECTION = 0.010  # s, below 1,000 backups
SMALL_START = 1.0  # s, below 1,000 backups
WAIT = 0.1  # s a scrape may be held up by a collection

T = TypeVar("T")
Results = Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Target:
    """One demand: `value` is to be at most `limit`; None when there is nothing to compare with."""

    what: str
    value: float | None
    limit: float
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        return None if self.value is None else self.value <= self.limit


def _limit(table: Mapping[int, T], backups: int) -> T | None:
    fitting = [start for start in table if start <= backups]
    return table[max(fitting)] if fitting else None


def _ratio(value: float | None, other: float | None) -> float | None:
    return value / other if value is not None and other else None


def _scrapes(size: int, results: Results) -> Iterator[Target]:
    for mode in MODES:
        own = results["exporter"].scrapes[mode].median
        limit = _limit(NGINX, size) or 2.5
        yield Target(f"{mode} scrape / nginx", _ratio(own, results["nginx"].scrapes[mode].median), limit)
    limits = _limit(PEER_SCRAPE, size) or (0.25, 0.2)
    for mode, limit in zip(MODES, limits, strict=True):
        theirs = results["peer"].scrapes[mode].median if "peer" in results else None
        yield Target(f"{mode} scrape / peer", _ratio(results["exporter"].scrapes[mode].median, theirs), limit)


def _memory(size: int, own: Measured, peer: Measured | None) -> Iterator[Target]:
    other = peer or Measured()
    pairs = (
        ("RSS after collections", own.rss_collected, other.rss_collected),
        ("RSS after scrapes", own.rss_scraped, other.rss_scraped),
        ("peak RSS", own.peak, other.peak),
    )
    for what, value, theirs in pairs:
        if limit := _limit(PEER_MEMORY, size):
            yield Target(f"{what} / peer", _ratio(value, theirs), limit)
        elif size < 1_000:
            yield Target(what, value, SMALL_RSS, " MiB")


def _collections(size: int, own: Measured, peer: Measured | None) -> Iterator[Target]:
    for change, table in zip(CHANGES[:2], (PEER_UNCHANGED, PEER_ADDED), strict=True):
        # work left to the first scrape after a change is part of the collection
        cost = max(own.collection_cpu[change], own.collection_cpu_scraped.get(change, 0))
        if limit := _limit(table, size):
            theirs = peer.collection_cpu[change] if peer else None
            yield Target(f"CPU per collection, {change} / peer", _ratio(cost, theirs), limit)
        else:
            yield Target(f"CPU per collection, {change}", cost * 1e3, SMALL_COLLECTION * 1e3, " ms")


def targets(size: Size, results: Results) -> tuple[Target, ...]:
    """Every demand that exists for this size."""
    backups = size.stanzas * size.backups
    own, peer = results["exporter"], results.get("peer")
    waits = tuple(Target(f"longest wait, {mode}", own.wait(mode) * 1e3, WAIT * 1e3, " ms") for mode in MODES)
    held_up = own.held_up * 1e3 if own.held_up is not None else None
    start = (Target("start to first full scrape", own.start, SMALL_START, " s"),) if backups < 1_000 else ()
    return (
        *_scrapes(backups, results),
        *_memory(backups, own, peer),
        *_collections(backups, own, peer),
        *waits,
        Target("longest wait, small answer", held_up, WAIT * 1e3, " ms"),
        Target("incomplete scrapes", own.incomplete, 0, ""),
        *start,
    )
