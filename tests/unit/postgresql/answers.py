"""Answers of a server, for tests that change a thing or two of them."""

from typing import Any

from exporter.postgresql.archiving import Answer, decode

MIB = 1 << 20
ROW: dict[str, Any] = {
    "in_recovery": False,
    "now": 1_700_000_100.25,
    "mode": "on",
    "command": "pgbackrest --stanza=main archive-push %p",
    "library": "",
    "segment_size": 16 * MIB,
    "position": 5 * 16 * MIB + 1000,
    "timeline": "00000003",
    "archived_count": 10,
    "failed_count": 2,
    "last_archived": 1_700_000_000.5,
    "last_failed": 1_600_000_000.5,
    "stats_reset": 1_500_000_000.0,
    "ready_segments": 0,
    "oldest_ready": None,
    "first_ready": None,
}
"""An idle primary where nothing waits, as psycopg gives its row."""


def answer(**columns: Any) -> Answer:
    """Return what ROW with other *columns* means."""
    return decode(ROW | columns)
