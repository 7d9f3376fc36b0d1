"""The table of all stanzas, a row and a link to its board for each."""

from typing import Final

from dashboards.build import colour, facts
from dashboards.build.empty import NO_EXPORTER
from dashboards.build.override import override, override_regexp, sign
from dashboards.build.panel import table
from dashboards.build.query import STANZA, worst
from dashboards.build.target import rows
from dashboards.build.transformation import arranged, merged, transformation

# One query a column; those of LIGHTS are levels, and stand beside the value that they judge.
_COLUMNS: Final = {
    "A": ("Recoverable", facts.RECOVERABLE),
    "B": ("Data at risk", facts.LAG),
    "C": ("at risk?", facts.LAG_LEVEL),
    "D": ("Newest backup", worst(facts.BACKUP)),
    "E": ("backup?", worst(facts.BACKUP_LEVEL)),
    "F": ("Newest full", worst(facts.FULL)),
    "G": ("full?", worst(facts.FULL_LEVEL)),
    "H": ("Window", f"min by ({STANZA}) ({facts.WINDOW})"),
    "I": ("window?", worst(facts.WINDOW_LEVEL)),
    "J": ("Restore time", worst(facts.ESTIMATE)),
    "K": ("restore?", worst(facts.ESTIMATE_LEVEL)),
    "L": ("Last proven", facts.PROVEN),
    "M": ("proven?", facts.PROVEN_LEVEL),
    "N": ("Last runs", facts.RUN_LEVEL),
}
_LIGHTS: Final = "CEGIKM"
_BOARD_OF: Final = (
    "/d/pgbackrest-stanza?${__url_time_range}&var-datasource=${datasource}&${cluster:queryparam}&${job:queryparam}"
    "&var-stanza=${__value.raw}"
)

TABLE = table(
    "Every stanza",
    "The worst first. ● fine, ▲ over its warning threshold, ✖ over its critical one or missing; the value "
    "stands left of its sign and is that of the worst repository. "
    "Choose a stanza to see its board. Last runs: ▲ the newest run of some kind of backup failed.",
    *(rows(expression) for _, expression in _COLUMNS.values()),
    size=(24, 10),
    empty=NO_EXPORTER.long,
    overrides=[
        override_regexp(
            "/^(Verdict|Recoverable)$/", custom__displayMode="color-background-solid", custom__align="center"
        ),
        *(sign(_COLUMNS[ref][0], number) for number, ref in enumerate(_LIGHTS, 1)),
        override("Verdict", mappings=colour.levels("ok", "look today", "act now"), custom__width=100),
        override("Recoverable", mappings=colour.levels("yes", "lost a copy", "no"), custom__width=105),
        override(
            "Last runs",
            mappings=colour.levels("●", "▲ failed", "✖"),
            noValue="no log",
            custom__displayMode="color-text",
        ),
        override_regexp(
            "/^(Data at risk|Newest full|Window|Restore time|Last proven)$/", unit="s", custom__width=112
        ),
        override("Newest backup", unit="s", custom__width=130),
        override("Last proven", noValue="never"),
        override(
            "Stanza",
            links=[{"title": "Open ${__value.raw}", "url": _BOARD_OF, "targetBlank": False}],
            custom__width=150,
        ),
    ],
    transformations=[
        *merged(),
        transformation(
            "calculateField",
            alias="Verdict",
            mode="reduceRow",
            reduce={"include": [f"Value #{ref}" for ref in ("A", *_LIGHTS)], "reducer": "max"},
            replaceFields=False,
        ),
        transformation("sortBy", fields={}, sort=[{"field": "Verdict", "desc": True}]),
        arranged(
            {
                "cluster": "Cluster",
                "namespace": "Namespace",
                "stanza": "Stanza",
                "Verdict": "Verdict",
                **{f"Value #{ref}": name for ref, (name, _) in _COLUMNS.items()},
            },
            hidden=("Time", "job"),
        ),
    ],
)
