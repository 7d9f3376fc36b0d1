"""How the rules must be written, and that they name only what exists."""

import re
import subprocess  # noqa: TID251 - promtool is a tool of the tests
from typing import Any

import pytest
import yaml

from exporter.settings import SIGNALS
from tests.alerts.known import COUNTERS, FAMILIES, metrics_of
from tests.alerts.promtool import OWN
from tests.alerts.rules import PREFIX, RULES, alerts, load, names, rules
from tests.lab.program import find

PAIR = {"instance", "pod", "container", "endpoint"}
BOARDS = {"pgbackrest-overview", "pgbackrest-stanza", "pgbackrest-wal", "pgbackrest-recovery"}
# Of the exporter's target, of Prometheus and Alertmanager themselves.
FOREIGN = {"up", "prometheus_rule_evaluation_failures_total", "alertmanager_notifications_failed_total"}
FOREIGN_LABELS = {"alertname", "severity", "rule_group", "integration", "reason", "receiver_name"}
AS_IT_STANDS = (
    "pgbackrest_wal_archive_lag",
    "pgbackrest_wal_archive_failing",
    "pgbackrest_wal_archive_enabled",
    "pgbackrest_wal_archive_ready",
    "pgbackrest_patroni_has_leader",
)

MINUTES = {"m": 1, "h": 60, "d": 24 * 60}
SCRAPE_MINUTES = 2  # README.md: scrape at least every two minutes
KEPT_MINUTES = 15 * 24 * 60  # Prometheus' own default
EVERY = pytest.mark.parametrize(
    "rule", rules(), ids=lambda rule: rule.get("record") or f"{rule['alert']}-{rule['labels']['severity']}"
)
EACH = pytest.mark.parametrize(
    "rule", alerts(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}"
)


def outermost(expr: str) -> str:
    """Its last step, and the one before where that only makes one alert of several exporters'."""
    expr = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", expr.strip())
    if found := re.match(r"(?:max|min) without \([^)]*\) \((.*)\)$", expr, re.DOTALL):
        inner = outermost_of(found[1])
        if inner.count("(") == inner.count(")"):
            return inner
    return outermost_of(expr)


def outermost_of(expr: str) -> str:
    while re.search(r"\([^()]*\)", expr):
        expr = re.sub(r"\([^()]*\)", "", expr)
    return expr


def spelled_out(rule: dict[str, Any]) -> str:
    """Its expression, with what is recorded in place of the name of the record."""
    expr: str = rule["expr"]
    for each in rules():
        if "record" in each:
            expr = expr.replace(each["record"], f"({each['expr']})")
    return expr


