"""The files that are made: each board as Grafana imports it."""

import json
from collections.abc import Mapping
from typing import Any

from dashboards.build import overview, recovery, stanza, wal
from dashboards.build.board import Board

BOARDS: tuple[Board, ...] = (overview.BOARD, stanza.BOARD, wal.BOARD, recovery.BOARD)


def documents() -> Mapping[str, str]:
    """Return the text of every file that is made, by its name inside dashboards/."""
    return {f"{board.uid}.json": as_text(board.document()) for board in BOARDS}


def as_text(document: Mapping[str, Any]) -> str:
    """Return JSON in the order in which it was built, so that a change shows as a small difference."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
