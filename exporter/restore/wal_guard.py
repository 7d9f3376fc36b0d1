"""Guards production's tablespaces: a segment that creates or drops one is not replayed where production's are in reach.

Replaying CREATE TABLESPACE works on the path that it was created with, and empties the version's folder there first
(create_tablespace_directories in src/backend/commands/tablespace.c); a restore maps only those it finds in the backup.
"""

import shlex
from pathlib import Path

from exporter.restore.binaries import Binaries
from exporter.restore.workplace import Workplace

# Beyond 125 PostgreSQL gives up recovery at once (RestoreArchivedFile in xlogarchive.c).
_ABORT = 126


def command(binaries: Binaries, place: Workplace) -> str:
    """Return what restore_command does after each segment; PostgreSQL gives it to a shell."""
    scan, dump = shlex.quote(str(place.part("scan"))), shlex.quote(binaries.program("pg_waldump"))
    return (
        "{ case %f in *.*) exit 0;; esac; "
        # pg_waldump finds its way by the name.
        f'ln -f "%p" {scan}/%f || exit {_ABORT}; '
        f"found=$({dump} --rmgr=Tablespace {scan}/%f 2>/dev/null | head -n 1); rm -f {scan}/%f; "
        f'test -z "$found" || {{ echo "%f: $found" >{scan}/tablespace; exit {_ABORT}; }}; }}'
    )


def caught(place: Workplace) -> str | None:
    """Return the record that ended recovery, None where none did."""
    note: Path = place.part("scan") / "tablespace"
    return note.read_text(errors="replace").strip()[:200] if note.exists() else None
