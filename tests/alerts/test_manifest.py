"""The manifest for the Prometheus Operator is what stands in the rules."""

import yaml

from tests.alerts.rules import MANIFEST, load, manifest


def test_writing_it_again_changes_nothing() -> None:
    assert MANIFEST.read_text() == manifest(load())


def test_it_holds_the_same_groups() -> None:
    document = yaml.safe_load(MANIFEST.read_text())
    assert (document["apiVersion"], document["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert document["spec"] == load()
