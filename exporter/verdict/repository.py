"""Whether the WAL in a repository is whole, and whether there is room for more."""

from collections.abc import Iterator

from exporter.human import number_of, size, span
from exporter.model.repository import Capacity, Outlook, Recovery
from exporter.settings import Threshold
from exporter.snapshot import Snapshot
from exporter.verdict.scale import Finding, against, below


def findings(outlook: Outlook, snapshot: Snapshot, now: float) -> Iterator[Finding]:
    """Yield what is amiss with what one repository holds of a stanza."""
    held, threshold = outlook.held, snapshot.settings.threshold
    if held.error is not None:
        yield Finding(
            "warning", f"It was last listed {span(now - held.listed)} ago, since then: {held.error}"
        )
    yield from _wal(outlook.recovery)
    if outlook.recovery.start is not None:
        window = threshold("recovery_window", held.stanza, held.repo)
        yield from _window(now - outlook.recovery.start, window)
    if outlook.capacity is not None:
        yield from _room(outlook.capacity, threshold("repo_used", held.stanza, held.repo))
    if outlook.duplicates:
        files = number_of(outlook.duplicates, "WAL segment is", "WAL segments are")
        yield Finding("warning", f"{files} there twice with different content: two servers archived here.")
    if outlook.orphans:
        folders = number_of(outlook.orphans, "folder", "folders")
        yield Finding("ok", f"{folders} of backups that were never finished: {size(outlook.orphan_size)}.")


def _wal(recovery: Recovery) -> Iterator[Finding]:
    if recovery.missing_newest:
        missing = number_of(recovery.missing_newest, "WAL segment is", "WAL segments are")
        yield Finding(
            "critical",
            f"{missing} missing since the newest backup: nothing after that can be recovered. Take a backup now.",
        )
    if recovery.missing_older:
        missing = number_of(recovery.missing_older, "WAL segment is", "WAL segments are")
        yield Finding(
            "warning", f"{missing} missing before the newest backup: some moments cannot be reached."
        )
    if recovery.without_wal:
        labels = ", ".join(recovery.without_wal[:3]) + ", …" * (len(recovery.without_wal) > 3)
        backups = number_of(len(recovery.without_wal), "backup lacks", "backups lack")
        yield Finding("critical", f"{backups} WAL of their own and cannot be restored: {labels}.")
    if recovery.strays:
        timelines = ", ".join(map(str, recovery.strays))
        yield Finding(
            "critical",
            f"The archive holds timeline {timelines}, which the database does not follow: a recovery to the end would."
            " Did a restored copy archive here?",
        )


def _window(length: float, threshold: Threshold) -> Iterator[Finding]:
    verdict = below(length, threshold)
    if verdict != "ok":
        wanted = threshold.critical if verdict == "critical" else threshold.warning
        yield Finding(verdict, f"The recovery window is {span(length)}, {span(wanted)} is wanted.")


def _room(capacity: Capacity, threshold: Threshold) -> Iterator[Finding]:
    room = capacity.used + capacity.available
    verdict = against(capacity.used / room, threshold) if room else "ok"
    if verdict != "ok":
        yield Finding(verdict, f"It is {capacity.used / room:.0%} full: {size(capacity.available)} are left.")
