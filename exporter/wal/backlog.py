"""Since when a complete WAL segment is not in the archive, told by two positions that are looked at again and again."""

from dataclasses import dataclass

# Entries that are remembered; what comes on top goes into the last one.
_MOST = 256


@dataclass(frozen=True, slots=True)
class Backlog:
    """Segments that were complete and not archived: numbers of last segments, and when each was first seen."""

    seen: tuple[tuple[int, float], ...] = ()

    def after(self, complete: int, archived: int, now: float) -> "Backlog":
        """Return the backlog after another look.

        *complete* is the number of the last segment that is written to its end, *archived* that of the newest in
        the archive. A database that is further back than before is another one: it begins anew.
        """
        seen = self.seen if not self.seen or complete >= self.seen[-1][0] else ()
        if seen and complete > seen[-1][0] and len(seen) >= _MOST:
            seen = (*seen[:-1], (complete, seen[-1][1]))
        elif not seen or complete > seen[-1][0]:
            seen = (*seen, (complete, now))
        left = tuple(entry for entry in seen if entry[0] > archived)
        return self if left == self.seen else Backlog(left)

    @property
    def since(self) -> float | None:
        """Since when the first of them waits, by the clock that was given; None: none waits."""
        return self.seen[0][1] if self.seen else None
