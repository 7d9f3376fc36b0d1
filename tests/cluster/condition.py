"""What a scrape must say: conditions with words for people, alone or against the scrape before."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.summary import Scrape


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Judges one scrape, beside the one from before the scene; *words* are shown in the table."""

    words: str
    holds: Callable[[Scrape, Scrape], bool]


def _named(name: str, labels: dict[str, str]) -> str:
    pairs = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{pairs}}}" if pairs else name


def equals(name: str, value: float, **labels: str) -> Condition:
    """At least one such sample has this value."""
    return Condition(
        words=f"{_named(name, labels)} = {value:g}", holds=lambda now, _: value in now.values(name, **labels)
    )


def everywhere(name: str, value: float, **labels: str) -> Condition:
    """There are such samples, and all have this value."""
    return Condition(
        words=f"{_named(name, labels)} = {value:g} everywhere",
        holds=lambda now, _: set(now.values(name, **labels)) == {value},
    )


def above(name: str, limit: float, **labels: str) -> Condition:
    """At least one such sample is above the limit."""
    return Condition(
        words=f"{_named(name, labels)} > {limit:g}",
        holds=lambda now, _: any(value > limit for value in now.values(name, **labels)),
    )


def grows(name: str, by: float = 1, **labels: str) -> Condition:
    """The sum of such samples is that much more than before the scene; none before counts as 0."""
    return Condition(
        words=f"{_named(name, labels)} grows by {by:g}",
        holds=lambda now, before: (
            bool(found := now.values(name, **labels))
            and sum(found) >= sum(before.values(name, **labels)) + by
        ),
    )


def total(name: str, value: float, **labels: str) -> Condition:
    """The sum of such samples is this; it is 0 where there are none."""
    return Condition(
        words=f"sum of {_named(name, labels)} = {value:g}",
        holds=lambda now, _: sum(now.values(name, **labels)) == value,
    )


def used(name: str, share: float, **labels: str) -> Condition:
    """More than this share of a filesystem is used, as `df` counts it."""

    def holds(now: Scrape, _: Scrape) -> bool:
        taken, left = (
            now.value(f"{name}_used_bytes", **labels),
            now.value(f"{name}_available_bytes", **labels),
        )
        return taken is not None and left is not None and taken / (taken + left) > share

    return Condition(words=f"{_named(f'{name}_used_bytes', labels)} > {share:.0%}", holds=holds)


def kept(name: str, **labels: str) -> Condition:
    """Such samples are there, and none is less than before the scene."""
    return Condition(
        words=f"{_named(name, labels)} is not less than before",
        holds=lambda now, before: (
            bool(now.values(name, **labels))
            and sum(now.values(name, **labels)) >= sum(before.values(name, **labels))
        ),
    )


def exceeds(name: str, other: str, **labels: str) -> Condition:
    """The largest of one is more than the largest of another, both of which are there."""
    return Condition(
        words=f"{_named(name, labels)} > {other}",
        holds=lambda now, _: (
            bool(now.values(name, **labels) and now.values(other))
            and max(now.values(name, **labels)) > max(now.values(other))
        ),
    )


def ahead(name: str, *others: str) -> Condition:
    """The largest of one is more than everything that the others say."""
    return Condition(
        words=f"{name} > {' and '.join(others)}",
        holds=lambda now, _: (
            max(now.values(name), default=0)
            > max((value for other in others for value in now.values(other)), default=0)
        ),
    )


def same(name: str, other: str, **labels: str) -> Condition:
    """All of one have the value of another, and both are there."""
    return Condition(
        words=f"{_named(name, labels)} = {other}",
        holds=lambda now, _: (
            len({*now.values(name, **labels), *now.values(other)}) == 1
            and bool(now.values(name, **labels) and now.values(other))
        ),
    )
