"""What the restore tests proved."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreTests:
    """The results that are on record, of all stanzas."""
