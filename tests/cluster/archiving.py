"""Ways in which archiving breaks, and how each is mended. Commands are changed as operators do: through Patroni."""

import os
import secrets
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.http import ask
from tests.lab.program import until

COMMAND = "pgbackrest --stanza=main archive-push %p"
# Somebody's slip: there is no such stanza.
BAD_COMMAND = "pgbackrest --stanza=mian archive-push %p"
# A number that is in no other command line of this machine.
_SLEEP = str(86_400 + secrets.randbelow(1 << 30))


def parameters(cluster: Cluster, **values: str) -> None:
    """Change parameters on all nodes, as `patronictl edit-config` does, and wait until they are in force."""
    ask(f"{cluster.primary().url}/config", method="PATCH", body={"postgresql": {"parameters": values}})

    def in_force() -> bool:
        return all(
            node.sql(f"select count(*) from pg_settings where name = '{name}' and setting = $${value}$$")
            == "1"
            for node in cluster.nodes
            if node.answers()
            for name, value in _as_settings(values).items()
        )

    cluster.wait(in_force, f"{values} in force", within=30)


def _as_settings(values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value.removesuffix("s") if name == "archive_timeout" else value
        for name, value in values.items()
    }


def mend_command(cluster: Cluster) -> None:
    """The command of deploy/patroni again; a hanging one is ended."""
    _end_sleepers()
    parameters(cluster, archive_command=COMMAND)
    _end_sleepers()


def hang_command(cluster: Cluster) -> None:
    """A command that never ends, as on a dead network disk."""
    program = cluster.path / "push-that-hangs"
    program.write_text(f"#!/bin/sh\nexec sleep {_SLEEP}\n")
    program.chmod(0o755)
    parameters(cluster, archive_command=f"{program} %p")


def asynchronous(cluster: Cluster, *, on: bool = True, queue_max: str = "64GiB") -> None:
    """Change how the nodes push, in their pgbackrest.conf."""
    for node in cluster.nodes:
        changes = {} if on else {"archive-async=y": "archive-async=n"}
        queue = {} if queue_max == "64GiB" else {"queue-max=64GiB": f"queue-max={queue_max}"}
        node.reconfigure(cluster.repository.port, changes | queue)


def archived(cluster: Cluster, segment: str, *, within: float = 60) -> None:
    """Wait until PostgreSQL says that it has archived the segment."""
    said = f"select coalesce(max(last_archived_wal), '') >= '{segment}' from pg_stat_archiver"
    until(lambda: cluster.sql(said) == "t", within=within, what=f"{segment} archived", every=0.2)


def _end_sleepers() -> None:
    wanted = b"sleep\0" + _SLEEP.encode() + b"\0"
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if (entry / "cmdline").read_bytes() == wanted:
                    os.kill(int(entry.name), signal.SIGTERM)
