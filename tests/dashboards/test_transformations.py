"""What the panels' transformations make of Prometheus' answers, in Grafana's own code: columns in order, and rows."""

import json
from collections.abc import Mapping

import pytest

from tests.dashboards.boards import FILES, HEALTH, Json, load, panels
from tests.dashboards.conftest import PAIR, STANZAS, Answers
from tests.dashboards.grafana_packages import VERSIONS, Columns, transformed

Panel = tuple[str, str]
Tables = Mapping[Panel, Columns]

# Of Grafana itself and in no package. Of the time that all rows share it makes one part: the same rows without it.
ELSEWHERE = "partitionByValues"
BY_TIME = {"id": ELSEWHERE, "options": {"fields": ["Time"], "naming": {"asLabels": False}}}
BAND = "state-timeline"
EXPECTED: Mapping[Panel, str] = {
    ("overview", "Every stanza"): (
        "Stanza, Verdict, Recoverable, Data at risk, at risk?, Newest backup, backup?, Newest full, full?, Window, "
        "window?, Restore time, restore?, Last proven, proven?, Last runs"
    ),
    ("overview", "Fullest repositories"): "Stanza, Repo, used?, Used",
    ("overview", "Failed runs"): "Stanza, Command, Type, Repo, Failed",
    ("recovery", "Where the newest tests spent their time"): "Stanza, Target, Phase, Took",
    ("recovery", "Checks of the newest tests"): "Stanza, Repo, Target, Check, Result",
    ("recovery", "Newest restore test of each stanza, repository and target"): (
        "Stanza, Repo, Target, Result, Run, Last proven, Took, Restored, WAL replayed, Recovered to, Backup, Type"
    ),
    ("stanza", "Every backup in the repositories"): "completed, backup_type, repo, Value #B",
    ("stanza", "Progress of what runs"): "Command, Repo, Done",
    ("stanza", "Newest run of each command"): "Command, Type, Repo, Newest, Succeeded, Failed",
    ("stanza", "Catalogue"): (
        "Backup, Type, Repo, Completed, Took, Database, Copied, Added, Pages, Builds on, WAL from, WAL to"
    ),
    ("health", "Collectors"): "Exporter, Collector, Stanza, Runs, Last reading, Worked last, Took",
    ("health", "Versions and settings"): "Exporter, Version, Settings",
}


def _transforming() -> dict[Panel, Json]:
    """Tables and the like; those of the exporters' health, the same on each board, once."""
    found: dict[Panel, Json] = {}
    for path in FILES:
        board = load(path)
        for panel in panels(board):
            if panel.get("transformations") and panel["type"] != BAND:
                name = "health" if panel["title"] in HEALTH else board["uid"].removeprefix("pgbackrest-")
                found[name, panel["title"]] = {**panel, "board": board["uid"]}
    return found


PANELS = _transforming()


@pytest.fixture(scope="module")
def tables(answers: dict[int, Answers]) -> dict[str, Tables]:
    """By version of Grafana, the table that each panel shows."""
    given = []
    for panel in PANELS.values():
        steps = [step for step in panel["transformations"] if step["id"] != ELSEWHERE]
        refs = [target["refId"] for target in panel["targets"]]
        found = {ref: answers[PAIR][panel["board"], panel["title"], ref] for ref in refs}
        given.append(({**panel, "transformations": steps}, found))
    made = {version: transformed(version, given) for version in VERSIONS}
    return {
        version: {name: found for name, (found,) in zip(PANELS, tables, strict=True)}
        for version, tables in made.items()
    }


def test_every_panel_that_transforms_is_looked_at() -> None:
    assert PANELS.keys() == EXPECTED.keys()


def test_only_the_last_step_of_the_timeline_is_in_no_package_and_what_hides_an_empty_head() -> None:
    elsewhere = {
        name: panel["transformations"].index(step) - len(panel["transformations"])
        for name, panel in PANELS.items()
        for step in panel["transformations"]
        if step["id"] == ELSEWHERE and step != BY_TIME
    }
    assert elsewhere == {("stanza", "Every backup in the repositories"): -1}


def test_a_table_of_several_queries_without_rows_has_no_head() -> None:
    for name, panel in PANELS.items():
        steps = panel["transformations"]
        merges = [number for number, step in enumerate(steps) if step["id"] == "merge"]
        assert len(merges) == (panel["type"] == "table" and len(panel["targets"]) > 1), name
        assert all(steps[number + 1] == BY_TIME for number in merges), name


