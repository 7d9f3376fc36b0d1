"""JSON schemas of Grafana's own types allow every board: of the oldest version that they are for, and of the newest."""

import json
from collections.abc import Callable, Mapping

import pytest

from tests.dashboards.boards import FILES, FOLDER, Json, load, panels
from tests.dashboards.grafana_packages import VERSIONS, schema_faults


def _panel(board: Json, kind: str) -> Json:
    return next(panel for panel in panels(board) if panel["type"] == kind)


def _custom(board: Json, kind: str) -> Json:
    custom: Json = _panel(board, kind)["fieldConfig"]["defaults"]["custom"]
    return custom


# What is broken in a board, and the words by which it must be found.
BREAKING: Mapping[str, Callable[[Json], object]] = {
    "board/graphTooltip: must be number": lambda b: b.update(graphTooltip="crosshair"),
    "$cluster/hide: must be equal to one": lambda b: b["templating"]["list"][1].update(hide=7),
    "Can be recovered: options/colorMode: must be equal to one": lambda b: _panel(b, "stat")[
        "options"
    ].update(colorMode="blink"),
    'Can be recovered: must NOT have additional properties {"additionalProperty":"colour"}': lambda b: _panel(
        b, "stat"
    ).update(colour="red"),
    "Can be recovered: field/color/mode: must be equal to one": lambda b: _panel(b, "stat")["fieldConfig"][
        "overrides"
    ][0]["properties"].append({"id": "color", "value": {"mode": "rainbow"}}),
    'Every stanza: custom: must NOT have additional properties {"additionalProperty":"wide"}': lambda b: (
        _panel(b, "table")["fieldConfig"]["overrides"][0]["properties"].append(
            {"id": "custom.wide", "value": 80}
        )
    ),
    "Data at risk: options/legend/displayMode: must be equal to one": lambda b: _panel(b, "timeseries")[
        "options"
    ]["legend"].update(displayMode="below"),
    "Data at risk: custom/drawStyle: must be equal to one": lambda b: _custom(b, "timeseries").update(
        drawStyle="dots"
    ),
    "What was wrong when: options/mergeValues: must be boolean": lambda b: _panel(b, "state-timeline")[
        "options"
    ].update(mergeValues="no"),
}


@pytest.fixture(scope="module", params=VERSIONS)
def faults(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of all boards and of a broken one."""
    board = load(FOLDER / "pgbackrest-overview.json")
    for break_ in BREAKING.values():
        break_(board)
    broken = tmp_path_factory.mktemp("boards") / "broken.json"
    broken.write_text(json.dumps(board))
    return schema_faults(request.param, [*FILES, broken])


def test_grafanas_types_allow_every_board(faults: list[str]) -> None:
    assert [fault for fault in faults if not fault.startswith("broken.json")] == []


def test_grafanas_types_do_not_allow_what_it_does_not_know(faults: list[str]) -> None:
    assert [words for words in BREAKING if not any(f": {words}" in fault for fault in faults)] == [], faults
