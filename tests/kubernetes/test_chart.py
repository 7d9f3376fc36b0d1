"""The Helm chart says what deploy/kubernetes says, and its values are described. Helm itself: make kubernetes."""

import json
import re
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from exporter import __version__
from tests.kubernetes.manifests import (
    BASE,
    CASES,
    CHART,
    RENDERED,
    Document,
    digest,
    key,
    kustomized,
    meaning,
    ours,
    pods,
    rendered,
)  # fmt: skip
from tests.kubernetes.test_manifests import CLUSTER

SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())


@pytest.mark.parametrize("case", CASES)
def test_what_helm_rendered_is_of_this_chart(case: str) -> None:
    assert f"# {digest()}\n" in (RENDERED / f"{case}.yml").read_text(), "run make kubernetes UPDATE=1"


def test_the_chart_and_the_kustomization_ask_for_the_same() -> None:
    one, other = ({key(each): each for each in among} for among in (kustomized(BASE), rendered("default")))
    assert one.keys() == other.keys()
    for name in one.keys() - {("ConfigMap",)}:
        assert meaning(one[name]) == meaning(other[name]), name
    texts = [yaml.safe_load(each["ConfigMap",]["data"]["settings.yml"]) for each in (one, other)]
    assert {name: value or {} for name, value in texts[0].pop("stanzas").items()} == texts[1].pop("stanzas")
    assert texts[0] == texts[1]


def test_they_scrape_alike_and_mount_a_repository_alike() -> None:
    one, other = (
        {key(each): each for each in among} for among in (kustomized(CLUSTER), rendered("everything"))
    )
    for kind in ("ServiceMonitor", "PodMonitor"):
        theirs = meaning(other[kind,])
        theirs.pop("namespaceSelector", None)
        assert meaning(one[kind,]) == theirs
    for name in one.keys() & other.keys() & {each for each in one if each[0] == "CronJob"}:
        mounts = [repository(each[name]) for each in (one, other)]
        assert mounts[0] == mounts[1] != []


def repository(document: Document) -> list[Any]:
    (pod,) = pods([document])
    return [
        each
        for each in (*pod["spec"]["volumes"], *pod["spec"]["containers"][0]["volumeMounts"])
        if each["name"] == "repository"
    ]


def test_only_a_backup_may_write_the_repository() -> None:
    for container, _ in ours(rendered("everything")):
        (mount,) = (each for each in container["volumeMounts"] if each["name"] == "repository")
        assert mount.get("readOnly", False) is (container["name"] != "backup"), container["args"]


def test_a_name_has_room_for_what_kubernetes_adds() -> None:
    for case in CASES:
        for each in rendered(case):
            assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?", each["metadata"]["name"])


def test_the_chart_is_the_exporters_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


@pytest.mark.parametrize("case", CASES)
def test_the_schema_takes_what_the_cases_set(case: str) -> None:
    jsonschema.validate(yaml.safe_load((CHART / "ci" / f"{case}-values.yaml").read_text()), SCHEMA)


def test_the_schema_knows_every_value_and_no_other() -> None:
    jsonschema.validate(VALUES, SCHEMA)
    assert paths(VALUES) == described(SCHEMA) - {"global"}


def paths(values: dict[str, Any]) -> set[str]:
    """Return the values as far as the chart knows what is below them."""
    return {path for name, value in values.items() for path in below(name, value)}


def described(schema: dict[str, Any]) -> set[str]:
    return {path for name in schema["properties"] for path in below(name, properties(name))}


def below(name: str, value: Any) -> set[str]:
    return {f"{name}.{each}" for each in value} if properties(name) else {name}


def properties(name: str) -> dict[str, Any]:
    """Return what the schema knows of the inside of a value, which may stand among its definitions."""
    schema = SCHEMA["properties"][name]
    schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return dict(schema.get("properties", {}))


@pytest.mark.parametrize(
    "mistake",
    [
        {"stanza": "main"},
        {"stanzas": []},
        {"stanzas": ["a b"]},
        {"user": 0},
        {"backup": {"schedules": {"full": "sometimes"}}},
        {"backup": {"schedules": {"weekly": "5 1 * * 0"}}},
        {"records": {"storage": "1 GB"}},
        {"image": {"repository": "x", "pullPolicy": "Sometimes"}},
        {"networkPolicy": {"ports": [70000]}},
    ],
    ids=str,
)
def test_the_schema_refuses_a_mistake(mistake: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(mistake, SCHEMA)


def test_the_readme_has_every_value_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `([\w.]+)` \| (?:`(.*?)`)? *\|", (CHART / "README.md").read_text(), re.MULTILINE)
    )
    assert rows.keys() == paths(VALUES)
    for path, shown in rows.items():
        value: Any = VALUES
        for name in path.split("."):
            value = value[name]
        assert yaml.safe_load(shown or '""') == value, path
