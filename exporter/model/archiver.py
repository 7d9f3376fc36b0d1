"""What PostgreSQL says of its archiving."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiver:
    """What the current primary of one stanza says; *primary* None: there is none, which is known."""
