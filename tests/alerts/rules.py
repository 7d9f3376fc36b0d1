"""The rules as they are checked in: read, cut down to one alert, and as a manifest for the Prometheus Operator.

`python -m tests.alerts.rules` writes the manifest anew.
"""

import copy
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ALERTS = Path(__file__).parents[2] / "alerts"
RULES = ALERTS / "pgbackrest.rules.yml"
MANIFEST = ALERTS / "pgbackrest.prometheusrule.yml"
PREFIX = "Pgbackrest"
HEAD = "# Written from pgbackrest.rules.yml by `python -m tests.alerts.rules`; change it there.\n"

Rule = dict[str, Any]


@cache
def _read() -> Any:
    return yaml.safe_load(RULES.read_text())


def load() -> dict[str, Any]:
    """The whole file; what an anchor repeats is an object of its own."""
    document: dict[str, Any] = copy.deepcopy(_read())
    return document


def rules() -> list[Rule]:
    return [rule for group in load()["groups"] for rule in group["rules"]]


def alerts() -> list[Rule]:
    return [rule for rule in rules() if "alert" in rule]


def names() -> list[str]:
    """The alerts, each once, without the prefix, in the order of the file."""
    return list(dict.fromkeys(rule["alert"].removeprefix(PREFIX) for rule in alerts()))


def of(alert: str) -> list[Rule]:
    """The rules of one alert."""
    return [rule for rule in alerts() if rule["alert"] == PREFIX + alert]


def cut_down(alert_rules: Iterable[Rule]) -> dict[str, Any]:
    """A rule file with these rules, and before them what is recorded for them."""
    recording = [rule for rule in rules() if "record" in rule]
    needed = list(alert_rules)
    used = [rule for rule in recording if any(rule["record"] in each["expr"] for each in needed)]
    return {"groups": [{"name": "pgbackrest.cut", "rules": [*used, *needed]}]}


class _Dumper(yaml.SafeDumper):
    """Nothing is abbreviated, and an expression keeps its lines."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def manifest(groups: Mapping[str, Any]) -> str:
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "pgbackrest", "labels": {"app.kubernetes.io/name": "pgbackrest-exporter"}},
        "spec": groups,
    }
    return HEAD + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=140, allow_unicode=True)


if __name__ == "__main__":
    MANIFEST.write_text(manifest(load()))
