"""What lies in the repositories, what is missing from the WAL there, and to which moments one can go back."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from exporter.model.repository import Capacity, Outlook
from exporter.snapshot import Expectation, Snapshot
from exporter.table import Group, Metric, Part, Row
from exporter.wal.outlook import outlooks


def _each_outlook(snapshot: Snapshot) -> Iterator[Part]:
    return ((outlook,) for outlook in outlooks(snapshot))


def _all_outlooks(snapshot: Snapshot) -> Iterator[Part]:
    yield (snapshot.expected, *outlooks(snapshot))


def _repository(outlook: Outlook) -> Iterator[Row[Outlook]]:
    yield (outlook.held.stanza, str(outlook.held.repo)), outlook


def _sizes(outlook: Outlook) -> Iterator[Row[int | None]]:
    held = outlook.held
    yield (held.stanza, str(held.repo), "backup"), outlook.backup_size
    yield (held.stanza, str(held.repo), "archive"), held.archive_size


def _missing(outlook: Outlook) -> Iterator[Row[int | None]]:
    held = outlook.held
    yield (held.stanza, str(held.repo), "newest"), outlook.recovery.missing_newest
    yield (held.stanza, str(held.repo), "older"), outlook.recovery.missing_older


def _capacities(expected: Expectation, *outlooks: Outlook) -> Iterator[Row[Capacity]]:
    """Yield one row for a repository that all stanzas share; of a stated capacity all of them use a part."""
    rows: dict[tuple[str, str], Capacity] = {}
    for outlook in outlooks:
        held, own = outlook.held, outlook.capacity
        if own is None:
            continue
        declared = (held.stanza, held.repo) in expected.declared
        place = (held.stanza if declared else "", str(held.repo))
        before = rows.get(place)
        if before is not None and own.filesystem is None:
            used = before.used + own.used
            own = replace(own, used=used, available=max(0, own.size - used))
        rows[place] = own
    yield from rows.items()


_REPO = ("stanza", "repo")

GROUPS: tuple[Group[Any], ...] = (
    Group(
        labels=(*_REPO, "kind"),
        parts=_each_outlook,
        rows=_sizes,
        metrics=(
            Metric[int | None](
                "repo_size_bytes",
                "Bytes of the stanza in the repository, leftovers included. kind is backup or archive (the WAL).",
                lambda size: size,
            ),
        ),
    ),
    Group(
        labels=_REPO,
        parts=_all_outlooks,
        rows=_capacities,
        metrics=(
            Metric[Capacity](
                "repo_capacity_bytes",
                "Size of the repository's filesystem, or what repository.capacity states. "
                'stanza is "" where the repository is declared for all.',
                lambda capacity: capacity.size,
            ),
            Metric[Capacity](
                "repo_used_bytes",
                "Bytes in use, as df counts them; of a stated capacity, what the stanzas' files take. "
                "The share in use is used / (used + available).",
                lambda capacity: capacity.used,
            ),
            Metric[Capacity](
                "repo_available_bytes",
                "Bytes that can still be written there, as df counts them.",
                lambda capacity: capacity.available,
            ),
            Metric[Capacity](
                "repo_inodes_used",
                "Inodes in use, where the filesystem has a limit of them.",
                lambda capacity: capacity.inodes_used,
            ),
            Metric[Capacity](
                "repo_inodes_available",
                "Inodes that are left, where the filesystem has a limit of them.",
                lambda capacity: capacity.inodes_available,
            ),
        ),
    ),
    Group(
        labels=_REPO,
        parts=_each_outlook,
        rows=_repository,
        metrics=(
            Metric[Outlook](
                "repo_orphans",
                "Backup folders that no backup list names: aborted backups, failed expiry. "
                "The newest does not count while a backup runs.",
                lambda outlook: outlook.orphans,
            ),
            Metric[Outlook](
                "repo_orphan_bytes", "Bytes in those folders.", lambda outlook: outlook.orphan_size
            ),
            Metric[Outlook](
                "repo_list_calls_total",
                "Folders listed to learn all this, each thousand names of one counted: LIST calls of an object store.",
                lambda outlook: outlook.held.list_calls,
                "counter",
            ),
            Metric[Outlook](
                "repo_listed_timestamp_seconds",
                "When the repository was listed last, seconds since the epoch.",
                lambda outlook: outlook.held.listed,
            ),
            Metric[Outlook](
                "wal_archive_newest_timestamp_seconds",
                "When the newest WAL segment reached the repository, seconds since the epoch.",
                lambda outlook: outlook.recovery.newest_arrival,
            ),
            Metric[Outlook](
                "wal_archive_newest_history_timeline",
                "Highest timeline that a .history file is archived of: a promoted primary does that before all else.",
                lambda outlook: outlook.recovery.newest_history,
            ),
            Metric[Outlook](
                "wal_archive_duplicate_segments",
                "Files beside the first of a WAL segment, with another checksum: two servers archived it.",
                lambda outlook: outlook.duplicates,
            ),
            Metric[Outlook](
                "backups_without_wal",
                "Backups whose own WAL, from their start to their stop, has a hole: they cannot be restored.",
                lambda outlook: (
                    None if outlook.recovery.without_wal is None else len(outlook.recovery.without_wal)
                ),
            ),
            Metric[Outlook](
                "recovery_window_start_timestamp_seconds",
                "From here on any moment can be restored: stop of the oldest backup of the current database from which "
                "the WAL is whole, seconds since the epoch.",
                lambda outlook: outlook.recovery.start,
            ),
            Metric[Outlook](
                "recovery_window_end_timestamp_seconds",
                "Until here any moment can be restored: when the newest segment before any hole was archived. An idle "
                "database does not move it: what is at risk is the lag.",
                lambda outlook: outlook.recovery.end,
            ),
        ),
    ),
    Group(
        labels=(*_REPO, "position"),
        parts=_each_outlook,
        rows=_missing,
        metrics=(
            Metric[int | None](
                "wal_archive_missing_segments",
                "WAL segments missing from what must be whole. position is newest (since the newest usable backup: now "
                "cannot be restored, until the next good backup) or older (before it). "
                "The last few may be on their way and do not count.",
                lambda missing: missing,
            ),
        ),
    ),
)
