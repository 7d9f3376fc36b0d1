"""The boards as they are checked in, and what is inside them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "dashboards"
FILES = sorted(FOLDER.glob("*.json"))

Json = dict[str, Any]

# What Grafana puts in place of its variables when All is chosen.
EVERYTHING = {
    "$__rate_interval": "5m",
    "$__range": "1h",
    "$__interval": "1m",
    "$cluster": ".*",
    "$instance": ".+",
    "$stanza": ".+",
    "$repo": ".+",
    "$job": ".+",
}


# Panels that ask once for each state: of their queries one answers.
STATES = {
    "Can be recovered", "Data at risk now", "Shortest window", "Longest time to restore",
    "Last proven restore", "Newest backup", "Newest full backup", "Fullest repository",
    "Leader", "Data at risk", "Recovery window against what is required", "Time to restore against the objective",
    "Used of the capacity, and in 14 days", "Left behind", "Readings that failed",
}  # fmt: skip
# Panels about the exporters themselves; all others do not tell one from another.
HEALTH = {
    "Exporters answer", "Collectors", "Readings that failed", "How long readings take", "Versions and settings",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """One query of one panel."""

    board: str
    panel: str
    ref: str
    expression: str
    instant: bool
    interval: str = ""  # the smallest step that the panel asks for
    points: int = 0  # that it asks for at most

    def with_variables(self, values: Mapping[str, str] = EVERYTHING) -> str:
        """The query as Grafana sends it."""
        text = self.expression
        for name, value in values.items():
            text = text.replace(name, value)
        return text


def load(path: Path) -> Json:
    board: Json = json.loads(path.read_text())
    return board


def panels(board: Json) -> Iterator[Json]:
    """All panels that draw, those of collapsed rows too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def queries(board: Json) -> Iterator[Query]:
    for panel in panels(board):
        for target in panel.get("targets", ()):
            yield Query(
                board=board["uid"],
                panel=panel["title"],
                ref=target["refId"],
                expression=target["expr"],
                instant=target.get("instant", False),
                interval=panel.get("interval", ""),
                points=panel.get("maxDataPoints", 0),
            )


def key(query: Query) -> tuple[str, str, str]:
    """What tells it from all other queries."""
    return query.board, query.panel, query.ref


def expressions(board: Json) -> Iterator[str]:
    """Every PromQL text: of panels and annotations."""
    yield from (query.expression for query in queries(board))
    yield from (annotation["expr"] for annotation in board["annotations"]["list"])


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric with its matchers: name → (operator, value)."""

    metric: str
    matchers: Mapping[str, tuple[str, str]]


_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^{}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")


def selectors(expression: str) -> list[Selector]:
    return [
        Selector(name, {label: (operator, value) for label, operator, value in _MATCHER.findall(inside)})
        for name, inside in _SELECTOR.findall(expression)
    ]


def grouped_by(expression: str) -> set[str]:
    """The labels that the expression's aggregations and joins name."""
    found = {label.strip() for inside in _GROUPING.findall(expression) for label in inside.split(",")}
    return found - {""}
