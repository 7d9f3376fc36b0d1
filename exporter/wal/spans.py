"""Sets of whole numbers that are nearly without holes, kept as spans."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""The first and the last number of a run, both in it."""


class Spans:
    """Numbers as ascending runs that neither touch nor overlap."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        """Take spans in any order; empty ones (last before first) count for nothing."""
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(span for span in spans if span[0] <= span[1]):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(last, self._lasts[-1])
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __iter__(self) -> Iterator[Span]:
        return zip(self._firsts, self._lasts, strict=True)

    def __contains__(self, number: int) -> bool:
        return self.run(number) is not None

    @property
    def last(self) -> int | None:
        """The highest number."""
        return self._lasts[-1] if self._lasts else None

    def run(self, number: int) -> Span | None:
        """Return the run that holds *number*, None when it is missing."""
        at = bisect_right(self._firsts, number) - 1
        return (self._firsts[at], self._lasts[at]) if at >= 0 and number <= self._lasts[at] else None

    def within(self, first: int, last: int) -> Iterator[Span]:
        """Yield the runs from *first* to *last*, cut off there."""
        for at in range(max(bisect_right(self._firsts, first) - 1, 0), len(self._firsts)):
            if self._firsts[at] > last:
                return
            one = max(first, self._firsts[at]), min(last, self._lasts[at])
            if one[0] <= one[1]:
                yield one

    def missing(self, first: int, last: int) -> int:
        """Return how many numbers from *first* to *last* are not there."""
        there = sum(end - begin + 1 for begin, end in self.within(first, last))
        return max(last - first + 1, 0) - there

    def holes_from_the_end(self) -> Iterator[Span]:
        """Yield what lies between the runs, the highest first."""
        for at in range(len(self._firsts) - 1, 0, -1):
            yield self._lasts[at - 1] + 1, self._firsts[at] - 1


def runs_of_bits(mask: int) -> Iterator[Span]:
    """Yield the runs of bits that are set, the lowest first."""
    base = 0
    while mask:
        skip = (mask & -mask).bit_length() - 1
        mask >>= skip
        length = (~mask & (mask + 1)).bit_length() - 1
        yield base + skip, base + skip + length - 1
        mask >>= length
        base += skip + length