@pytest.mark.parametrize("version", VERSIONS)
def test_a_band_without_series_has_nothing_to_draw_and_says_why(version: str) -> None:
    bands = [panel for path in FILES for panel in panels(load(path)) if panel["type"] == BAND]
    series = [{"metric": {"stanza": "orders"}, "value": [0, "1"]}]
    assert transformed(version, [(band, {"A": []}) for band in bands]) == [[] for _ in bands]
    assert all(len(found) == 1 for found in transformed(version, [(band, {"A": series}) for band in bands]))


@pytest.mark.parametrize("panel", EXPECTED, ids=lambda panel: panel[1])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_columns_are_those_that_people_read_in_their_order(
    tables: dict[str, Tables], version: str, panel: Panel
) -> None:
    assert ", ".join(tables[version][panel]) == EXPECTED[panel]


def test_the_oldest_and_the_newest_make_the_same(tables: dict[str, Tables]) -> None:
    assert tables["9.4"] == tables["newest"]


@pytest.mark.parametrize("panel", EXPECTED, ids=lambda panel: panel[1])
def test_every_override_by_name_meets_a_column(tables: dict[str, Tables], panel: Panel) -> None:
    named = {
        override["matcher"]["options"]
        for override in PANELS[panel]["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
    }
    assert named <= tables["newest"][panel].keys()


def test_the_worst_stanza_is_on_top_and_its_verdict_is_its_worst_sign(tables: dict[str, Tables]) -> None:
    table = tables["newest"]["overview", "Every stanza"]
    assert len(table["Stanza"]) == STANZAS
    assert table["Verdict"] == sorted(table["Verdict"], reverse=True)
    signs = [name for name in table if name.endswith("?") or name == "Recoverable"]
    for row, verdict in enumerate(table["Verdict"]):
        assert verdict == max(table[sign][row] for sign in signs if table[sign][row] is not None)
    never = table["Stanza"].index("search")
    assert table["Last proven"][never] is None, "no restore test: the cell says so"
    assert table["Verdict"][never] == 2, "and what is known still counts"


def test_the_catalogue_begins_with_the_newest_and_a_row_has_all_of_its_backup(
    tables: dict[str, Tables],
) -> None:
    table = tables["newest"]["stanza", "Catalogue"]
    assert table["Completed"] == sorted(table["Completed"], reverse=True)
    assert not any(value is None for column in table.values() for value in column)
    for backup, type_, before in zip(table["Backup"], table["Type"], table["Builds on"], strict=True):
        assert backup.endswith(type_[0].upper())
        assert bool(before) == (type_ != "full")


def test_the_timeline_is_in_the_order_of_time_and_has_no_hole(tables: dict[str, Tables]) -> None:
    table = tables["newest"]["stanza", "Every backup in the repositories"]
    assert table["completed"] == sorted(table["completed"])
    assert not any(value is None for column in table.values() for value in column)


def test_what_failed_comes_first(tables: dict[str, Tables]) -> None:
    runs = tables["newest"]["stanza", "Newest run of each command"]
    assert runs["Newest"] == sorted(runs["Newest"], reverse=True)
    assert (runs["Newest"][0], runs["Command"][0], runs["Type"][0]) == (1, "backup", "full")
    used = tables["newest"]["overview", "Fullest repositories"]
    assert used["Used"] == sorted(used["Used"], reverse=True)
    checks = tables["newest"]["recovery", "Checks of the newest tests"]
    assert checks["Result"] == sorted(checks["Result"])
    assert (checks["Stanza"][0], checks["Check"][0]) == ("warehouse", "amcheck")


def test_a_restore_test_that_was_never_proven_has_its_row(tables: dict[str, Tables]) -> None:
    table = tables["newest"]["recovery", "Newest restore test of each stanza, repository and target"]
    rows = {json.dumps(row) for row in zip(table["Stanza"], table["Repo"], table["Target"], strict=True)}
    assert len(rows) == len(table["Stanza"]), "one row each, whatever the result"
    assert dict(zip(table["Stanza"], table["Result"], strict=True))["warehouse"] == "not_proven"
