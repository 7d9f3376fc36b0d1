"""Judges an archive: what WAL is missing from what must be whole, and to which moments recovery can go.

Whole must be each backup's own WAL, and all of it from the oldest backup that point-in-time recovery needs on:
archive retention takes away what lies between older ones (src/command/expire/expire.c, removeExpiredArchive).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from exporter import wal
from exporter.model.info import Backup
from exporter.model.repository import Recovery, Retention, WalArchive
from exporter.wal.spans import Span, Spans
from exporter.wal.timelines import Course, Segments, followed

ON_THE_WAY = 120
"""Seconds: asynchronous pushes overtake one another, and a failed one is tried again within a minute."""
_MOST_ON_THE_WAY = 64
_COUNTED = {"full": ("full",), "diff": ("full", "diff"), "incr": ("full", "diff", "incr")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known from elsewhere: *listed* is when the archive was looked at, in seconds since the epoch.

    *segment_size* is in bytes; *timeline* is the database's own word; *waiting* since when a segment waits to be
    archived. *retention* None: it is not known, so what looks like archive retention's work is taken for that.
    """

    listed: float
    segment_size: int | None
    retention: Retention | None = None
    timeline: int | None = None
    waiting: float | None = None


@dataclass(frozen=True, slots=True)
class _Own:
    """A backup and the WAL that it needs to be consistent."""

    backup: Backup
    timeline: int
    first: int
    last: int
    on_course: bool


def judge(archive: WalArchive, backups: Sequence[Backup], around: Circumstances) -> Recovery:
    """Judge the archive of one database by its *backups*, oldest stop first; those of other databases only count."""
    if around.segment_size is None:
        return Recovery(
            newest_arrival=_newest_arrival(archive, archive.timelines),
            newest_history=max(archive.histories, default=None),
        )
    segments = Segments(archive, around.segment_size)
    mine = [backup for backup in backups if backup.database_id == archive.database_id]
    starts = [start for backup in mine if (start := wal.parse(backup.wal_start or ""))]
    timeline = followed(segments, around.timeline, starts[-1].timeline if starts else None)
    found = _Judgement(segments, segments.course(timeline or 1), mine, around)
    known = {*archive.timelines, *archive.histories}
    return Recovery(
        newest_arrival=_newest_arrival(archive, {leg.timeline for leg in found.course.legs}),
        newest_history=max(archive.histories, default=None),
        timeline=timeline,
        strays=tuple(sorted(one for one in known if timeline is not None and one > timeline)),
        missing_newest=found.missing_newest,
        missing_older=found.missing_older(_oldest_needed(found.on_course, backups, around, found.course)),
        without_wal=tuple(own.backup.label for own in found.own if not found.whole(own)),
        start=found.start,
        end=found.end,
    )


def _newest_arrival(archive: WalArchive, timelines: Iterable[int]) -> int | None:
    """Return when the last segment came: into the newest folder, or a late one into that before."""
    folders = (folder for one in timelines for folder in archive.timelines.get(one, ())[-2:])
    return max((folder.newest for folder in folders if folder.present), default=None)


