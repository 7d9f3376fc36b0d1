"""Whether every database can be connected to and its catalogs be read, and what extensions need is here."""

from exporter.restore.database import (
    DatabaseError,
    Session,
    identifiers,
    literal,
    one_line,
    restored,
    statement,
)
from exporter.restore.scene import Scene

_DATABASES = "select datname from pg_database where datallowconn order by datname"
_CATALOGS = """
select c.relname from pg_class c where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'r' order by 1"""
_MISSING = """
select e.extname || ' ' || e.extversion from pg_extension e
where not exists (
    select from pg_available_extension_versions v where (v.name, v.version) = (e.extname, e.extversion))
order by 1"""
_LIBRARIES = "select distinct probin from pg_proc where probin is not null and oid >= 16384 order by 1"


async def databases(scene: Scene) -> list[str]:
    """Return the databases that allow connections; raises DatabaseError."""
    async with restored(scene.socket, scene.role, within=60.0) as session:
        return [name for (name,) in await session.rows(_DATABASES)]


async def check_catalogs(scene: Scene, names: list[str]) -> None:
    """Read every system catalog of every database in full."""
    read = 0
    for database in names:
        try:
            async with restored(scene.socket, scene.role, database) as session:
                for (catalog,) in await session.rows(_CATALOGS):
                    try:
                        count = statement(
                            "select count(*) from {table}", table=identifiers("pg_catalog", catalog)
                        )
                        await session.one(count)
                    except DatabaseError as error:
                        scene.findings.failed("catalogs", f"{database}, {catalog}: {one_line(error)}")
                        return
                    read += 1
        except DatabaseError as error:
            scene.findings.failed("catalogs", f"database {database}: {one_line(error)}")
            return
    scene.findings.ok("catalogs", value=f"{len(names)} databases, {read} catalogs")


async def check_extensions(scene: Scene, names: list[str]) -> None:
    """Look for the files of every extension, and load every library that functions are in."""
    problems: list[str] = []
    found = 0
    for database in names:
        try:
            async with restored(scene.socket, scene.role, database, within=60.0) as session:
                found += await session.one("select count(*) from pg_extension")
                missing = [name for (name,) in await session.rows(_MISSING)]
                problems += [f"{database}: {name} is not installed here" for name in missing]
                problems += [f"{database}: {words}" for words in await _unloadable(session)]
        except DatabaseError as error:
            problems.append(f"{database}: {one_line(error)}")
    if problems:
        scene.findings.failed("extensions", "; ".join(problems[:5]), len(problems))
    else:
        scene.findings.ok("extensions", value=found)


async def _unloadable(session: Session) -> list[str]:
    words = []
    for (library,) in await session.rows(_LIBRARIES):
        try:
            await session.rows(statement("load {library}", library=literal(library)))
        except DatabaseError as error:
            # One that must be preloaded is there, which is what was asked.
            if "shared_preload_libraries" not in str(error):
                words.append(one_line(error))
    return words
