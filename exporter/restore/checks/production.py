"""Comparisons with production: how many tables there are, and whether its replication slots can be made again."""

import time

from exporter.restore.database import DatabaseError, one_line, restored
from exporter.restore.production import TABLES, Slot
from exporter.restore.scene import Scene

# Of the tables, for each hour between the moment that was restored and now; and so many more in any case.
_SHARE_PER_HOUR = 0.01
_TABLES_MORE = 2


async def check_table_counts(scene: Scene) -> None:
    """Compare tables by schema, in the database of the connection; the further back the moment, the less exactly."""
    theirs = scene.production
    if not theirs.known:
        scene.findings.skipped("table_counts", theirs.why)
        return
    try:
        async with restored(scene.socket, scene.role, theirs.database, within=300.0) as session:
            ours = dict(await session.rows(TABLES))
    except DatabaseError as error:
        scene.findings.failed("table_counts", f"database {theirs.database}: {one_line(error)}")
        return
    hours = max(0.0, time.time() - scene.reached) / 3600
    differing = [
        f"{schema} has {ours.get(schema, 0)} tables, in production {expected}"
        for schema, expected in theirs.tables.items()
        if abs(ours.get(schema, 0) - expected) > _TABLES_MORE + expected * min(1.0, hours * _SHARE_PER_HOUR)
    ]
    if differing:
        scene.findings.failed("table_counts", "; ".join(differing[:5]), sum(ours.values()))
    else:
        scene.findings.ok("table_counts", f"production: {sum(theirs.tables.values())}", sum(ours.values()))


async def check_slots(scene: Scene) -> None:
    """Create production's slots, which are in no backup, from their definitions, and drop them again."""
    if not scene.production.known:
        scene.findings.skipped("slots", scene.production.why)
        return
    problems = []
    for slot in scene.production.slots:
        try:
            await _try(scene, slot)
        except DatabaseError as error:
            problems.append(f"{slot.name}: {one_line(error)}")
    if problems:
        scene.findings.failed("slots", "; ".join(problems[:5]), len(problems))
    else:
        scene.findings.ok("slots", value=len(scene.production.slots))


async def _try(scene: Scene, slot: Slot) -> None:
    async with restored(scene.socket, scene.role, slot.database or "postgres", within=60.0) as session:
        if slot.plugin is None:
            await session.rows("select pg_create_physical_replication_slot(%s)", (slot.name,))
        else:
            await session.rows("select pg_create_logical_replication_slot(%s, %s)", (slot.name, slot.plugin))
        await session.rows("select pg_drop_replication_slot(%s)", (slot.name,))
