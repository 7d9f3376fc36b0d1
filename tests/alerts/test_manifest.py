"""The manifest for the Prometheus Operator is what stands in the rules, and the operator's definition takes it."""

import re

import pytest
import yaml

from tests.alerts.rules import MANIFEST, load, manifest

# What the CustomResourceDefinition prometheusrules.monitoring.coreos.com (operator 0.82) says of each field. It drops
# what it does not know, so a misspelt key would be lost without a word.
_DURATION = r"^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
_GROUP = {"name": r"^.+$", "interval": _DURATION, "rules": None}
_RULE = {
    "alert": r"^.+$",
    "record": r"^.+$",
    "expr": r"(?s)^.+$",
    "for": _DURATION,
    "keep_firing_for": r"^(?=.)" + _DURATION[1:],
    "labels": None,
    "annotations": None,
}
DOCUMENT = yaml.safe_load(MANIFEST.read_text())
RULES = [rule for group in DOCUMENT["spec"]["groups"] for rule in group["rules"]]


def test_writing_it_again_changes_nothing() -> None:
    assert MANIFEST.read_text() == manifest(load())


def test_it_holds_the_same_groups() -> None:
    assert (DOCUMENT["apiVersion"], DOCUMENT["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert DOCUMENT["spec"] == load()


def test_kubernetes_takes_its_names_and_labels() -> None:
    metadata = DOCUMENT["metadata"]
    assert metadata.keys() == {"name", "labels"}, "where it goes is said by kubectl"
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", metadata["name"])
    for key, value in metadata["labels"].items():
        assert re.fullmatch(r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", key)
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", value)
        assert len(value) <= 63


@pytest.mark.parametrize("group", DOCUMENT["spec"]["groups"], ids=lambda group: str(group["name"]))
def test_the_operators_definition_knows_every_field_of_a_group(group: dict[str, object]) -> None:
    fits(group, _GROUP)


def test_groups_have_different_names() -> None:
    names = [group["name"] for group in DOCUMENT["spec"]["groups"]]
    assert len(set(names)) == len(names), "the definition makes a map of them"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.get("alert") or rule["record"]))
def test_the_operators_definition_knows_every_field_of_a_rule(rule: dict[str, object]) -> None:
    fits(rule, _RULE)
    assert "expr" in rule
    assert ("alert" in rule) != ("record" in rule)
    for texts in (rule.get("labels", {}), rule.get("annotations", {})):
        assert isinstance(texts, dict)
        assert all(isinstance(text, str) for text in texts.values())


def fits(item: dict[str, object], definition: dict[str, str | None]) -> None:
    assert item.keys() <= definition.keys()
    for key, pattern in definition.items():
        if pattern and key in item:
            assert isinstance(item[key], str), key
            assert re.match(pattern, str(item[key])), f"{key}: {item[key]}"
