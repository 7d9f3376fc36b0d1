"""Routes, inhibition, mute times and templates of alertmanager.yml, as amtool sees them."""

import json
import re
import subprocess  # noqa: TID251 - amtool is a tool of the tests
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.rules import ALERTS, PREFIX, alerts, names
from tests.lab.program import find

FILE = ALERTS / "alertmanager.yml"
CONFIG: dict[str, Any] = yaml.safe_load(FILE.read_text())


def amtool(*arguments: str) -> str:
    program = find("amtool", "apt-get install prometheus-alertmanager")
    done = subprocess.run((program, *arguments), text=True, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alertmanager_takes_it() -> None:
    assert "SUCCESS" in amtool("check-config", str(FILE))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("severity=critical", "pagerduty"),
        ("severity=critical alertname=PgbackrestBackupOverdue stanza=main", "pagerduty"),
        ("severity=warning", "slack"),
        ("severity=info", "slack-news"),
        ("alertname=PgbackrestWatchdog severity=none", "heartbeat"),
        ("alertname=PgbackrestWatchdog severity=critical", "heartbeat"),
        ("severity=Critical", "slack"),
        ("severity=page", "slack"),
        ("severity=none", "slack"),
        ("alertname=PgbackrestBackupOverdue", "slack"),
        ("severity=critical stanza=it's-ü-$x", "pagerduty"),
    ],
)
def test_who_is_told(labels: str, receiver: str) -> None:
    name = f"pgbackrest-{receiver}"
    amtool("config", "routes", "test", f"--config.file={FILE}", f"--verify.receivers={name}", *labels.split())


def test_every_rule_has_a_receiver_that_is_meant_for_it() -> None:
    meant = {"critical": "pagerduty", "warning": "slack", "info": "slack-news", "none": "heartbeat"}
    for alert, severity in {(rule["alert"], rule["labels"]["severity"]) for rule in alerts()}:
        test_who_is_told(f"alertname={alert} severity={severity}", meant[severity])


def test_only_warnings_are_ever_mute() -> None:
    route = CONFIG["route"]
    muted = [
        each
        for each in (route, *route["routes"])
        if {"mute_time_intervals", "active_time_intervals"} & each.keys()
    ]
    assert [each["matchers"] for each in muted] == [['severity="warning"']]


def test_no_secret_stands_in_the_file() -> None:
    keys = {
        key
        for receiver in CONFIG["receivers"]
        for kind in receiver.values()
        if isinstance(kind, list)
        for key in kind[0]
    }
    assert {"routing_key_file", "api_url_file"} <= keys
    assert not {"routing_key", "service_key", "api_url"} & keys


def test_inhibition_names_alerts_that_exist() -> None:
    """Matchers are anchored, so a name is either whole or made of a prefix and alternatives."""
    known = [PREFIX + name for name in names()]
    for rule in CONFIG["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            if matcher.startswith("alertname=~"):
                pattern = matcher.partition("~")[2].strip('"')
                inner = re.sub(r"^Pgbackrest[A-Za-z]*\((.*)\)$", r"\1", pattern)
                assert [name for name in known if re.fullmatch(pattern, name)], matcher
                assert pattern.endswith(".+") or all(
                    any(word in name for name in known) for word in inner.split("|")
                ), matcher


def rendered(template: str, data: dict[str, Any], tmp_path: Path) -> str:
    file = tmp_path / "data.json"
    file.write_text(json.dumps(data))
    text = f'{{{{ template "{template}" . }}}}'
    glob = f"--template.glob={ALERTS}/templates/*.tmpl"
    return amtool("template", "render", glob, f"--template.text={text}", f"--template.data={file}")


def group(*firing: dict[str, str], resolved: int = 0, severity: str | None = "warning") -> dict[str, Any]:
    labels = {"alertname": "PgbackrestBackupFailed", "stanza": "main"} | (
        {"severity": severity} if severity else {}
    )
    annotations = {
        "summary": "A run failed.",
        "description": "It failed & <so>.",
        "runbook_url": "https://r/x.md",
    }
    each = [{"status": "firing", "labels": labels | more, "annotations": annotations} for more in firing]
    each += [{"status": "resolved", "labels": labels, "annotations": annotations}] * resolved
    return {
        "status": "firing" if firing else "resolved",
        "receiver": "pgbackrest-slack",
        "groupLabels": {},
        "commonLabels": labels | (firing[0] if len(firing) == 1 else {}),
        "commonAnnotations": annotations,
        "externalURL": "http://alertmanager",
        "alerts": each,
    }


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (group({"repo": "1"}), "WARNING: A run failed. (main, repository 1)"),
        (group({"repo": "1"}, {"repo": "2"}), "WARNING: A run failed. (main) – 2 alerts"),
        (group({}, severity=None), "ALERT: A run failed. (main)"),
        (group(resolved=1), "RESOLVED: A run failed. (main)"),
    ],
)
def test_the_title_says_how_bad_what_and_where(data: dict[str, Any], title: str, tmp_path: Path) -> None:
    assert rendered("pgbackrest.title", data, tmp_path) == title
    assert rendered("pgbackrest.slack.title", data, tmp_path) == title


def test_a_title_without_annotations_names_the_alert(tmp_path: Path) -> None:
    data = group({"stanza": "a&b"}) | {"commonAnnotations": {}}
    assert rendered("pgbackrest.title", data, tmp_path) == "WARNING: PgbackrestBackupFailed (a&b)"
    assert rendered("pgbackrest.slack.title", data, tmp_path) == "WARNING: PgbackrestBackupFailed (a&amp;b)"


def test_the_text_has_a_line_for_each_alert(tmp_path: Path) -> None:
    data = group({"repo": "1"}, {"repo": "2"}, resolved=1)
    lines = ["It failed & <so>."] * 2 + ["No longer: A run failed. (main)"]
    assert rendered("pgbackrest.text", data, tmp_path).splitlines() == lines
    escaped = rendered("pgbackrest.slack.text", data, tmp_path).splitlines()
    assert escaped[:2] == ["It failed &amp; &lt;so&gt;."] * 2
    assert escaped[-1] == "<https://r/x.md|Runbook>"


@pytest.mark.parametrize(
    ("data", "color"),
    [
        (group({}), "warning"),
        (group({}, severity="critical"), "danger"),
        (group({}, severity="info"), "good"),
        (group({}, severity=None), "warning"),
        (group(resolved=1), "good"),
    ],
)
def test_the_color_tells_how_bad(data: dict[str, Any], color: str, tmp_path: Path) -> None:
    assert rendered("pgbackrest.color", data, tmp_path) == color
