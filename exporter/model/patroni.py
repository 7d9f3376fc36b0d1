"""What Patroni says of its cluster."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster of one stanza as its members see it."""
