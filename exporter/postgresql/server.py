"""A connection to one PostgreSQL server, and which servers a connection string names.

libpq itself tells what a string stands for, with its service file and the environment. Each server is then tried by
itself: the time-out holds for each one, and not the string's target_session_attrs but the server's own answer decides.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from exporter.postgresql import complaints
from exporter.postgresql.complaints import ServerError

# Seconds: a host that accepts and stays silent must leave time for the others. Less than 2 is not possible.
_CONNECT_TIMEOUT = "2"
# Seconds between the server's own end of a query and ours.
_MARGIN = 1.0
# Words that no server, user or mode has: what comes back unchanged was not stated.
_NOTHING = "exporter-asks-libpq"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server of a connection string: its *name* for people, and the way to it."""

    name: str
    conninfo: str


def servers(conninfo: str) -> tuple[Server, ...]:
    """Return the servers that *conninfo* names, in its order; raises ServerError where libpq refuses it."""
    stated = _stated(conninfo)
    parts = [stated[key].split(",") for key in ("host", "hostaddr", "port")]
    count = max(map(len, parts))
    hosts, addresses, ports = (part * count if len(part) == 1 else part for part in parts)
    common = {key: value for key, value in _added(stated).items() if key in stated}
    return tuple(
        Server(
            name=_name(host or address, port or "5432"),
            conninfo=make_conninfo(conninfo, **common, **_place(host, address, port or "5432")),
        )
        for host, address, port in zip(hosts, addresses, ports, strict=True)
    )


def _place(host: str, address: str, port: str) -> Mapping[str, str]:
    """Return where one server is; an empty word takes the place of a list of them."""
    place = {"host": host, "hostaddr": address, "port": port}
    return place if address else {"host": host, "port": port} if host else {"port": port}


def _stated(conninfo: str) -> Mapping[str, str]:
    """Let libpq resolve *conninfo*; it stops at a mode that there is not, before it asks any network."""
    attempt = pq.PGconn.connect_start(make_conninfo(conninfo, sslmode=_NOTHING, user=_NOTHING).encode())
    try:
        said = attempt.error_message.decode(errors="replace")
        if _NOTHING not in said:
            raise ServerError(said.strip().splitlines()[0], "check the connection string")
        return {option.keyword.decode(): os.fsdecode(option.val or b"") for option in attempt.info}
    finally:
        attempt.finish()


def _added(stated: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a connection has beyond what was stated; without a stated database that of every cluster."""
    usual = {"connect_timeout": _CONNECT_TIMEOUT, "application_name": "pgbackrest-exporter"}
    added = {key: value for key, value in usual.items() if not stated.get(key)}
    if stated["dbname"] in ("", _NOTHING):
        added["dbname"] = "postgres"
    return added | {
        "client_encoding": "UTF8",
        "target_session_attrs": "any",
        "load_balance_hosts": "disable",
    }


def _name(host: str, port: str) -> str:
    if host.startswith(("/", "@")):
        return f"{host}/.s.PGSQL.{port}"
    return f"{host}:{port}" if host else f"the local server at port {port}"


class _Session(psycopg.AsyncConnection[dict[str, Any]]):
    """One that may be forgotten: its keeper may be cancelled between two questions, and libpq closes what is freed."""

    def __del__(self, *_: Any) -> None:
        pass


class Connection:
    """A session that is ours until it is closed, kept outside any transaction."""

    def __init__(self, server: Server, session: _Session) -> None:
        self.server = server
        self._session = session

    @classmethod
    async def open(cls, server: Server) -> Self:
        """Connect within the time-out of the connection string; raises ServerError."""
        try:
            # Prepared statements are out of place behind a pooler.
            session = await _Session.connect(
                server.conninfo, autocommit=True, prepare_threshold=None, row_factory=dict_row
            )
        except (psycopg.Error, OSError, UnicodeError) as error:
            raise complaints.connecting(server.name, str(error)) from None
        return cls(server, session)

    async def ask(self, query: str, *, within: float) -> dict[str, Any]:
        """Return the one row of *query*, asked in a read-only transaction; raises ServerError.

        After an error the session is closed, and after *within* seconds, too: a host that has vanished says nothing.
        """
        # psycopg would wait for a server to confirm that the query is cancelled, which a dead one does not.
        task = asyncio.create_task(self._ask(query, within))
        user = self._session.info.user
        try:
            await asyncio.wait((task,), timeout=within + _MARGIN)
            if not task.done():
                raise ServerError(f"{self.server.name} has fallen silent", "check the server and the network")
            return task.result()
        except psycopg.Error as error:
            self.close()
            raise complaints.asking(self.server.name, str(error), error.sqlstate, user, within) from None
        finally:
            if not task.done():
                self.close()
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, psycopg.Error):
                    await task

    async def _ask(self, query: str, within: float) -> dict[str, Any]:
        # One message, so that a pooler cannot tear it apart, and a session of a pooler stays as it was.
        limit = f"set local statement_timeout = {max(1, round(within * 1000))}"
        cursor = await self._session.execute(f"begin read only; {limit}; {query}; commit".encode())
        rows: list[dict[str, Any]] = []
        for result in _results(cursor):
            rows += await result.fetchall()
        return rows[0]

    def close(self) -> None:
        """Close it at once: nothing waits for a server that may not listen."""
        self._session.pgconn.finish()


def _results(cursor: psycopg.AsyncCursor[dict[str, Any]]) -> Iterator[psycopg.AsyncCursor[dict[str, Any]]]:
    """Yield the cursor at each result that has rows."""
    more: bool | None = True
    while more:
        if cursor.description is not None:
            yield cursor
        more = cursor.nextset()
