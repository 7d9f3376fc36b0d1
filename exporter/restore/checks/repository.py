"""Whether the test left anything in production's repository: the one harm that no backup survives."""

import asyncio
from collections.abc import Set as AbstractSet

from exporter.human import number_of
from exporter.pgbackrest.words import PgBackRestError
from exporter.restore.archivefolder import ArchiveFolder
from exporter.restore.findings import Findings
from exporter.restore.workplace import Workplace

PATIENCE = 120.0
"""Seconds for which an archive that could be listed before is asked again."""
_PAUSE = 5.0


async def check(
    archive: ArchiveFolder,
    before: AbstractSet[int],
    place: Workplace,
    timeline: int,
    findings: Findings,
    *,
    patience: float = PATIENCE,
) -> bool:
    """Compare the archive's timelines with those *before*; False: it is polluted.

    A new one may be production's, by a failover meanwhile. Ours is known by its history file, which names the
    exact position where the restored server left off. An archive that stays silent is not said to be unharmed.
    """
    try:
        new, theirs = await _news(archive, before, timeline, findings, patience)
    except PgBackRestError as error:
        findings.skipped("repository_unchanged", f"asked for {patience:.0f} s in vain: {error}")
        return True
    if not new:
        findings.ok("repository_unchanged", value=number_of(len(before), "timeline", "timelines"))
        return True
    ours = place.data / "pg_wal" / f"{timeline:08X}.history"
    if timeline in new and (theirs is None or (ours.exists() and ours.read_bytes() == theirs)):
        findings.failed(
            "repository_unchanged",
            f"the restored server has archived timeline {timeline} into {archive.stanza}, repository {archive.repo}:"
            f" remove {timeline:08X}* from archive/{archive.stanza}/{archive.id} before anybody restores from it",
            timeline,
        )
        return False
    findings.ok("repository_unchanged", f"timeline {max(new)} is new, by a failover in production", max(new))
    return True


async def _news(
    archive: ArchiveFolder, before: AbstractSet[int], timeline: int, findings: Findings, patience: float
) -> tuple[AbstractSet[int], bytes | None]:
    """Return the timelines that are new, and the history of *timeline* if it is; asks again while it is refused."""
    loop = asyncio.get_running_loop()
    deadline, told = loop.time() + patience, False
    while True:
        try:
            new = await archive.timelines() - before
            return new, await archive.history(timeline) if timeline in new else None
        except PgBackRestError as error:
            if loop.time() >= deadline:
                raise
            if not told:
                findings.report.line(f"   the archive cannot be listed, it is asked again: {error}")
            told = True
        await asyncio.sleep(min(_PAUSE, patience / 4))
