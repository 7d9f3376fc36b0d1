"""What an alert says when it fires, for a stanza with an odd name: nothing is blank, and nothing is cut or escaped."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.alerts import promtool
from tests.alerts.cases import CASES
from tests.alerts.rules import PREFIX, cut_down, names, of

ODD = 'it\'s-"ü"-$1-{{.}}-\\n-%20'
_FIRING = re.compile(r"Labels:(\{.*\})\n\s+Annotations:(\{.*\})")
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')


def renamed(test: dict[str, Any]) -> dict[str, Any]:
    series = [
        one
        | {"series": one["series"].replace('stanza="main"', f"stanza={json.dumps(ODD, ensure_ascii=False)}")}
        for one in test["input_series"]
    ]
    return test | {"input_series": series}


def fired(tmp_path: Path, alert: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Labels and annotations of all that fires when most of its tiers do: promtool prints what it did not expect."""
    (case,) = (case for case in CASES if case.alert == alert and not case.name)
    (test,) = promtool.whole([case])
    asked = {"eval_time": f"{promtool.peak(case)}m", "alertname": PREFIX + alert, "exp_alerts": []}
    file, rules = tmp_path / "words.yml", tmp_path / "rules.yml"
    rules.write_text(json.dumps(cut_down(of(alert))))
    promtool.write(file, rules, [renamed(test) | {"promql_expr_test": [], "alert_rule_test": [asked]}])
    words = promtool.run([file])[file]
    return [(_pairs(labels), _pairs(notes)) for labels, notes in _FIRING.findall(words)]


def _pairs(text: str) -> dict[str, str]:
    return {key: json.loads(value.replace("\\'", "'")) for key, value in _PAIR.findall(text)}


@pytest.mark.parametrize("alert", [name for name in names() if name != "Watchdog"])
def test_an_alert_names_the_stanza_as_it_is_and_leaves_nothing_blank(tmp_path: Path, alert: str) -> None:
    templates = {rule["labels"]["severity"]: rule["annotations"] for rule in of(alert)}
    firing = fired(tmp_path, alert)
    assert firing
    for labels, notes in firing:
        template = templates[labels["severity"]]
        assert notes.keys() == template.keys()
        for text in notes.values():
            assert not re.search(r"<no value>|<error|NaN|Inf|%!|  ", text), text
        for name in re.findall(r"\{\{ \$labels\.(\w+)", template["description"]):
            assert labels[name] in notes["description"]
            assert labels[name]
            assert name != "stanza" or labels[name] == ODD
        if "urlquery" in template["dashboard_url"]:
            assert notes["dashboard_url"].endswith(f"?var-stanza={quote(ODD, safe='')}")
