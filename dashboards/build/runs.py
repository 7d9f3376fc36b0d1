"""Panels of pgBackRest's runs: how they ended, and how far the present one is."""

from typing import Final

from dashboards.build import colour, facts
from dashboards.build.board import annotation
from dashboards.build.empty import NO_RUN
from dashboards.build.override import gauge, override, override_regexp
from dashboards.build.panel import TILE, stat, table, timeseries
from dashboards.build.query import REPO, STANZA, of, worst
from dashboards.build.target import graph, now, rows
from dashboards.build.transformation import arranged, merged, transformation

_RUN: Final = f"{STANZA}, command, backup_type, repo"


def _run(name: str, *matchers: str) -> str:
    return worst(of(f"run_last_{name}_timestamp_seconds", *matchers), _RUN)


NEWEST = stat(
    "Newest backup runs",
    "Failed: the newest run of some kind (full, diff, incr; repository) did not succeed. The table “Newest "
    "run of each command” says which one; its log has the reason.",
    now(worst(facts.RUN_LEVEL)),
    size=TILE,
    empty=NO_RUN,
    mappings=colour.levels("succeeded", "failed", "failed"),
)

PROGRESS = table(
    "Progress of what runs",
    "Share of the bytes that the running command has copied. A bar that stands still for minutes: look for a "
    "lock, a full disk or a silent object store.",
    rows(
        f"max by ({REPO}, command) ({of('stanza_progress_done_bytes')}"
        f" / ({of('stanza_progress_size_bytes')} > 0))"
    ),
    size=(6, 8),
    empty="Nothing runs that tells its progress.",
    overrides=[
        override("Command", custom__width=90),
        override("Repo", custom__width=52),
        gauge("Done", unit="percentunit", top=1),
    ],
    transformations=[
        arranged(
            {"command": "Command", "repo": "Repo", "Value": "Done"},
            hidden=("Time", "job", "cluster", "namespace", "stanza"),
        ),
    ],
)

RESULTS = timeseries(
    "Runs a day by result",
    "How many runs ended well, failed or were killed. Every failure has a log; killed are those that a "
    "signal or a crash ended.",
    graph(
        f"sum by (result) (max by ({_RUN}, result) (increase({of('runs_total')}[$__rate_interval])))",
        "{{result}}",
    ),
    unit="short",
    size=(6, 8),
    empty=NO_RUN.long,
    custom={
        "drawStyle": "bars",
        "fillOpacity": 80,
        "lineWidth": 0,
        "stacking": {"mode": "normal", "group": "A"},
    },
    overrides=(
        override("success", color=colour.fixed(colour.OK)),
        override("failure", color=colour.fixed(colour.WARNING)),
        override("killed", color=colour.fixed(colour.ROSE)),
    ),
    legend=(),
    interval="1d",
)

TABLE = table(
    "Newest run of each command",
    "When each command last succeeded and last failed, by type and repository. A failure newer than the "
    "success is red: read that command's log.",
    rows(f"{_run('success')} * 1000"),
    rows(f"{_run('failure')} * 1000"),
    rows(
        f"({_run('failure')} > bool {_run('success')}) or 1 + 0 * {_run('failure')} or 0 * {_run('success')}"
    ),
    size=(12, 8),
    empty=NO_RUN.long,
    overrides=[
        override("Command", custom__minWidth=86),
        override_regexp("/^(Succeeded|Failed)$/", unit="dateTimeAsIso", custom__width=160, noValue="never"),
        override(
            "Newest",
            mappings=colour.words((0, "succeeded", colour.OK), (1, "failed", colour.WARNING)),
            custom__displayMode="color-background-solid",
            custom__width=100,
        ),
    ],
    transformations=[
        *merged(),
        transformation("sortBy", fields={}, sort=[{"field": "Value #C", "desc": True}]),
        arranged(
            {
                "command": "Command",
                "backup_type": "Type",
                "repo": "Repo",
                "Value #C": "Newest",
                "Value #A": "Succeeded",
                "Value #B": "Failed",
            },
            hidden=("Time", "job", "cluster", "namespace", "stanza"),
        ),
    ],
)

FAILURES: Final = annotation(
    "Failed backup runs",
    _run("failure", 'command="backup"') + " * 1000",
    colour=colour.WARNING,
    title="Backup failed: {{stanza}}",
    text="{{backup_type}} repo {{repo}}",
    shown=True,
)
