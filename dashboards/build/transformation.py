"""Steps between a query's answer and what a panel draws."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.build.target import Json


def transformation(name: str, /, **options: Any) -> Json:
    """Return one step between a query's answer and the panel."""
    return {"id": name, "options": options}


def arranged(columns: Mapping[str, str], *, hidden: Sequence[str] = ()) -> Json:
    """Return the step that names and orders columns: what the answer calls them, and what people do."""
    return transformation(
        "organize",
        excludeByName=dict.fromkeys(hidden, True),
        indexByName={name: index for index, name in enumerate(columns)},
        renameByName={name: shown for name, shown in columns.items() if name != shown},
    )


def merged() -> tuple[Json, ...]:
    """Return the steps that make one table of several queries' answers.

    The second one takes it apart by the time, which all rows share: rows stay one table, and of no rows nothing is
    left. Else Grafana would show the columns' names alone, and not why there are no rows.
    """
    apart = transformation("partitionByValues", fields=["Time"], naming={"asLabels": False})
    return transformation("merge"), apart


def answered() -> Json:
    """Return the step that drops answers without series; on them Grafana's band says that it misses a time."""
    return transformation("filterFieldsByName", include={"pattern": ".+"})
