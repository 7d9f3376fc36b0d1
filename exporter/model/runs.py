"""How pgBackRest's commands went: from its logs and from our own records."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All runs that are known, of all stanzas."""
