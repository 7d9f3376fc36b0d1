"""One stanza of the lab: a PostgreSQL cluster, its section of pgbackrest.conf and what is done with them."""

import json
from collections.abc import Callable
from typing import Any

from tests.lab.postgresql import PORT, PostgreSQL
from tests.lab.program import until


class Stanza:
    """Made by `Lab.stanza`."""

    def __init__(self, name: str, cluster: PostgreSQL, pgbackrest: Callable[..., str]) -> None:
        self.name = name
        self.cluster = cluster
        self._pgbackrest = pgbackrest

    @property
    def section(self) -> dict[str, str]:
        """Where pgBackRest finds the cluster."""
        return {
            "pg1-path": str(self.cluster.data),
            "pg1-socket-path": str(self.cluster.socket),
            "pg1-port": str(PORT),
            "pg1-user": "postgres",
        }

    def pgbackrest(self, *arguments: str) -> str:
        """Run a command for this stanza."""
        return self._pgbackrest(f"--stanza={self.name}", *arguments)

    def backup(self, backup_type: str, *, repo: int = 1) -> None:
        """Take a backup: full, diff or incr."""
        self.pgbackrest(f"--type={backup_type}", f"--repo={repo}", "backup")

    def write(self, rows: int) -> None:
        """Write so many rows of about 100 bytes."""
        self.cluster.sql(
            f"insert into lab (words) select repeat(md5(n::text), 2) from generate_series(1, {rows}) n"
        )

    def switch_wal(self) -> str:
        """Finish the current WAL segment and wait until PostgreSQL has archived it; its name."""
        # A segment in which nothing was written is not switched.
        self.cluster.sql("select pg_logical_emit_message(false, 'lab', 'something')")
        segment = self.cluster.sql("select pg_walfile_name(pg_switch_wal())")
        archived = f"select coalesce(last_archived_wal, '') >= '{segment}' from pg_stat_archiver"
        until(lambda: self.cluster.sql(archived) == "t", within=60, what=f"{segment} archived")
        return segment

    def info(self) -> dict[str, Any]:
        """What pgBackRest itself says of this stanza."""
        document: list[dict[str, Any]] = json.loads(self.pgbackrest("--output=json", "info"))
        return document[0]
