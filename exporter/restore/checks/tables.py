"""Whether every table can be read: all of its pages, in the time that there is; huge ones by a sample."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from exporter.human import number_of
from exporter.human import size as shown_size
from exporter.restore.database import (
    DatabaseError,
    Session,
    identifiers,
    is_timeout,
    one_line,
    restored,
    statement,
)
from exporter.restore.scene import Scene

# Unlogged tables are empty after a restore, and foreign ones are elsewhere. Small ones first: most are then read.
_TABLES = """
select n.nspname, c.relname, pg_relation_size(c.oid) as size
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.relpersistence = 'p' and c.relispopulated
  and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
order by size"""
_READS = {
    "count": "select count(*) from {table}{sample}",
    # Every value as text: what is kept out of line is fetched and decompressed too.
    "full": "select count(*) from (select octet_length((t.*)::text) n from {table} t{sample}) r where n is not null",
}
_SAMPLE_PERCENT = 1


@dataclass(slots=True)
class _Tally:
    read: int = 0
    sampled: int = 0
    rows: int = 0
    bytes: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [
            number_of(self.read, "table", "tables"),
            number_of(self.rows, "row", "rows"),
            shown_size(self.bytes),
        ]
        parts += [f"{self.sampled} of them sampled"] * bool(self.sampled)
        parts += [f"{self.left} not read for want of time"] * bool(self.left)
        return ", ".join(parts)


async def check(scene: Scene, databases: list[str]) -> None:
    """Read the tables of every database."""
    tally, deadline = _Tally(), time.monotonic() + scene.settings.tables_within
    for database in databases:
        try:
            async with (
                restored(scene.socket, scene.role, database) as lister,
                restored(scene.socket, scene.role, database) as reader,
            ):
                async for schema, table, size in _listed(lister):
                    await _read(scene, reader, (database, schema, table, size), tally, deadline)
        except DatabaseError as error:
            tally.problems.append(f"{database}: {one_line(error)}")
    if tally.problems:
        more = f" (and {len(tally.problems) - 3} more)" * (len(tally.problems) > 3)
        scene.findings.failed("tables", "; ".join(tally.problems[:3]) + more, tally)
    elif tally.left and not tally.read:
        scene.findings.skipped("tables", "there was no time: raise restore_tests.tables_within")
    else:
        scene.findings.ok("tables", value=tally)


async def _listed(session: Session) -> AsyncIterator[tuple[str, str, int]]:
    async for schema, table, size in session.stream(_TABLES):
        yield schema, table, size


async def _read(
    scene: Scene, session: Session, which: tuple[str, str, str, int], tally: _Tally, deadline: float
) -> None:
    database, schema, table, size = which
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        tally.left += 1
        return
    sampled = size > scene.settings.sample_above
    query = statement(
        _READS[scene.settings.read].replace(
            "{sample}", f" tablesample system ({_SAMPLE_PERCENT})" if sampled else ""
        ),
        table=identifiers(schema, table),
    )
    try:
        await session.rows(f"set statement_timeout = {max(1, int(remaining * 1000))}")
        tally.rows += await session.one(query)
    except DatabaseError as error:
        if is_timeout(error):
            tally.left += 1
            return
        tally.problems.append(f"{database}, {schema}.{table}: {one_line(error)}")
        if session.lost:
            raise
        return
    tally.read += 1
    tally.sampled += sampled
    tally.bytes += size
    scene.findings.report.progress(tally.bytes, None, "bytes read")
