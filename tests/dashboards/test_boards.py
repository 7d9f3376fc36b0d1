"""The boards: made anew they are the same, no rule finds fault, every rule can, and promtool reads every query."""

import copy
import json
import subprocess  # noqa: TID251 - promtool is a tool of the tests
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from dashboards.build.write import documents
from tests.dashboards import lint, own_rules
from tests.dashboards.boards import FILES, FOLDER, Json, expressions, load, panels
from tests.lab.program import find

RULES = (*lint.LINTER, *own_rules.OWN)
OVERVIEW = FOLDER / "pgbackrest-overview.json"


def test_generating_again_changes_nothing() -> None:
    assert {path.name: path.read_text() for path in FILES} == documents(), "run `python -m dashboards.build`"


def test_the_uids_are_those_that_links_name() -> None:
    assert {load(path)["uid"] for path in FILES} == {
        f"pgbackrest-{name}" for name in ("overview", "stanza", "wal", "recovery")
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_rule_finds_fault(path: Path, rule: lint.Rule) -> None:
    assert list(rule(load(path))) == []


def test_all_17_rules_of_the_linter_are_there() -> None:
    assert len(lint.LINTER) == 17


def _variable(board: Json, name: str) -> Json:
    return lint.variables(board)[name]


def _target(board: Json, **changed: object) -> None:
    board["panels"][0]["targets"][0].update(changed)


BREAKING: dict[lint.Rule, Callable[[Json], object]] = {
    lint.data_source_is_a_variable: lambda b: _variable(b, "datasource").update(label="Prometheus"),
    lint.job_is_a_variable: lambda b: _variable(b, "job").update(allValue=".*"),
    lint.instance_is_a_variable: lambda b: _variable(b, "instance").update(multi=False),
    lint.variables_ask_promql: lambda b: _variable(b, "stanza")["query"].update(query="up"),
    lint.variables_follow_the_time_range: lambda b: _variable(b, "repo").update(refresh=1),
    lint.panels_use_the_data_source: lambda b: b["panels"][0].update(datasource={"uid": "mine"}),
    lint.panels_are_described: lambda b: b["panels"][0].update(description="Broken."),
    lint.panels_have_units: lambda b: b["panels"][0]["fieldConfig"]["defaults"].pop("unit"),
    lint.panels_have_targets: lambda b: b["panels"][0].update(targets=[]),
    lint.queries_are_whole: lambda b: _target(b, expr="sum(up"),
    lint.no_log_queries: lambda b: _target(b, datasource={"type": "loki"}),
    lint.no_automatic_log_range: lambda b: _target(b, expr="rate({a='b'}[$__auto])"),
    lint.rates_use_the_rate_interval: lambda b: _target(b, expr='rate(a_total{job=~"$job"}[5m])'),
    lint.selectors_have_the_job: lambda b: _target(b, expr='up{instance=~"$instance"}'),
    lint.selectors_have_the_instance: lambda b: _target(b, expr='up{job=~"$job", instance="$instance"}'),
    lint.counters_are_rates: lambda b: _target(b, expr="sum(pgbackrest_runs_total{})"),
    lint.board_is_not_editable: lambda b: b.update(editable=True),
    own_rules.metrics_exist: lambda b: _target(b, expr="pgbackrest_stanza_status{}"),
    own_rules.labels_exist: lambda b: _target(b, expr='pgbackrest_stanza_ok{repo="1"}'),
    own_rules.variables_exist: lambda b: _target(b, expr='up{job=~"$jobs"}'),
    own_rules.ids_are_unique: lambda b: b["panels"][0].update(id=b["panels"][1]["id"]),
    own_rules.panels_do_not_overlap: lambda b: b["panels"][1]["gridPos"].update(x=0),
    own_rules.grafana_9_4_knows_it: lambda b: b["panels"][0].update(type="trend"),
    own_rules.a_screen_holds_it: lambda b: b["panels"].extend(copy.deepcopy(b["panels"])),
    own_rules.nothing_is_explained: lambda b: b["panels"][0]["fieldConfig"]["defaults"].update(
        noValue="No data"
    ),
    own_rules.text_stays_text: lambda b: b["panels"][6]["fieldConfig"]["defaults"].update(unit="none"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_finds_the_fault_that_it_is_for(rule: lint.Rule) -> None:
    board = load(OVERVIEW)
    BREAKING[rule](board)
    assert list(rule(board))


def test_promtool_reads_every_query(tmp_path: Path) -> None:
    """As rules: promtool of Prometheus 2.42 has no other way to look at a query without a server."""
    found = [
        {"record": f"q:{number}", "expr": _placed(expression)}
        for number, expression in enumerate(text for path in FILES for text in expressions(load(path)))
    ]
    rules = tmp_path / "rules.yml"
    rules.write_text(json.dumps({"groups": [{"name": "boards", "rules": found}]}))  # JSON is YAML
    promtool = find("promtool", "apt-get install prometheus")
    checked = subprocess.run(
        (promtool, "check", "rules", "--lint=none", str(rules)), text=True, capture_output=True, timeout=60
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def _placed(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m").replace("$__range", "1h")


def test_every_stanza_links_to_its_board() -> None:
    (table,) = (
        panel for panel in panels(load(OVERVIEW)) if panel["type"] == "table" and "stanza" in panel["title"]
    )
    assert "/d/pgbackrest-stanza?" in json.dumps(table["fieldConfig"]["overrides"])


def test_the_config_maps_hold_every_board_and_the_label_of_the_sidecar() -> None:
    document = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    files = {file for made in document["configMapGenerator"] for file in made["files"]}
    assert files == {path.name for path in FILES}
    for made in document["configMapGenerator"]:
        assert made["options"]["labels"] == {"grafana_dashboard": "1"}


def test_a_config_map_is_small_enough_for_kubectl_apply() -> None:
    """It writes the whole object into an annotation, and annotations end at 256 KiB."""
    assert all(path.stat().st_size < 240 * 1024 for path in FILES)