@EACH
def test_a_rule_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith(PREFIX)
    assert rule["labels"].keys() == {"severity", "component"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info", "none"}
    assert rule["labels"]["component"] == "pgbackrest"
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert "{{" not in notes["summary"], "a summary is one constant sentence"
    assert notes["summary"].endswith(".")
    assert notes["description"].endswith(".")
    assert notes["runbook_url"].endswith(f"/{rule['alert']}.md")
    assert re.split(r"[/?]", notes["dashboard_url"])[4] in BOARDS


@EACH
def test_a_rule_compares(rule: dict[str, Any]) -> None:
    assert re.search(r"==|!=|>|<|\bunless\b", outermost(rule["expr"]))


@EACH
def test_nothing_is_fragile(rule: dict[str, Any]) -> None:
    """What one aggregation gives is not reckoned with another's, and no alert depends on the order of series."""
    aggregation = r"(?:max|min|sum|avg|count) without \([^)]*\) \("
    assert not re.search(
        rf"(?<!time\(\))(?<=\))\s*[-+*/]\s+(?:ignoring \([^)]*\)\s+)?{aggregation}", rule["expr"]
    )
    assert not re.search(
        r"\b(topk|bottomk|limitk|group_right|label_replace|label_join|offset -)\b", rule["expr"]
    )


@EACH
def test_pairs_of_exporters_make_one_alert(rule: dict[str, Any]) -> None:
    """Whatever is aggregated or ignored, it is the exporter and not the database that is left out."""
    for labels in re.findall(r"(?:max|min|sum|avg|count) without \(([^)]*)\)", rule["expr"]):
        listed = set(labels.split(", "))
        assert listed >= PAIR or not listed & PAIR
    assert re.search(r"\bby \(|\bon \(", rule["expr"]) is None, "other people's labels must survive"


@EACH
def test_a_missed_scrape_is_bridged(rule: dict[str, Any]) -> None:
    for found in re.finditer(r"(\w*\()?(pgbackrest_[a-z_]+)(\{[^}]*\})?(\[\w+\])?", rule["expr"]):
        name, window = found[2], found[4]
        if name.startswith(AS_IT_STANDS) and "pgbackrest_postgresql_timeline" not in rule["expr"]:
            assert rule.get("keep_firing_for") == "5m"
            assert window is None
        elif name == "pgbackrest_threshold_seconds" and AS_IT_STANDS[0] in rule["expr"]:
            assert window is None, "it comes by the same scrape as the lag, or not at all"
        elif not found[0].endswith("(") and f":{name}" not in rule["expr"]:
            assert window is not None, f"{name} needs a look-back"


@EVERY
def test_all_look_back_alike(rule: dict[str, Any]) -> None:
    longer = {"PgbackrestStanzaUnwatched": {"3d", "5m"}, "PgbackrestWalDropped": {"15m", "1d"}}
    windows = set(re.findall(r"last_over_time\([^\[]*\[(\w+)\]", rule["expr"]))
    assert windows <= longer.get(rule.get("alert", ""), {"15m"})


@EVERY
def test_ranges_are_within_what_prometheus_keeps(rule: dict[str, Any]) -> None:
    for number, unit in re.findall(r"\[(\d+)([mhd])\]", rule["expr"]):
        reach = int(number) * MINUTES[unit]
        assert SCRAPE_MINUTES * 2 < reach < KEPT_MINUTES
    for number, unit in re.findall(r" offset (\d+)([mhd])", rule["expr"]):
        assert int(number) * MINUTES[unit] + 24 * 60 < KEPT_MINUTES
    for window in re.findall(r"(?:rate|increase|changes)\([^\[]*\[(\w+)\]", rule["expr"]):
        assert window != rule.get("for"), "what lasts no longer than its window never fires"


@EVERY
def test_counters_increase_and_nothing_else(rule: dict[str, Any]) -> None:
    increasing = re.findall(r"(?:rate|increase)\((\w+)(?:\{[^}]*\})?\[(\d+)([mh])\]", rule["expr"])
    for name, number, unit in increasing:
        assert name in COUNTERS | FOREIGN
        assert name.endswith("_total")
        assert int(number) * MINUTES[unit] >= 4 * SCRAPE_MINUTES, "of two samples alone nothing can be told"
    raw = set(re.findall(r"\b(\w+_total)\b", rule["expr"])) - {name for name, *_ in increasing}
    assert not raw


@EACH
def test_absence_is_believed_after_several_scrapes(rule: dict[str, Any]) -> None:
    if "absent" in rule["expr"]:
        number, unit = rule["for"][:-1], rule["for"][-1]
        assert int(number) * MINUTES[unit] > 2 * SCRAPE_MINUTES


@EVERY
def test_a_regular_expression_is_one(rule: dict[str, Any]) -> None:
    for pattern in re.findall(r'(?:=~|!~)"([^"]*)"', rule["expr"]):
        assert re.search(r"[.*+|\[]", pattern), "= would do"
        assert re.compile(pattern)
        assert not pattern.startswith("^"), "they are anchored by themselves"


@EACH
def test_what_is_told_is_a_number_for_people(rule: dict[str, Any]) -> None:
    """Labels are constant, else each value would be an alert of its own; only what is counted is told as it is."""
    assert all("{{" not in value for value in rule["labels"].values())
    notes = rule["annotations"]
    assert set(re.findall(r"\{\{ \$value( \| \w+)? \}\}", notes["description"])) <= {
        "",
        " | humanize",
        " | humanizeDuration",
        " | humanizePercentage",
        " | humanizeTimestamp",
    }
    assert "query " not in notes["description"], "no words depend on another query"


@EACH
def test_a_label_that_is_told_survives(rule: dict[str, Any]) -> None:
    """None is left out by the aggregation that makes one alert of several series, nor absent from the first metric."""
    expr = spelled_out(rule)
    lost = set()
    if found := re.match(r"(?:time\(\) - )?(?:max|min|count) without \(([^)]*)\)", expr):
        lost = set(found[1].split(", "))
    told = rule["annotations"]["description"]
    optional = set(re.findall(r"\{\{ with \$labels\.(\w+) \}\}", told))
    for label in set(re.findall(r"\{\{ \$labels\.(\w+)", told)) | optional:
        assert label not in lost
        first = next(iter(re.findall(r"\bpgbackrest_[a-z_]+(?=[{\[)])", expr)), None)
        if first in FAMILIES and label not in {"job", "instance"}:
            assert label in FAMILIES[first] or (label in optional and " or" in expr)


def test_promtool_finds_nothing_to_blame() -> None:
    promtool = find("promtool", "apt-get install prometheus")
    argv = (promtool, "check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    done = subprocess.run(argv, text=True, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_recorded_is_named_by_level_metric_and_operation() -> None:
    for rule in rules():
        assert "alert" in rule or re.fullmatch(r"stanza:pgbackrest_[a-z_]+:(max|min)", rule["record"])


@EACH
def test_an_alert_has_patience_unless_its_fact_is_final(rule: dict[str, Any]) -> None:
    final = {
        "WalDropped",
        "RestoreTestFailed",
        "RestoreTestPolluted",
        "RestoreTestNotTried",
        "RestoreTestPassed",
        "Watchdog",
        "RuleFailures",
        "NotificationsFailing",
    }
    assert "for" in rule or rule["alert"].removeprefix(PREFIX) in final
    for key in rule.keys() & {"for", "keep_firing_for"}:
        assert re.fullmatch(r"[1-9]\d*[mhd]", rule[key]), (
            "nothing, or a time that is read the same everywhere"
        )


def test_groups_have_names_of_their_own_and_nothing_that_an_old_prometheus_refuses() -> None:
    groups = load()["groups"]
    assert len({group["name"] for group in groups}) == len(groups)
    assert all(group.keys() == {"name", "rules"} for group in groups)


def test_both_tiers_of_an_alert_tell_the_same_place() -> None:
    for name in names():
        boards = {rule["annotations"]["dashboard_url"] for rule in alerts() if rule["alert"] == PREFIX + name}
        assert len(boards) == 1, name


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule.get("alert", rule.get("record"))))
def test_a_rule_names_only_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    assert metrics_of(rule["expr"]) <= FAMILIES.keys()
    for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", rule["expr"]):
        if name in FAMILIES:
            assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)", matchers)) <= FAMILIES[name]
    known = {"job", *OWN}.union(*(FAMILIES[name] for name in metrics_of(spelled_out(rule)))) | FOREIGN_LABELS
    recorded = {"stanza"}
    for labels in re.findall(r"(?:without|ignoring) \(([^)]*)\)", rule["expr"]):
        assert set(filter(None, labels.split(", "))) <= known | recorded
    told = set(re.findall(r"\$labels\.(\w+)", str(rule.get("annotations", ""))))
    assert told <= known | recorded


def test_every_threshold_is_somebodys() -> None:
    used = set()
    for rule in alerts():
        for words in re.findall(r'signal=~?"([^"]*)"', rule["expr"]):
            used |= {(word, rule["labels"]["severity"]) for word in words.split("|")}
    every = {(signal.name, severity) for signal in SIGNALS for severity in ("warning", "critical")}
    assert every - used == {("restore_test", "critical"), ("recovery_time", "critical")}, "these never page"
    assert used <= every


def test_the_number_of_thresholds_is_the_one_that_the_rule_expects() -> None:
    (rule,) = (rule for rule in alerts() if rule["alert"] == f"{PREFIX}ThresholdsMissing")
    kinds = [("seconds", "stanza"), ("seconds", "repo"), ("ratio", "repo")]
    counted = [2 * sum((signal.unit, signal.scope) == kind for signal in SIGNALS) for kind in kinds]
    assert [int(number) for number in re.findall(r">= (\d+)", rule["expr"])] == counted


def test_the_rules_are_yaml_that_is_read_the_same_everywhere() -> None:
    assert "\t" not in RULES.read_text()
    assert yaml.safe_load(RULES.read_text()).keys() == {"groups"}
