"""The panels that Grafana 9.4 knows and newer ones migrate, as classic JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboards.build import colour
from dashboards.build.empty import Empty
from dashboards.build.override import override_query, override_regexp
from dashboards.build.target import DATASOURCE, Json, now
from dashboards.build.transformation import answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel; *size* is in columns of 24 and rows of 30 pixels, its place is the board's business."""

    type: str
    title: str
    description: str
    size: tuple[int, int]
    targets: Sequence[Json] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    transformations: Sequence[Json] = ()
    interval: str = ""
    points: int = 0  # at most; 0: one a pixel

    def document(self, number: int, x: int, y: int) -> Json:
        """Return the panel as JSON."""
        width, height = self.size
        document: Json = {
            "id": number,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "gridPos": {"x": x, "y": y, "w": width, "h": height},
            "datasource": DATASOURCE,
            "options": dict(self.options),
        }
        if self.targets:
            targets = [{"refId": chr(65 + index), **target} for index, target in enumerate(self.targets)]
            document["targets"] = targets
            document["fieldConfig"] = {"defaults": dict(self.defaults), "overrides": list(self.overrides)}
        if self.transformations:
            document["transformations"] = list(self.transformations)
        if self.interval:
            document["interval"] = self.interval
        if self.points:
            document["maxDataPoints"] = self.points
        return document


TILE: Final = (4, 5)  # the size of a number
DAYS: Final = "suffix: d"  # Grafana's own units turn days into weeks and hours
_BELOW: Final = {"showLegend": True, "displayMode": "list", "placement": "bottom"}
_ASIDE: Final = {
    "showLegend": True,
    "displayMode": "table",
    "placement": "right",
    "calcs": ["lastNotNull"],
    "sortBy": "Last *",
    "sortDesc": True,
}


def timeseries(
    title: str,
    description: str,
    *targets: Json,
    unit: str,
    size: tuple[int, int],
    empty: str,
    overrides: Sequence[Json] = (),
    legend: Sequence[str] = ("lastNotNull", "max"),
    minimum: float | None = 0,
    custom: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
    transformations: Sequence[Json] = (),
    interval: str = "",
    points: int = 0,
    aside: bool = False,
) -> Panel:
    """Return lines over time; *empty* is said instead of "No data". *aside*: many lines, the highest named first."""
    look: Json = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 2,
        "fillOpacity": 0,
        "showPoints": "never",
        "spanNulls": False,
        "thresholdsStyle": {"mode": "off"},
    }
    return Panel(
        type="timeseries",
        title=title,
        description=description,
        size=size,
        targets=targets,
        defaults={
            "unit": unit,
            "noValue": empty,
            "color": {"mode": "palette-classic"},
            "thresholds": colour.plain(),
            **({} if minimum is None else {"min": minimum}),
            "custom": {**look, **(custom or {})},
            **(defaults or {}),
        },
        overrides=overrides,
        options={
            "legend": _ASIDE if aside else {**_BELOW, "calcs": list(legend)},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        transformations=transformations,
        interval=interval,
        points=points,
    )


def stat(
    title: str,
    description: str,
    *targets: Json,
    size: tuple[int, int],
    empty: Empty,
    unit: str = "none",
    decimals: int | None = None,
    mappings: Sequence[Json] = (),
    thresholds: Json | None = None,
    overrides: Sequence[Json] = (),
    text: str = "auto",
) -> Panel:
    """Return one big value on its colour; in its place stand *empty*'s few words, in the description all of them."""
    return Panel(
        type="stat",
        title=title,
        description=f"{description} Empty: {empty.long}",
        size=size,
        targets=targets,
        defaults={
            "unit": unit,
            "noValue": empty.short,
            "color": {"mode": "thresholds"},
            "mappings": list(mappings),
            "thresholds": thresholds or colour.steps((None, colour.UNKNOWN)),
            **({} if decimals is None else {"decimals": decimals}),
        },
        overrides=overrides,
        options={
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "center",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": text,
        },
    )


def judged(
    title: str,
    description: str,
    value: str,
    level: str,
    *,
    size: tuple[int, int],
    empty: Empty,
    unit: str = "s",
    by: str = "cluster, namespace, job, stanza",
    legend: str = "{{stanza}}",
    lowest: bool = False,
    decimals: int | None = None,
    mappings: Sequence[Json] = (),
) -> Panel:
    """Return the worst of all values, named, in the colour of its own thresholds.

    One query a state, and only the worst state's has an answer: so the colour is that of the thresholds in force, and
    not one of Grafana's own.
    """
    pick = "bottomk" if lowest else "topk"
    of_level = [f"{pick}(1, ({value}) and on ({by}) ({level} == {number}))" for number in range(3)]
    worst = [
        of_level[2],
        f"{of_level[1]} unless on () ({level} == 2)",
        f"{of_level[0]} unless on () ({level} > 0)",
    ]
    shades = (colour.CRITICAL, colour.WARNING, colour.OK)
    return stat(
        title,
        description,
        *(now(query, legend) for query in worst),
        size=size,
        empty=empty,
        unit=unit,
        decimals=decimals,
        mappings=mappings,
        overrides=[
            override_query(ref, color=colour.fixed(shade)) for ref, shade in zip("ABC", shades, strict=True)
        ],
        text="value_and_name",
    )


def band(
    title: str,
    description: str,
    *targets: Json,
    size: tuple[int, int],
    empty: str,
    mappings: Sequence[Json],
    interval: str = "",
    many: bool = False,
) -> Panel:
    """Return states over time, one bar a series; *many* have pages."""
    return Panel(
        type="state-timeline",
        title=title,
        description=description,
        size=size,
        targets=targets,
        defaults={
            "unit": "none",
            "noValue": empty,
            "color": {"mode": "thresholds"},
            "mappings": list(mappings),
            "thresholds": colour.steps((None, colour.UNKNOWN)),
            "custom": {"fillOpacity": 85, "lineWidth": 0},
        },
        options={
            "alignValue": "left",
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
            "mergeValues": False,
            # More names would lie on each other. Older Grafanas know no pages, newer ones number also a single one.
            **({"perPage": 10} if many else {}),
            "rowHeight": 0.85,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        },
        transformations=[answered()],
        interval=interval,
    )


def table(
    title: str,
    description: str,
    *targets: Json,
    size: tuple[int, int],
    empty: str,
    overrides: Sequence[Json],
    transformations: Sequence[Json],
) -> Panel:
    """Return rows and columns."""
    return Panel(
        type="table",
        title=title,
        description=description,
        size=size,
        targets=targets,
        defaults={
            "unit": "string",  # else Grafana reads a WAL segment or a stanza of digits as a number
            "noValue": empty,
            "color": {"mode": "thresholds"},
            "thresholds": colour.steps((None, "text")),
            "custom": {"align": "left", "displayMode": "auto", "filterable": False, "minWidth": 50},
        },
        overrides=[override_regexp("/.*/", noValue="–"), *overrides],
        options={"showHeader": True},
        transformations=transformations,
    )
