"""What is wrong with a board: the 17 rules of grafana/dashboard-linter, none left out.

A rule gets a board and yields findings. Whether PromQL parses is promtool's to say, in the tests.
"""

import re
from collections.abc import Callable, Iterator

from tests.dashboards.boards import Json, expressions, panels, queries, selectors

Rule = Callable[[Json], Iterator[str]]

WITH_UNITS = {"stat", "gauge", "graph", "singlestat", "table", "timeseries", "bargauge"}
UNITS = {
    "none", "short", "string", "percentunit", "s", "dtdurations", "bytes", "Bps", "dateTimeAsIso", "suffix: d",
}  # fmt: skip


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
