"""Helm takes the chart and makes of it what is kept in rendered/; the Prometheus Operator knows every word for it."""

import os
import re
import subprocess  # noqa: TID251 - Helm is a program
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from tests.alerts.rules import load
from tests.kubernetes.manifests import (
    BOARDS,
    CASES,
    CHART,
    OPERATORS,
    RENDERED,
    Document,
    kustomized,
    of,
    only,
)  # fmt: skip
from tests.kubernetes.render import helm, render, text
from tests.kubernetes.test_manifests import CLUSTER

CRDS = Path(os.environ["PROMETHEUS_OPERATOR"]) / "example" / "prometheus-operator-crd"


@pytest.mark.parametrize("case", CASES)
def test_helm_has_no_complaint(case: str) -> None:
    done = helm("lint", "--strict", str(CHART), f"--values={CHART}/ci/{case}-values.yaml")
    assert (done.returncode, done.stdout.count("[WARNING]"), done.stdout.count("[ERROR]")) == (0, 0, 0), (
        done.stdout
    )


@pytest.mark.parametrize("case", CASES)
def test_what_is_kept_is_what_helm_makes(case: str) -> None:
    assert (RENDERED / f"{case}.yml").read_text() == text(case), "run make kubernetes UPDATE=1"


def test_the_boards_and_the_rules_come_unchanged() -> None:
    manifests = render("everything")
    boards = {name: board for each in of("ConfigMap", manifests) for name, board in each["data"].items()}
    assert {name: boards[name] for name in BOARDS} == BOARDS
    rules = yaml.safe_dump(load()).replace(
        "https://runbooks.example.com", "https://wiki.example.com/pgbackrest"
    )
    assert only("PrometheusRule", manifests)["spec"] == yaml.safe_load(rules)


@pytest.mark.parametrize("mistake", ["stanza=main", "user=0", "backup.schedules.full=sometimes"])
def test_a_wrong_value_is_refused(mistake: str) -> None:
    done = helm("template", str(CHART), "--kube-version=1.37", f"--set={mistake}")
    assert done.returncode != 0
    assert mistake.partition("=")[0].partition(".")[0] in done.stderr


def test_other_names_do_not_meet() -> None:
    names: set[tuple[str, str]] = set()
    for release in ("pgbackrest-exporter", "shop"):
        done: subprocess.CompletedProcess[str] = helm("template", release, str(CHART), "--kube-version=1.37")
        documents = [each for each in yaml.safe_load_all(done.stdout) if each]
        found = {(each["kind"], each["metadata"]["name"]) for each in documents}
        assert len(found) == len(documents)
        assert not names & found
        names |= found


@pytest.mark.parametrize("manifests", [render("everything"), kustomized(CLUSTER)], ids=["chart", "kustomize"])
def test_the_operator_knows_every_word(manifests: list[Document]) -> None:
    found = [each for each in manifests if each["apiVersion"] == OPERATORS]
    assert {each["kind"] for each in found} == {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    for each in found:
        jsonschema.validate(each, definition(each["kind"]))


def test_a_word_that_the_operator_does_not_know_is_found() -> None:
    monitor = only("ServiceMonitor", render("everything"))
    monitor["spec"]["endpoints"][0]["intervall"] = "1m"
    with pytest.raises(jsonschema.ValidationError, match="intervall"):
        jsonschema.validate(monitor, definition("ServiceMonitor"))


def definition(kind: str) -> dict[str, Any]:
    file = CRDS / f"{OPERATORS.partition('/')[0]}_{kind.lower()}s.yaml"
    (version,) = yaml.load(file.read_text(), yaml.CSafeLoader)["spec"]["versions"]
    schema: dict[str, Any] = strict(version["schema"]["openAPIV3Schema"])
    # Of metadata a definition says no more than that it is there.
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def strict(schema: Any) -> Any:
    """Refuse what is not described, which the API server would drop silently."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(value) for name, value in schema.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    if isinstance(made.get("pattern"), str):
        # Go's expressions may say in their middle that letters count alike.
        made["pattern"] = re.sub(r"^(.*)\(\?i\)", r"(?i)\1", made["pattern"])
    return made
