"""What PostgreSQL says of its archiving."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """The server that archives, and how far it is. Times are seconds since the epoch by the exporter's clock.

    *role* is standby where no primary was found and a standby has archive_mode=always. *hindrance* tells in words
    why nothing can be archived, None: it can. *oldest_ready* is the moment since which the oldest segment waits,
    None: none waits, of *ready_segments* that wait. *lag_bytes* is what is written and not archived. *position* is
    that of the WAL, in bytes from its beginning; *timeline* is known of a primary alone. *clock_skew* is the
    server's clock less ours, in whole seconds. The two counts are what was seen to happen while it was watched,
    over all servers that were the primary.
    """

    server: str
    role: Literal["primary", "standby"]
    hindrance: str | None
    ready_segments: int
    oldest_ready: float | None
    lag_bytes: int | None
    failing: bool
    last_archived: float | None
    last_failed: float | None
    archived: int
    failures: int
    timeline: int | None
    wal_segment_size: int
    position: int
    clock_skew: float

    @property
    def enabled(self) -> bool:
        """Whether archiving is on, with a command or a library that can archive."""
        return self.hindrance is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiver:
    """What was found for one stanza.

    *asked* tells whether a connection is known at all; with it, *archiving* None is the knowledge that no server
    archives: all of them are standbys. Without it *behind* is the moment since which a segment that Patroni's leader
    has written to its end is not in the archive; None: none is known to wait. *spool_errors* counts the segments of
    which asynchronous archiving on this machine told an error in the last two minutes; None: it has no spool here, or
    one that may not be read.
    """

    asked: bool = True
    archiving: Archiving | None = None
    behind: float | None = None
    spool_errors: int | None = None
