"""What production says before a test, where the settings give a connection: its timeline, its slots, its tables.

And the canary: something written on the primary that the restored server must know.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from exporter.postgresql.complaints import ServerError, connecting
from exporter.postgresql.server import servers
from exporter.restore.database import DatabaseError, Session, one_line, production

_INSUFFICIENT_PRIVILEGE = "42501"


class CanaryError(Exception):
    """The canary could not be written or did not arrive; the message is one line with a remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A replication slot's definition."""

    name: str
    plugin: str | None
    database: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """None is unknown; *why* tells the reason where nothing is known."""

    why: str = ""
    timeline: int | None = None
    system_id: int | None = None
    database: str = ""
    slots: tuple[Slot, ...] = ()
    tables: Mapping[str, int] = field(default_factory=dict)
    canary: int | None = None
    """The position, in bytes, up to which the restored server must have come."""

    @property
    def known(self) -> bool:
        """Whether the primary answered."""
        return self.timeline is not None


TABLES = """
select n.nspname, count(*)::int from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and c.relpersistence = 'p'
  and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
group by 1 order by 1"""


async def ask(conninfo: str | None) -> Production:
    """Ask the primary; one that cannot be reached only leaves checks out."""
    if conninfo is None:
        return Production(why="no connection to production is set (stanzas.NAME.postgresql)")
    try:
        async with production(conninfo) as session:
            return await _asked(session)
    except DatabaseError as error:
        return Production(why=f"production cannot be asked: {_words(conninfo, error)}")


async def _asked(session: Session) -> Production:
    if await session.one("select pg_catalog.pg_is_in_recovery()"):
        return Production(why="production's answer came from a standby: add target_session_attrs=read-write")
    slots = await session.rows(
        "select slot_name, plugin, database from pg_catalog.pg_replication_slots where not temporary order by 1"
    )
    return Production(
        timeline=int(await session.one("select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"), 16),
        system_id=await session.one("select system_identifier from pg_catalog.pg_control_system()"),
        database=str(await session.one("select pg_catalog.current_database()")),
        slots=tuple(Slot(name=name, plugin=plugin, database=database) for name, plugin, database in slots),
        tables=dict(await session.rows(TABLES)),
    )


async def sing(
    conninfo: str | None, token: str, archived: Callable[[str], Awaitable[bool]], *, within: float
) -> int:
    """Write a message into WAL, switch the segment, and wait until *archived* finds that; return its position in bytes.

    The role needs EXECUTE on pg_switch_wal() (deploy/postgresql/restore-test-canary.sql). Raises CanaryError.
    """
    if conninfo is None:
        raise CanaryError("the canary needs a connection to production: set stanzas.NAME.postgresql")
    try:
        async with production(conninfo) as session:
            at = await session.one(
                "select (pg_logical_emit_message(true, 'pgbackrest-exporter', %s) - pg_lsn '0/0')::bigint",
                (token,),
            )
            segment = str(await session.one("select pg_walfile_name(pg_switch_wal())"))
    except DatabaseError as error:
        raise CanaryError(f"the canary was not written: {_words(conninfo, error)}{_grants(error)}") from None
    deadline = asyncio.get_running_loop().time() + within
    while not await archived(segment):
        if asyncio.get_running_loop().time() > deadline:
            raise CanaryError(
                f"the canary's segment {segment} did not reach the repository within {within:.0f} s"
            )
        await asyncio.sleep(min(2.0, within / 10))
    return int(at)


def _words(conninfo: str, error: DatabaseError) -> str:
    """Return in one line why production did not answer: libpq's own words go over several, twice for each address."""
    if error.sqlstate is not None:
        return one_line(error)
    try:
        names = ", ".join(server.name for server in servers(conninfo))
    except (ServerError, DatabaseError) as refused:
        return " ".join(str(refused).split())
    return str(connecting(names, str(error)))


def _grants(error: DatabaseError) -> str:
    refused = error.sqlstate == _INSUFFICIENT_PRIVILEGE
    return ": see deploy/postgresql/restore-test-canary.sql" if refused else ""
