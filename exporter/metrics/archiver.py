"""What PostgreSQL tells of its archiving."""

import math
from collections.abc import Iterator
from typing import Any

from exporter.model.archiver import Archiver, Archiving
from exporter.snapshot import Snapshot
from exporter.table import Group, Metric, Part, Row


def _each_archiver(snapshot: Snapshot) -> Iterator[Part]:
    return ((stanza, reading.value) for stanza, reading in snapshot.archiver.items() if reading.value)


def _archivers(stanza: str, archiver: Archiver) -> Iterator[Row[Archiver]]:
    yield (stanza,), archiver


def _archivings(stanza: str, archiver: Archiver) -> Iterator[Row[Archiving]]:
    if archiver.archiving is not None:
        yield (stanza,), archiver.archiving


def _lags(stanza: str, archiver: Archiver) -> Iterator[Row[float | None]]:
    if archiver.archiving is not None:
        yield (stanza, "postgresql"), _waits_since(archiver.archiving)
    if archiver.behind is not None:
        yield (stanza, "repository"), archiver.behind


def _waits_since(archiving: Archiving) -> float | None:
    """Return infinity where nothing waits; where nothing waits because nothing is archived, there is no lag to tell."""
    if archiving.oldest_ready is not None:
        return archiving.oldest_ready
    return math.inf if archiving.enabled else None


GROUPS: tuple[Group[Any], ...] = (
    Group(
        labels=("stanza", "source"),
        parts=_each_archiver,
        rows=_lags,
        metrics=(
            Metric[float | None](
                "wal_archive_lag_seconds",
                "Age of the oldest WAL that waits to be archived, computed at the scrape; 0 when none waits. "
                "source is postgresql: the primary's .ready files; or repository, where no connection is known: "
                "complete segments of Patroni's leader that pgBackRest does not list, no sample when there are none.",
                lambda moment: moment,
                "age",
            ),
        ),
    ),
    Group(
        labels=("stanza",),
        parts=_each_archiver,
        rows=_archivings,
        metrics=(
            Metric[Archiving](
                "wal_archive_oldest_ready_timestamp_seconds",
                "Since when the oldest WAL waits to be archived; absent when none waits.",
                lambda archiving: archiving.oldest_ready,
            ),
            Metric[Archiving](
                "wal_archive_lag_bytes",
                "WAL that is written and not yet archived, that of the current segment included.",
                lambda archiving: archiving.lag_bytes,
            ),
            Metric[Archiving](
                "wal_archive_ready_segments",
                "Files that wait to be archived (.ready).",
                lambda archiving: archiving.ready_segments,
            ),
            Metric[Archiving](
                "wal_archive_failing",
                "1: the last attempt at what waits failed. A command that hangs does not fail: see the lag.",
                lambda archiving: archiving.failing,
            ),
            Metric[Archiving](
                "wal_archive_enabled",
                "1: archive_mode is on, and a command or library is set that can archive.",
                lambda archiving: archiving.enabled,
            ),
            Metric[Archiving](
                "wal_archive_last_archived_timestamp_seconds",
                "When the last file was archived. An idle database archives nothing: this is no lag.",
                lambda archiving: archiving.last_archived,
            ),
            Metric[Archiving](
                "wal_archive_last_failed_timestamp_seconds",
                "When an attempt failed last.",
                lambda archiving: archiving.last_failed,
            ),
            Metric[Archiving](
                "wal_archived_segments_total",
                "Files archived while watched, over all primaries.",
                lambda archiving: archiving.archived,
                "counter",
            ),
            Metric[Archiving](
                "wal_archive_failures_total",
                "Attempts that failed while watched, over all primaries.",
                lambda archiving: archiving.failures,
                "counter",
            ),
            Metric[Archiving](
                "postgresql_timeline",
                "Timeline of the primary.",
                lambda archiving: archiving.timeline,
            ),
            Metric[Archiving](
                "postgresql_wal_position_bytes",
                "Position of the WAL, in bytes from its beginning: its rate is what is written.",
                lambda archiving: archiving.position,
            ),
            Metric[Archiving](
                "postgresql_wal_segment_size_bytes",
                "Size of a WAL segment, as PostgreSQL tells it.",
                lambda archiving: archiving.wal_segment_size,
            ),
            Metric[Archiving](
                "postgresql_clock_skew_seconds",
                "The server's clock less the exporter's, in whole seconds; all times here are corrected by it.",
                lambda archiving: archiving.clock_skew,
            ),
        ),
    ),
    Group(
        labels=("stanza",),
        parts=_each_archiver,
        rows=_archivers,
        metrics=(
            Metric[Archiver](
                "wal_archive_spool_errors",
                "Segments of which asynchronous archiving told an error on this machine in the last two minutes.",
                lambda archiver: archiver.spool_errors,
            ),
        ),
    ),
)