class _Judgement:
    """One archive, one course, and the backups that begin on it."""

    def __init__(
        self, segments: Segments, course: Course, backups: Iterable[Backup], around: Circumstances
    ) -> None:
        self.course = course
        self._segments = segments
        self._around = around
        self._on_their_way = frozenset(_tail(course, around.listed))
        self.own = [own for backup in backups if (own := self._needs(backup))]
        self.on_course = [own for own in self.own if own.on_course]
        self.newest = next((own for own in reversed(self.on_course) if self.whole(own)), None)
        seen = [own.last for own in self.on_course if self._settled(own)]
        self._end = max((*seen, course.spans.last or 0))

    def _needs(self, backup: Backup) -> _Own | None:
        """Offline backups need none and say so."""
        start, stop = wal.parse(backup.wal_start or ""), wal.parse(backup.wal_stop or "")
        if start is None or stop is None:
            return None
        first, last = start.number(self._segments.size), stop.number(self._segments.size)
        ways = {self.course.timeline_of(number) for number in (first, max(first, last))}
        return _Own(backup, start.timeline, first, last, ways == {start.timeline} == {stop.timeline})

    def whole(self, own: _Own) -> bool:
        """Whether a backup has its own WAL; of one that is newer than the listing pgBackRest itself made sure."""
        if not own.on_course:
            return not self._segments.of(own.timeline).missing(own.first, own.last)
        return not self.missing([(own.first, own.last)]) or not self._settled(own)

    def _settled(self, own: _Own) -> bool:
        if own.backup.stop <= self._around.listed - ON_THE_WAY:
            return True
        return any(self._segments.gone(own.timeline, number) for number in range(own.first, own.last + 1))

    def missing(self, spans: Iterable[Span]) -> int:
        """Count the segments of the course that are missing there and not on their way."""
        wanted = Spans(spans)
        excused = sum(1 for number in self._on_their_way if number in wanted)
        return sum(self.course.spans.missing(*span) for span in wanted) - excused

    @property
    def missing_newest(self) -> int:
        """Count from the newest usable backup on; without one from the oldest."""
        if not self.on_course:
            return 0
        return self.missing([(self._turn, self._end)])

    @property
    def _turn(self) -> int:
        """The segment from which on a hole is a new one."""
        return self.newest.first if self.newest else min(own.first for own in self.on_course)

    def missing_older(self, needed: _Own | None) -> int:
        """Count what is missing before the newest usable backup: from *needed* on, and what each one has lost."""
        lost: dict[int, list[Span]] = {}
        for own in self.own:
            if not own.on_course:
                lost.setdefault(own.timeline, []).append((own.first, own.last))
        off = (self._segments.of(one).missing(*span) for one, spans in lost.items() for span in Spans(spans))
        if not self.on_course:
            return sum(off)
        before = min(self._turn - 1, self._end)
        on = [(own.first, min(own.last, before)) for own in self.on_course if self._settled(own)]
        return sum(off) + self.missing([*on, *([(needed.first, before)] if needed else [])])

    @property
    def start(self) -> int | None:
        """When the oldest backup stopped from which on nothing is missing."""
        if self.newest is None:
            return None
        run = self.course.spans.run(self.newest.first)
        reached = run[0] if run else self.newest.first
        return min(
            own.backup.stop
            for own in self.on_course
            if own is self.newest or (reached <= own.first <= self.newest.first and self.whole(own))
        )

    @property
    def end(self) -> int | None:
        """When the last segment arrived that nothing is missing before, or the backup itself if that is later."""
        if self.newest is None:
            return None
        run = self.course.spans.run(self.newest.first)
        arrived = self.course.arrival(run[1]) if run else None
        if arrived is not None and self._around.waiting is not None:
            arrived = min(arrived, int(self._around.waiting))
        return max(self.newest.backup.stop, arrived or 0)


def _tail(course: Course, listed: float) -> Iterable[int]:
    """Yield the missing segments that may be on their way: what follows has come just now."""
    room = _MOST_ON_THE_WAY
    for first, last in course.spans.holes_from_the_end():
        room -= last - first + 1
        arrived = course.arrival(last + 1)
        if room < 0 or arrived is None or arrived <= listed - ON_THE_WAY:
            return
        yield from (number for number in range(first, last + 1) if not course.gone(number))


def _oldest_needed(
    owns: Sequence[_Own], backups: Sequence[Backup], around: Circumstances, course: Course
) -> _Own | None:
    """Return the backup from which on all WAL is kept, by retention or by what is there."""
    owns = sorted(owns, key=lambda own: own.first)
    retention = around.retention
    if not owns:
        return None
    if retention is None:
        return owns[_kept_from(owns, course)]
    counted = sorted(backup.label for backup in backups if backup.type in _COUNTED[retention.type])
    oldest = counted[-retention.archive] if retention.archive and len(counted) >= retention.archive else ""
    return next((own for own in owns if own.backup.label >= oldest), None)


def _kept_from(owns: Sequence[_Own], course: Course) -> int:
    """Skip the oldest backups between which there is nothing at all, as retention leaves it."""
    kept = 0
    for index, (own, following) in enumerate(pairwise(owns), 1):
        length = following.first - own.last - 1
        if length > 0:
            if course.spans.missing(own.last + 1, following.first - 1) < length:
                break
            kept = index
    return kept
