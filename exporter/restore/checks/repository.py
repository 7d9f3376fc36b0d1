"""Whether the test left anything in production's repository: the one harm that no backup survives."""

from collections.abc import Set as AbstractSet

from exporter.pgbackrest.words import PgBackRestError
from exporter.restore.archive import WalArchive
from exporter.restore.findings import Findings
from exporter.restore.workplace import Workplace


async def check(
    archive: WalArchive, before: AbstractSet[int], place: Workplace, timeline: int, findings: Findings
) -> bool:
    """Compare the archive's timelines with those *before*; False: it is polluted.

    A new one may be production's, by a failover meanwhile. Ours is known by its history file, which names the
    exact position where the restored server left off.
    """
    try:
        new = await archive.timelines() - before
        if not new:
            findings.ok("repository_unchanged", value=f"{len(before)} timelines")
            return True
        theirs = await archive.history(timeline) if timeline in new else None
    except PgBackRestError as error:
        findings.skipped("repository_unchanged", str(error))
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
