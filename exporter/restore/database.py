"""Asking PostgreSQL: the restored server through its private socket, and production by its connection string."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from exporter.restore.configuration import PORT

DatabaseError = psycopg.Error
Composed = sql.Composed

# What ALTER DATABASE and ALTER ROLE … SET may have left in the catalogs gives way to what the client asks for.
_OPTIONS = (
    "-c default_transaction_read_only=on -c statement_timeout={} -c lock_timeout=10s"
    " -c idle_in_transaction_session_timeout=0 -c search_path=pg_catalog -c row_security=off"
    " -c session_preload_libraries= -c local_preload_libraries= -c role=none"
)


class Session:
    """One connection; statements are run one at a time, outside of transactions."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
        self._connection = connection

    @property
    def lost(self) -> bool:
        """Whether the server is gone."""
        return self._connection.closed

    async def rows(self, statement: str | Composed, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows; raises DatabaseError."""
        cursor = await self._connection.execute(
            statement,
            values or None,
        )
        return await cursor.fetchall() if cursor.description else []

    async def stream(self, statement: str) -> AsyncIterator[tuple[Any, ...]]:
        """Yield rows as they come, so that memory does not grow with their number; raises DatabaseError."""
        async with self._connection.cursor() as cursor:
            async for row in cursor.stream(statement):
                yield row

    async def one(self, statement: str | Composed, values: Sequence[object] = ()) -> Any:
        """Return the first column of the first row, None where there is no row; raises DatabaseError."""
        rows = await self.rows(statement, values)
        return rows[0][0] if rows else None


@asynccontextmanager
async def restored(
    socket: Path, role: str, database: str = "postgres", *, within: float = 0.0
) -> AsyncIterator[Session]:
    """Connect to the restored server, read-only; a statement may take *within* seconds, 0: for ever."""
    connection = await psycopg.AsyncConnection.connect(
        "",
        host=str(socket),
        port=PORT,
        user=role,
        dbname=database,
        application_name="pgbackrest-exporter restore-test",
        connect_timeout=10,
        options=_OPTIONS.format(int(within * 1000)),
        client_encoding="UTF8",
        autocommit=True,
    )
    async with connection:
        yield Session(connection)


@asynccontextmanager
async def production(conninfo: str, *, within: float = 15.0) -> AsyncIterator[Session]:
    """Connect to the primary as the settings say, with a deadline for each statement in seconds."""
    connection = await psycopg.AsyncConnection.connect(
        conninfo,
        connect_timeout=5,
        application_name="pgbackrest-exporter restore-test",
        options=f"-c statement_timeout={int(within * 1000)}",
        autocommit=True,
    )
    async with connection:
        yield Session(connection)


def one_line(error: Exception) -> str:
    """Return PostgreSQL's words on one line, without the statement."""
    diagnosis = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((diagnosis or str(error)).split())[:400]


def is_timeout(error: Exception) -> bool:
    """Whether statement_timeout ended the statement."""
    return isinstance(error, psycopg.errors.QueryCanceled)


def identifiers(*names: str) -> sql.Composable:
    """Return a name as it has to stand in a statement: "schema"."table"."""
    return sql.Identifier(*names)


def literal(text: str) -> sql.Composable:
    """Return text as it has to stand in a statement that takes no parameters."""
    return sql.Literal(text)


def statement(template: str, **parts: sql.Composable) -> Composed:
    """Fill names into a statement."""
    return sql.SQL(template).format(**parts)


def environment() -> dict[str, str]:
    """Return an environment without PG*: a service file of the user must not lead PostgreSQL's programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
