"""The queries of a panel."""

from typing import Any, Final

Json = dict[str, Any]

DATASOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}


def graph(expression: str, legend: str = "__auto") -> Json:
    """Return a query over the time range."""
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expression,
        "legendFormat": legend,
        "range": True,
    }


def now(expression: str, legend: str = "__auto") -> Json:
    """Return a query of this moment, one value a series."""
    return _instant(expression, legend, "time_series")


def rows(expression: str) -> Json:
    """Return a query of this moment, one row a series with its labels as columns."""
    return _instant(expression, "__auto", "table")


def _instant(expression: str, legend: str, format_: str) -> Json:
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "exemplar": False,
        "expr": expression,
        "format": format_,
        "instant": True,
        "legendFormat": legend,
        "range": False,
    }
