"""What else is wrong with a board: rules of our own, beside those of the linter."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from tests.dashboards.boards import Json, expressions, grouped_by, panels, selectors
from tests.dashboards.known import METRICS, OF_TARGET
from tests.dashboards.lint import Rule, variables

# Grafana 9.4 has no others that we would want.
PANEL_TYPES = {
    "alertlist", "bargauge", "barchart", "gauge", "heatmap", "stat", "state-timeline", "status-history",
    "table", "text", "timeseries",
}  # fmt: skip
TRANSFORMATIONS = {
    "calculateField", "convertFieldType", "filterByValue", "filterFieldsByName", "groupBy", "joinByField",
    "labelsToFields", "merge", "organize", "partitionByValues", "reduce", "sortBy",
}  # fmt: skip
BUILT_IN = {
    "__rate_interval",
    "__range",
    "__interval",
    "__url_time_range",
    "__value",
    "__field",
    "datasource",
}
MOST_PANELS = 20
# Grafana fits the words of a tile into one line: more of them are too small to be read.
MOST_LETTERS = 26


def metrics_exist(board: Json) -> Iterator[str]:
    for expression in expressions(board):
        for name in re.findall(r"\bpgbackrest_\w+", expression):
            if name not in METRICS:
                yield f"{name}: the exporter has no such metric"
        if re.search(r"\bpgbackrest_\w+\b(?!\s*\{)", expression):
            yield f"a metric without matchers: {expression}"


def labels_exist(board: Json) -> Iterator[str]:
    for expression in expressions(board):
        found = selectors(expression)
        for selector in found:
            for label in selector.matchers.keys() - METRICS.get(selector.metric, set()):
                yield f"{selector.metric} has no label {label}"
        made = set(re.findall(r'label_replace\([^"]*"(\w+)"', expression)) | {"signal"}
        of_all = set().union(*(METRICS.get(selector.metric, set()) for selector in found))
        for label in grouped_by(expression) - of_all - made - OF_TARGET:
            yield f"no metric of this query has the label {label}: {expression}"


def variables_exist(board: Json) -> Iterator[str]:
    known = BUILT_IN | variables(board).keys()
    for name in _texts_variables(board):
        if name not in known:
            yield f"${name} is no variable"


def _texts_variables(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inside in value.values():
            yield from _texts_variables(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _texts_variables(inside)
    elif isinstance(value, str) and value != "$__all":
        yield from re.findall(r"\$\{?(\w+)", value)
        if "[[" in value and re.search(r"\[\[\w+\]\]", value):
            yield "[[…]], the old form"


def ids_are_unique(board: Json) -> Iterator[str]:
    rows = [panel["id"] for panel in board["panels"] if panel["type"] == "row"]
    for number, count in Counter([*rows, *(panel["id"] for panel in panels(board))]).items():
        if count > 1:
            yield f"panel id {number} is used twice"
    for panel in panels(board):
        refs = [target["refId"] for target in panel.get("targets", ())]
        if len(refs) != len(set(refs)):
            yield f"{panel['title']}: a refId is used twice"


def panels_do_not_overlap(board: Json) -> Iterator[str]:
    groups = [board["panels"], *(panel["panels"] for panel in board["panels"] if panel["type"] == "row")]
    for group in groups:
        for panel in group:
            place = panel["gridPos"]
            if place["x"] + place["w"] > 24 or min(place["w"], place["h"]) < 1:
                yield f"{panel['title']}: outside of the grid"
        for one, other in combinations(group, 2):
            if _overlap(one["gridPos"], other["gridPos"]):
                yield f"{one['title']} and {other['title']} overlap"


def _overlap(one: Json, other: Json) -> bool:
    return bool(
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def grafana_9_4_knows_it(board: Json) -> Iterator[str]:
    if board["schemaVersion"] != 37 or "__inputs" in board or "id" in board:
        yield "not schemaVersion 37, or __inputs, or an id"
    for panel in panels(board):
        if panel["type"] not in PANEL_TYPES:
            yield f"{panel['title']}: panel type {panel['type']}"
        for step in panel.get("transformations", ()):
            if step["id"] not in TRANSFORMATIONS:
                yield f"{panel['title']}: transformation {step['id']}"
        if "cellOptions" in str(panel.get("fieldConfig")):
            yield f"{panel['title']}: cellOptions is newer, custom.displayMode is migrated"


def a_screen_holds_it(board: Json) -> Iterator[str]:
    visible = [panel for panel in board["panels"] if panel["type"] != "row"]
    if len(visible) > MOST_PANELS:
        yield f"{len(visible)} visible panels"


def nothing_is_explained(board: Json) -> Iterator[str]:
    """An empty panel says why it is; a tile in few words, and its description says the rest."""
    for panel in panels(board):
        if panel["type"] == "alertlist":
            continue
        words = panel["fieldConfig"]["defaults"].get("noValue", "")
        if words in {"", "No data"} or (panel["type"] != "stat" and len(words) < 15):
            yield f"{panel['title']}: empty, it would say only “No data”"
        if panel["type"] == "stat" and (len(words) > MOST_LETTERS or " Empty: " not in panel["description"]):
            yield f"{panel['title']}: empty, its words would be tiny, or nothing says what to do"


def text_stays_text(board: Json) -> Iterator[str]:
    """A table's columns are text until an override says otherwise: 0000000100000031 would become a number."""
    for panel in panels(board):
        if panel["type"] == "table" and panel["fieldConfig"]["defaults"].get("unit") != "string":
            yield f"{panel['title']}: names of digits would lose their zeros"


OWN: tuple[Rule, ...] = (
    metrics_exist,
    labels_exist,
    variables_exist,
    ids_are_unique,
    panels_do_not_overlap,
    grafana_9_4_knows_it,
    a_screen_holds_it,
    nothing_is_explained,
    text_stays_text,
)
