"""Panels of every backup that the repositories hold."""

from typing import Final

from dashboards.build import colour
from dashboards.build.board import annotation
from dashboards.build.override import OF_TYPE, override, override_regexp
from dashboards.build.panel import table, timeseries
from dashboards.build.query import REPO, of, worst
from dashboards.build.target import rows
from dashboards.build.transformation import arranged, merged, transformation

TYPE: Final = f"{REPO}, backup_type"
_EACH: Final = f"{REPO}, backup_type, backup"


def last(name: str) -> str:
    """One line a type and repository."""
    return worst(of(f"backup_last_{name}", repo=True), TYPE)


def _each(name: str) -> str:
    return worst(of(f"backup_{name}", repo=True), _EACH)


TIMELINE = timeseries(
    "Every backup in the repositories",
    "One point a backup: when it completed and how long it took, from the repository's own catalogue, so "
    "also from before the exporter was installed. "
    "A missing point in the rhythm is a backup that did not happen; a point far up is one that took long. "
    "Dashed lines are runs that failed.",
    rows(f"{_each('completion_timestamp_seconds')} * 1000"),
    rows(_each("duration_seconds")),
    unit="s",
    size=(24, 8),
    empty="No backup in this repository, or per_backup is 0 in the settings.",
    custom={"drawStyle": "points", "pointSize": 9, "showPoints": "always"},
    defaults={"displayName": "${__field.labels.backup_type} repo ${__field.labels.repo}"},
    overrides=OF_TYPE,
    legend=(),
    transformations=[
        transformation("joinByField", byField="backup", mode="outer"),
        transformation(
            "filterFieldsByName",
            include={"names": ["backup", "backup_type 1", "repo 1", "Value #A", "Value #B"]},
        ),
        transformation(
            "convertFieldType",
            conversions=[{"targetField": "Value #A", "destinationType": "time"}],
            fields={},
        ),
        arranged(
            {
                "Value #A": "completed",
                "backup_type 1": "backup_type",
                "repo 1": "repo",
                "Value #B": "Value #B",
            },
            hidden=("backup",),
        ),
        transformation("sortBy", fields={}, sort=[{"field": "completed"}]),
        transformation("partitionByValues", fields=["backup_type", "repo"], naming={"asLabels": True}),
    ],
)

_CATALOGUE: Final = {
    "completed": _each("completion_timestamp_seconds") + " * 1000",
    "took": _each("duration_seconds"),
    "database": _each("size_bytes"),
    "copied": _each("delta_bytes"),
    "added": _each("repo_delta_bytes"),
    "pages": _each("error"),
    "chain": worst(of("backup_info", repo=True), f"{_EACH}, prior, wal_start, wal_stop, backrest_version"),
}

TABLE = table(
    "Catalogue",
    "Every backup that the repositories hold, the newest first: what it builds on, what it took, and the WAL "
    "that it needs. Red: pages failed their checksum; "
    "`pgbackrest info --set=…` names the files.",
    *(rows(expression) for expression in _CATALOGUE.values()),
    size=(24, 11),
    empty="No backup in this repository, or per_backup is 0 in the settings.",
    overrides=[
        override("Completed", unit="dateTimeAsIso", custom__width=160),
        override("Took", unit="s", custom__width=80),
        override_regexp("/^(Database|Copied|Added)$/", unit="bytes", custom__width=80),
        override_regexp("/^(Type|Repo)$/", custom__width=52),
        override_regexp("/^(Backup|Builds on)$/", custom__width=280),
        override_regexp("/^WAL/", custom__width=222),
        override(
            "Pages",
            mappings=colour.words((0, "good", colour.OK), (1, "damaged", colour.CRITICAL)),
            custom__displayMode="color-text",
            custom__width=66,
        ),
    ],
    transformations=[
        *merged(),
        transformation("sortBy", fields={}, sort=[{"field": "Value #A", "desc": True}]),
        arranged(
            {
                "backup": "Backup",
                "backup_type": "Type",
                "repo": "Repo",
                "Value #A": "Completed",
                "Value #B": "Took",
                "Value #C": "Database",
                "Value #D": "Copied",
                "Value #E": "Added",
                "Value #F": "Pages",
                "prior": "Builds on",
                "wal_start": "WAL from",
                "wal_stop": "WAL to",
            },
            hidden=("Time", "job", "cluster", "namespace", "stanza", "backrest_version", "Value #G"),
        ),
    ],
)
COMPLETED: Final = annotation(
    "Completed backups",
    f"{last('completion_timestamp_seconds')} * 1000",
    colour=colour.BLUE,
    title="Backup completed: {{stanza}}",
    text="{{backup_type}} repo {{repo}}",
    shown=False,
)
