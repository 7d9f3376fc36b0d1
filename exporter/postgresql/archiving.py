"""The one query about archiving, for PostgreSQL 12 and later, and what its answer means.

All ages are differences of the server's own times. pg_stat_archiver is per server, survives its demotion, and a
failure stays in it until the next success: it is believed only as far as the `.ready` files bear it out.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter import wal

# pg_ls_archive_statusdir() is what a role needs a right for. The position of a standby is what it has received,
# else replayed; a primary's timeline stands in the name of the segment that it writes.
QUERY = r"""
select pg_is_in_recovery() as in_recovery,
       extract(epoch from clock_timestamp())::float8 as now,
       current_setting('archive_mode') as mode,
       current_setting('archive_command') as command,
       coalesce(current_setting('archive_library', true), '') as library,
       pg_size_bytes(current_setting('wal_segment_size')) as segment_size,
       (case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
             else pg_current_wal_lsn() end - '0/0'::pg_lsn)::int8 as position,
       case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline,
       archived_count, failed_count,
       extract(epoch from last_archived_time)::float8 as last_archived,
       extract(epoch from last_failed_time)::float8 as last_failed,
       extract(epoch from stats_reset)::float8 as stats_reset,
       ready_segments, oldest_ready, first_ready
  from pg_stat_archiver,
       (select count(*) as ready_segments,
               extract(epoch from min(modification))::float8 as oldest_ready,
               min(substr(name, 9, 16)) filter (where name ~ '^[0-9A-F]{24}\.ready$') as first_ready
          from pg_ls_archive_statusdir()
         where name like '%.ready') as waiting
"""

# Programs that come back without having stored anything, whatever they are given.
_IDLE = frozenset(("true", "false", ":", "exit", "echo", "printf", "test", "[", "cd", "sleep", "ls", "stat"))
_SHELL = re.compile(r"[;&|<>`\n]|\$\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one server says, by its own clock. *first_ready* is the position of the first segment that waits.

    *stats_reset* tells one server's statistics from another's, and from those after a reset: each cluster
    directory begins its own.
    """

    in_recovery: bool
    now: float
    mode: str
    command: str
    library: str
    segment_size: int
    position: int
    timeline: int | None
    archived_count: int
    failed_count: int
    last_archived: float | None
    last_failed: float | None
    stats_reset: float
    ready_segments: int
    oldest_ready: float | None
    first_ready: int | None

    @property
    def archives(self) -> bool:
        """Whether this server is one to archive: the primary, or a standby that does so by itself."""
        return not self.in_recovery or self.mode == "always"

    @property
    def hindrance(self) -> str | None:
        """Why nothing can be archived, in words; None: it can."""
        if self.mode not in ("on", "always"):
            return f"archive_mode is {self.mode}"
        # PostgreSQL 15 and later: a library goes before the command.
        return None if self.library else _hindrance(self.command)

    @property
    def lag_bytes(self) -> int | None:
        """Bytes from the first segment that waits, else from the beginning of the current one.

        None where nothing is archived and so nothing waits.
        """
        if self.first_ready is not None:
            return max(0, self.position - self.first_ready)
        return None if self.hindrance else self.position % self.segment_size

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed, and was one at something that still waits: else it is history."""
        failed, since = self.last_failed, self.oldest_ready
        if failed is None or since is None or failed < since:
            return False
        return self.last_archived is None or failed > self.last_archived


def decode(row: Mapping[str, Any]) -> Answer:
    """Read the row of QUERY; raises KeyError, TypeError or ValueError where it was another query's."""
    size, timeline, first = row["segment_size"], row["timeline"], row["first_ready"]
    segment = wal.parse(f"00000001{first}") if first else None
    return Answer(
        **{
            **row,
            "position": row["position"] or 0,
            "timeline": int(timeline, 16) if timeline else None,
            "first_ready": segment.number(size) * size if segment else None,
        }
    )


def _hindrance(command: str) -> str | None:
    """Tell why *command* archives nothing; None where it may well.

    A command that is off while archive_mode is on keeps its segments waiting; one that does nothing loses them.
    """
    if not command.strip():
        return "archive_command is empty"
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return None  # the shell will tell
    if not words:
        return "archive_command is a comment"
    program = words[0].rpartition("/")[2]
    if program in _IDLE and not _SHELL.search(command):
        return f"archive_command is {program}, which archives nothing"
    # Without a placeholder it cannot know what to archive (PostgreSQL, "archive_command").
    if not re.search("%[pf]", " ".join(words)):
        return "archive_command names no file: %p is missing"
    return None
