"""What pg_controldata says: the cluster's identity, and what a server needs to replay its WAL."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.programs.process import run
from exporter.restore.binaries import Binaries

# src/backend/access/transam/xlog.c, CheckRequiredParameterValues: a standby must not have less than the primary had.
_SETTINGS: Mapping[str, str] = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}


class ControlDataError(Exception):
    """The restored pg_control cannot be read; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlData:
    """pg_control of a data directory."""

    system_id: int
    timeline: int
    segment_size: int
    block_size: int
    checksums: bool
    minimum_recovery: str
    redo: str
    settings: Mapping[str, int]


async def read(binaries: Binaries, data: str) -> ControlData:
    """Run pg_controldata; raises ControlDataError, or ProcessError."""
    done = await run((binaries.program("pg_controldata"), "--pgdata", data), within=30.0, env={"LC_ALL": "C"})
    if done.exit_code:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise ControlDataError(f"pg_controldata: {words[-1] if words else f'exit code {done.exit_code}'}")
    return parse(done.stdout.decode(errors="replace"))


def parse(text: str) -> ControlData:
    """Read what pg_controldata of PostgreSQL 12 and later prints with LC_ALL=C; raises ControlDataError."""
    pairs = (line.partition(":") for line in text.splitlines())
    values = {name.strip(): value.strip() for name, _, value in pairs}
    try:
        return ControlData(
            system_id=int(values["Database system identifier"]),
            timeline=int(values["Latest checkpoint's TimeLineID"]),
            segment_size=int(values["Bytes per WAL segment"]),
            block_size=int(values["Database block size"]),
            checksums=int(values["Data page checksum version"]) > 0,
            minimum_recovery=values["Minimum recovery ending location"],
            redo=values["Latest checkpoint's REDO location"],
            settings={name: int(values[label]) for label, name in _SETTINGS.items()},
        )
    except (KeyError, ValueError) as error:
        raise ControlDataError(
            f"pg_controldata: cannot make out {error}: is it PostgreSQL 12 or later?"
        ) from None
