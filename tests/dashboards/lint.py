"""What is wrong with a board: the 17 rules of grafana/dashboard-linter, none left out, and rules of our own.

A rule gets a board and yields findings. Whether PromQL parses is promtool's to say, in the tests.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from tests.dashboards.boards import Json, expressions, grouped_by, panels, queries, selectors
from tests.dashboards.known import METRICS, OF_TARGET

Rule = Callable[[Json], Iterator[str]]

# Grafana 9.4 has no others that we would want.
PANEL_TYPES = {
    "alertlist", "bargauge", "barchart", "gauge", "heatmap", "stat", "state-timeline", "status-history",
    "table", "text", "timeseries",
}  # fmt: skip
TRANSFORMATIONS = {
    "calculateField", "convertFieldType", "filterByValue", "filterFieldsByName", "groupBy", "joinByField",
    "labelsToFields", "merge", "organize", "partitionByValues", "reduce", "sortBy",
}  # fmt: skip
WITH_UNITS = {"stat", "gauge", "graph", "singlestat", "table", "timeseries", "bargauge"}
UNITS = {
    "none", "short", "percentunit", "s", "dtdurations", "bytes", "Bps", "dateTimeAsIso", "suffix: d",
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


def variables(board: Json) -> dict[str, Json]:
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def data_source_is_a_variable(board: Json) -> Iterator[str]:
    """template-datasource."""
    variable = variables(board).get("datasource")
    if not variable or variable["type"] != "datasource" or variable["query"] != "prometheus":
        yield "no variable `datasource` that chooses a Prometheus"
    elif variable["label"] != "Data source":
        yield "the variable datasource is not labelled `Data source`"


def _chooses_targets(board: Json, name: str) -> Iterator[str]:
    variable = variables(board).get(name)
    if not variable or variable["type"] != "query":
        yield f"no query variable `{name}`"
        return
    if not variable["multi"] or variable.get("allValue") != ".+" or variable["label"] != name.title():
        yield f"the variable {name} is not multi, or All is not .+, or its label is wrong"
    if variable["datasource"]["uid"] != "${datasource}":
        yield f"the variable {name} asks another data source"


def job_is_a_variable(board: Json) -> Iterator[str]:
    """template-job."""
    yield from _chooses_targets(board, "job")


def instance_is_a_variable(board: Json) -> Iterator[str]:
    """template-instance."""
    yield from _chooses_targets(board, "instance")


def variables_ask_promql(board: Json) -> Iterator[str]:
    """template-label-promql."""
    for name, variable in variables(board).items():
        if variable["type"] != "query":
            continue
        text = variable["query"]["query"]
        if not re.fullmatch(r"label_values\(\w+(\{.*\})?, \w+\)", text) or text != variable["definition"]:
            yield f"the query of the variable {name} is not label_values(series, label)"


def variables_follow_the_time_range(board: Json) -> Iterator[str]:
    """template-on-time-change-reload."""
    for name, variable in variables(board).items():
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield f"the variable {name} is not asked again when the time range changes"


def panels_use_the_data_source(board: Json) -> Iterator[str]:
    """panel-datasource; of targets, variables and annotations too."""
    for panel in panels(board):
        for part in (panel, *panel.get("targets", ())):
            if part["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                yield f"{panel['title']}: another data source"
    for annotation in board["annotations"]["list"]:
        if annotation["datasource"]["uid"] != "${datasource}":
            yield f"{annotation['name']}: another data source"


def panels_are_described(board: Json) -> Iterator[str]:
    """panel-title-description; a description here says what to do, so it is no half sentence."""
    for panel in panels(board):
        if not panel["title"] or len(panel["description"]) < 60:
            yield f"{panel['title'] or panel['id']}: no title, or hardly a description"


def panels_have_units(board: Json) -> Iterator[str]:
    """panel-units."""
    for panel in panels(board):
        if panel["type"] in WITH_UNITS and panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
            yield f"{panel['title']}: no unit"


def panels_have_targets(board: Json) -> Iterator[str]:
    """panel-no-targets."""
    for panel in panels(board):
        if panel["type"] != "alertlist" and not panel.get("targets"):
            yield f"{panel['title']}: asks nothing"


def queries_are_whole(board: Json) -> Iterator[str]:
    """target-promql, as far as it can be seen without a parser."""
    for query in queries(board):
        if not query.expression.strip() or query.expression.count("(") != query.expression.count(")"):
            yield f"{query.panel} {query.ref}: no query, or a bracket is missing"


def no_log_queries(board: Json) -> Iterator[str]:
    """target-logql."""
    for panel in panels(board):
        if any(target["datasource"]["type"] != "prometheus" for target in panel.get("targets", ())):
            yield f"{panel['title']}: not for Prometheus"


def no_automatic_log_range(board: Json) -> Iterator[str]:
    """target-logql-auto."""
    for query in queries(board):
        if "$__auto" in query.expression:
            yield f"{query.panel} {query.ref}: $__auto is LogQL's"


def rates_use_the_rate_interval(board: Json) -> Iterator[str]:
    """target-rate-interval."""
    for query in queries(board):
        for range_ in re.findall(r"\bi?rate\([^\[]*\[([^\]]*)\]", query.expression):
            if range_ != "$__rate_interval":
                yield f"{query.panel} {query.ref}: a rate over [{range_}]"


def _narrowed_by(board: Json, name: str) -> Iterator[str]:
    for expression in expressions(board):
        for selector in selectors(expression):
            if selector.matchers.get(name) != ("=~", f"${name}"):
                yield f'{selector.metric}: no {name}=~"${name}"'


def selectors_have_the_job(board: Json) -> Iterator[str]:
    """target-job."""
    yield from _narrowed_by(board, "job")


def selectors_have_the_instance(board: Json) -> Iterator[str]:
    """target-instance."""
    yield from _narrowed_by(board, "instance")


def counters_are_rates(board: Json) -> Iterator[str]:
    """target-counter-agg."""
    for expression in expressions(board):
        for function, name in re.findall(r"(\w*)\(?\s*\b(\w+_total)\b", expression):
            if function not in {"rate", "irate", "increase"}:
                yield f"{name} is a counter: its value says nothing"


def board_is_not_editable(board: Json) -> Iterator[str]:
    """uneditable-dashboard."""
    if board["editable"] is not False:
        yield "editable: changes in Grafana would be lost at the next provisioning"


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
    """An empty panel says why it is."""
    for panel in panels(board):
        if panel["type"] == "alertlist":
            continue
        words = panel["fieldConfig"]["defaults"].get("noValue", "")
        if len(words) < 15:
            yield f"{panel['title']}: empty, it would say only “No data”"


LINTER: tuple[Rule, ...] = (
    data_source_is_a_variable,
    job_is_a_variable,
    instance_is_a_variable,
    variables_ask_promql,
    variables_follow_the_time_range,
    panels_use_the_data_source,
    panels_are_described,
    panels_have_units,
    panels_have_targets,
    queries_are_whole,
    no_log_queries,
    no_automatic_log_range,
    rates_use_the_rate_interval,
    selectors_have_the_job,
    selectors_have_the_instance,
    counters_are_rates,
    board_is_not_editable,
)
OWN: tuple[Rule, ...] = (
    metrics_exist,
    labels_exist,
    variables_exist,
    ids_are_unique,
    panels_do_not_overlap,
    grafana_9_4_knows_it,
    a_screen_holds_it,
    nothing_is_explained,
)
