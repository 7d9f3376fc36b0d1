"""Lines over time that stay in the background until one crosses its threshold: then it has a colour and a name."""

from collections.abc import Sequence
from typing import Final

from dashboards.build import colour
from dashboards.build.override import NO_LEGEND, THRESHOLDS, override_query
from dashboards.build.panel import Panel, timeseries
from dashboards.build.target import Json, graph

_LOOKS: Final = (
    override_query("A", color=colour.fixed(colour.BLUE), custom__hideFrom=NO_LEGEND, custom__lineWidth=1),
    # With points: what crossed it a moment ago is one point, and a line begins with two.
    override_query("B", color=colour.fixed(colour.WARNING), custom__showPoints="always", custom__pointSize=3),
    override_query(
        "C",
        color=colour.fixed(colour.CRITICAL),
        custom__lineWidth=3,
        custom__showPoints="always",
        custom__pointSize=4,
    ),
)


def watched(
    title: str,
    description: str,
    value: str,
    late: str,
    too_late: str,
    *others: Json,
    named: tuple[str, str, str],
    unit: str,
    empty: str,
    overrides: Sequence[Json] = (),
    interval: str = "",
    points: int = 0,
) -> Panel:
    """Return the lines of *value*, those over the warning again on it, and on these those over the critical threshold.

    A palette would give some innocent line the red of a state.
    """
    return timeseries(
        title,
        f"{description} Named are those over their threshold; dashed are the thresholds that are met first.",
        *(graph(query, name) for query, name in zip((value, late, too_late), named, strict=True)),
        *others,
        unit=unit,
        size=(12, 8),
        empty=empty,
        overrides=(*_LOOKS, *overrides, *THRESHOLDS),
        legend=(),
        interval=interval,
        points=points,
    )
