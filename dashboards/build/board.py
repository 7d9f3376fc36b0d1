"""A board: its variables, links, annotations and rows of panels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboards.build.panel import Panel
from dashboards.build.target import DATASOURCE

Json = dict[str, Any]

SCHEMA: Final = 37  # of Grafana 9.4; newer ones migrate it themselves
TAG: Final = "pgbackrest"
COLUMNS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Panels under a heading; a collapsed one asks nothing until it is opened. Without a title there is no heading."""

    title: str
    panels: Sequence[Panel]
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One board as it is imported."""

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    annotations: Sequence[Json] = ()
    one_stanza: bool = False
    span: str = "now-7d"

    def document(self) -> Json:
        """Return the board as JSON."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "1m",
            "time": {"from": self.span, "to": "now"},
            "timezone": "browser",
            "links": [_link()],
            "templating": {"list": list(_variables(one_stanza=self.one_stanza))},
            "annotations": {"list": list(self.annotations)},
            "panels": list(_laid_out(self.sections)),
        }


def annotation(name: str, expression: str, *, colour: str, title: str, text: str, shown: bool) -> Json:
    """Return marks on every graph, at the moments that are the query's values in milliseconds."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": shown,
        "expr": expression,
        "hide": False,
        "iconColor": colour,
        "step": "60s",
        "tagKeys": "stanza",
        "textFormat": text,
        "titleFormat": title,
        "useValueForTime": True,
    }


def _link() -> Json:
    return {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "tags": [TAG],
        "targetBlank": False,
        "title": "",
        "type": "dashboards",
    }


def _variables(*, one_stanza: bool) -> Iterator[Json]:
    yield {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "regex": "",
        "skipUrlSync": False,
    }
    # A target that has no label of this name is one of no cluster: .* keeps it.
    yield _variable("cluster", "Cluster", "pgbackrest_exporter_build_info", every=".*")
    known = 'cluster=~"$cluster"'
    yield _variable("job", "Job", f"pgbackrest_exporter_build_info{{{known}}}", every=".+")
    known += ', job=~"$job"'
    yield _variable("instance", "Instance", f"pgbackrest_exporter_build_info{{{known}}}", every=".+")
    known += ', instance=~"$instance"'
    yield _variable(
        "stanza", "Stanza", f"pgbackrest_stanza_ok{{{known}}}", every=None if one_stanza else ".+"
    )
    known += ', stanza=~"$stanza"'
    yield _variable("repo", "Repository", f"pgbackrest_repo_ok{{{known}}}", every=".+")


def _variable(name: str, label: str, series: str, *, every: str | None) -> Json:
    """Return a choice among the values of a label; *every* is the pattern behind All, without it there is no All."""
    query = f"label_values({series}, {name})"
    chosen = {"selected": True, "text": ["All"], "value": ["$__all"]} if every else {}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": f"Variable-{name}"},
        "refresh": 2,
        "sort": 7 if name == "stanza" else 3,
        "hide": 0,
        "includeAll": every is not None,
        "multi": every is not None,
        **({"allValue": every} if every else {}),
        "current": chosen,
        "options": [],
        "regex": "",
        "skipUrlSync": False,
    }


def _laid_out(sections: Sequence[Section]) -> Iterator[Json]:
    """Place panels from left to right; the next line begins below the tallest of this one."""
    number, bottom = 1, 0
    for section in sections:
        heading = _heading(section, number, bottom) if section.title else None
        if heading:
            yield heading
            number, bottom = number + 1, bottom + 1
        inside: list[Json] = []
        x = y = 0
        height = 0
        for panel in section.panels:
            if x + panel.size[0] > COLUMNS:
                x, y, height = 0, y + height, 0
            inside.append(panel.document(number, x, bottom + y))
            number, x, height = number + 1, x + panel.size[0], max(height, panel.size[1])
        if section.collapsed and heading:
            heading["panels"] = inside
            continue
        yield from inside
        bottom += y + height


def _heading(section: Section, number: int, y: int) -> Json:
    return {
        "id": number,
        "type": "row",
        "title": section.title,
        "collapsed": section.collapsed,
        "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        "panels": [],
    }
