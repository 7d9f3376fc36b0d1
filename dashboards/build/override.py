"""What holds for some fields of a panel alone, and the looks that several panels share."""

from collections.abc import Mapping
from typing import Any, Final

from dashboards.build import colour
from dashboards.build.target import Json


def override(name: str, /, **properties: Any) -> Json:
    """Return what holds for the field of this name; in the names of properties __ is a dot."""
    return _override("byName", name, properties)


def override_regexp(pattern: str, /, **properties: Any) -> Json:
    """Return what holds for the fields whose name matches."""
    return _override("byRegexp", pattern, properties)


def override_query(ref: str, /, **properties: Any) -> Json:
    """Return what holds for all that the query A, B, … returned."""
    return _override("byFrameRefID", ref, properties)


def _override(matcher: str, options: str, properties: Mapping[str, Any]) -> Json:
    found = [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]
    return {"matcher": {"id": matcher, "options": options}, "properties": found}


def sign(name: str, number: int) -> Json:
    """Return the look of a level in a narrow column without a heading; *number* tells it from other such columns."""
    return override(
        name,
        mappings=colour.levels("●", "▲", "✖"),
        displayName="\u200b" * number,
        custom__displayMode="color-background-solid",
        custom__align="center",
        custom__width=50,  # the least that Grafana gives
    )


def gauge(name: str, *, unit: str, top: float | None = None) -> Json:
    """Return the look of a table's column whose numbers are bars; without *top* the largest is the longest."""
    return override(
        name,
        unit=unit,
        min=0,
        **({} if top is None else {"max": top}),
        color=colour.fixed(colour.BLUE),
        custom__displayMode="basic",
    )


def dashed(pattern: str, shade: str) -> Json:
    """Return the look of a threshold among a graph's lines."""
    return override_regexp(
        pattern,
        color=colour.fixed(shade),
        custom__lineStyle={"fill": "dash", "dash": [10, 8]},
        custom__lineWidth=1,
        custom__fillOpacity=0,
        custom__showPoints="never",
    )


NO_LEGEND: Final = {"legend": True, "tooltip": False, "viz": False}  # what a line is hidden from
THRESHOLDS: Final = (dashed("/^warning/", colour.WARNING), dashed("/^critical/", colour.CRITICAL))
# Of the lines of one fact those of the second repository, and of any further one, are dotted.
BY_QUERY: Final = tuple(
    override_query(ref, color=colour.fixed(shade))
    for ref, shade in zip("ABCD", (colour.BLUE, colour.CYAN, colour.PURPLE, colour.SAND), strict=True)
)
OTHER_REPOS: Final = override_regexp("/repo [2-9]/", custom__lineStyle={"fill": "dot", "dash": [2, 6]})
# Lines that judge nothing: all are blue, and of fifty stanzas the legend names those of the second query.
SOME_NAMED: Final = (
    override_query("A", color=colour.fixed(colour.BLUE), custom__hideFrom=NO_LEGEND, custom__lineWidth=1),
    override_query(
        "B",
        color=colour.fixed(colour.BLUE),
        custom__hideFrom={"legend": False, "tooltip": True, "viz": False},
    ),
    OTHER_REPOS,
)

# The types of backups have their colours.
OF_TYPE: Final = [
    override_regexp(f"/{name}/", color=colour.fixed(shade)) for name, shade in colour.TYPES.items()
]
