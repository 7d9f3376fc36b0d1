"""The restored server's own configuration: nothing of production's acts, nobody else can reach it, it harms nobody.

It lies outside of the data directory, and the postgresql.auto.conf that came with the backup is emptied: ALTER SYSTEM
in production would otherwise speak here too.
"""

import os
import pwd
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from exporter.restore.workplace import Workplace

PORT = 5432
"""Names the socket only: its folder is private and there is no TCP."""

_MAP = "restore_test"

_ALWAYS: Mapping[str, str] = {
    "archive_mode": "off",
    "archive_command": "",
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "ssl": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_checkpoints": "off",
    "lc_messages": "C",  # its words are read
    "huge_pages": "off",
    "hot_standby": "on",
    "wal_level": "logical",  # so that logical slots can be tried
    "synchronous_standby_names": "",  # else every commit would wait for ever
    "primary_conninfo": "",
    "primary_slot_name": "",
    "max_logical_replication_workers": "0",  # a subscriber would consume production's slot
    "max_replication_slots": "100",
    "autovacuum": "off",
    "jit": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "restart_after_crash": "off",
    "cluster_name": "restore-test",
    "update_process_title": "on",
    "max_parallel_workers_per_gather": "0",
    "zero_damaged_pages": "off",
    "ignore_checksum_failure": "off",
}


def write(
    place: Workplace,
    *,
    major: int,
    minima: Mapping[str, int],
    recovery: Mapping[str, str],
    memory: int,
    libraries: Sequence[str],
    role: str,
) -> Path:
    """Write all of it, and return the path of postgresql.conf.

    *minima* are the settings that pg_control asks for, *memory* the bytes of shared_buffers, *libraries*
    shared_preload_libraries, *role* the superuser that we connect as.
    """
    own = place.part("log")
    settings = {
        **_ALWAYS,
        "data_directory": str(place.data),
        "hba_file": str(own / "pg_hba.conf"),
        "ident_file": str(own / "pg_ident.conf"),
        "unix_socket_directories": str(place.socket),
        "shared_buffers": f"{max(memory >> 20, 1)}MB",
        "shared_preload_libraries": ",".join(libraries),
        **{name: str(value) for name, value in minima.items()},
        **recovery,
    }
    if major >= 15:
        settings |= {"archive_library": "", "log_startup_progress_interval": "10s"}
    user = pwd.getpwuid(os.geteuid()).pw_name
    (own / "pg_hba.conf").write_text(f"local all all peer map={_MAP}\n")
    (own / "pg_ident.conf").write_text(f"{_MAP} {_name(user)} {_name(role)}\n")
    (place.data / "postgresql.auto.conf").write_text("")
    file = own / "postgresql.conf"
    file.write_text("".join(f"{name} = {_value(value)}\n" for name, value in settings.items()))
    return file


def recovery(
    target: Mapping[str, str], restore_command: Sequence[str], guard: str | None
) -> Mapping[str, str]:
    """Return the settings of recovery: where WAL comes from, and where it ends. Promotion is always the end.

    *guard* is a further command that must succeed after each segment (see wal_guard).
    """
    words = (
        word if word in ("%f", "%p") else shlex.quote(word).replace("%", "%%") for word in restore_command
    )
    command = " ".join(words).replace(" %p", ' "%p"')
    return {
        "restore_command": f"{command} && {guard}" if guard else command,
        "recovery_target_action": "promote",
        "recovery_target_timeline": "latest",
        **target,
    }


def _value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _name(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
