"""Timelines: which one the database follows, and the course that recovery takes to it through the archive."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from exporter.model.repository import Folder, WalArchive
from exporter.wal.spans import Span, Spans, runs_of_bits


class Leg(NamedTuple):
    """A part of a course: the segments from *first* to *last* are those of *timeline*; None is open to the end."""

    timeline: int
    first: int
    last: int | None

    def holds(self, number: int) -> bool:
        """Whether the course takes this segment from this timeline."""
        return self.first <= number and (self.last is None or number <= self.last)


class Segments:
    """The segments of an archive as numbers, given the *size* of one in bytes."""

    def __init__(self, archive: WalArchive, size: int) -> None:
        self.archive = archive
        self.size = size
        self._per_folder = (1 << 32) // size
        self._spans: dict[int, Spans] = {}
        self._folders: dict[int, dict[int, Folder]] = {}

    def of(self, timeline: int) -> Spans:
        """Return the numbers of the segments that are there."""
        if timeline not in self._spans:
            self._spans[timeline] = Spans(self._runs(self.archive.timelines.get(timeline, ())))
        return self._spans[timeline]

    def arrival(self, timeline: int, number: int) -> int | None:
        """Return when a segment reached the repository."""
        folder, low = self._folder(timeline, number), number % self._per_folder
        return folder.times[low] if folder and folder.present >> low & 1 else None

    def gone(self, timeline: int, number: int) -> bool:
        """Whether a segment was seen once and is not there any more."""
        folder = self._folder(timeline, number)
        return bool(folder and folder.gone >> (number % self._per_folder) & 1)

    def first_arrival(self, timeline: int) -> int | None:
        """Return when the first segment of a timeline arrived."""
        folder = next(iter(self.archive.timelines.get(timeline, ())), None)
        return next((time for time in folder.times if time), None) if folder else None

    def last_arrival(self, timeline: int, *, beyond: int = -1) -> int | None:
        """Return when the latest of the segments above number *beyond* arrived."""
        newest = 0
        for folder in self.archive.timelines.get(timeline, ()):
            skipped = beyond + 1 - folder.high * self._per_folder
            if folder.newest > newest and skipped < self._per_folder:
                newest = max(newest, max(folder.times[skipped:], default=0) if skipped > 0 else folder.newest)
        return newest or None

    def course(self, timeline: int) -> "Course":
        """Return the way to *timeline* that its history tells; without one it begins on that timeline."""
        legs, first = [], 0
        for switch in self.archive.histories.get(timeline) or ():
            number = switch.lsn // self.size
            legs.append(Leg(switch.timeline, first, number - 1))
            first = max(first, number)
        return Course(self, (*legs, Leg(timeline, first, None)))

    def _runs(self, folders: Sequence[Folder]) -> list[Span]:
        """Return the runs, those of full folders in one piece: nearly all of them are."""
        full = (1 << self._per_folder) - 1
        runs: list[Span] = []
        first, beyond = 0, 0
        for folder in folders:
            base = folder.high * self._per_folder
            if folder.present != full:
                runs += ((base + low, base + last) for low, last in runs_of_bits(folder.present & full))
                continue
            if base != beyond:
                runs.append((first, beyond - 1))
                first = base
            beyond = base + self._per_folder
        return [*runs, (first, beyond - 1)]

    def _folder(self, timeline: int, number: int) -> Folder | None:
        if timeline not in self._folders:
            folders: Mapping[int, Sequence[Folder]] = self.archive.timelines
            self._folders[timeline] = {folder.high: folder for folder in folders.get(timeline, ())}
        return self._folders[timeline].get(number // self._per_folder)


class Course:
    """The segments that recovery to one timeline reads, each from the timeline that holds there.

    PostgreSQL looks for a segment on the timeline that the history names for it: the old one up to the segment
    before the switch, and the segment of the switch itself on the new one (timeline.c, tliOfPointInHistory).
    """

    def __init__(self, segments: Segments, legs: tuple[Leg, ...]) -> None:
        self._segments = segments
        self.legs = legs

    @cached_property
    def spans(self) -> Spans:
        """The numbers that are there, each on its timeline."""
        found: list[Span] = []
        for timeline, first, last in self.legs:
            there = self._segments.of(timeline)
            end = there.last if last is None else last
            found += there.within(first, -1 if end is None else end)
        return Spans(found)

    def timeline_of(self, number: int) -> int:
        """Return the timeline that the course takes segment *number* from."""
        return next(leg.timeline for leg in self.legs if leg.holds(number))

    def arrival(self, number: int) -> int | None:
        """Return when a segment reached the repository."""
        return self._segments.arrival(self.timeline_of(number), number)

    def gone(self, number: int) -> bool:
        """Whether a segment was seen once and is not there any more."""
        return self._segments.gone(self.timeline_of(number), number)


def followed(segments: Segments, known: int | None, backed_up: int | None) -> int | None:
    """Return the timeline that the database follows, None where nothing tells of any.

    *known* is what the database itself or Patroni says; it counts where the archive has heard of that timeline.
    Else it is the one of the newest backup, *backed_up*, or one that goes out from there – unless the older one
    was archived further beyond the switch afterwards: then the new one is a restored copy's that archives here
    by mistake, and the database is where it was.
    """
    archive = segments.archive
    if known is not None and (known in archive.timelines or known in archive.histories):
        return known
    timeline = _latest(segments) if backed_up is None else backed_up
    while timeline is not None:
        successors = [one for one in _children(archive, timeline) if _took_over(segments, timeline, one)]
        if not successors:
            break
        timeline = max(successors, key=lambda one: (segments.last_arrival(one) or 0, one))
    return timeline


def _latest(segments: Segments) -> int | None:
    timelines = segments.archive.timelines
    return max(timelines, key=lambda one: (segments.last_arrival(one) or 0, one), default=None)


def _children(archive: WalArchive, timeline: int) -> Iterator[int]:
    for one, history in archive.histories.items():
        if one > timeline and one in archive.timelines and history and history[-1].timeline == timeline:
            yield one


def _took_over(segments: Segments, old: int, new: int) -> bool:
    history = segments.archive.histories[new] or ()
    went_on = segments.last_arrival(old, beyond=history[-1].lsn // segments.size)
    return went_on is None or went_on <= (segments.first_arrival(new) or 0)
