"""What lies in the repositories: sizes, leftovers, WAL segments and their gaps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What the repositories of one stanza hold."""
