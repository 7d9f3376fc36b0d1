"""The manifests are what Kubernetes takes, shut in, and call the command line as it is."""

import os
import re
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from exporter import __version__
from exporter.commands import backup, restore_test
from exporter.commands.serve import _parser
from exporter.settings import Settings
from exporter.settings.file import load
from tests.kubernetes.manifests import (
    BASE,
    BOARDS,
    CASES,
    OPERATORS,
    ROOT,
    Document,
    kustomized,
    matches,
    of,
    only,
    ours,
    pods,
    rendered,
)  # fmt: skip

CLUSTER = Path(__file__).parent / "cluster"
SETTINGS = Path("/etc/pgbackrest-exporter/settings.yml")
# The oldest and the newest whose schemas there are.
VERSIONS = ("1.25", "1.37")
ALL = {
    "base": kustomized(BASE),
    "cluster": kustomized(CLUSTER),
    **{f"chart: {case}": rendered(case) for case in CASES},
}
everywhere = pytest.mark.parametrize("manifests", ALL.values(), ids=ALL.keys())


@pytest.mark.parametrize("version", VERSIONS)
@everywhere
def test_kubernetes_knows_every_word(manifests: list[Document], version: str) -> None:
    for document in manifests:
        if document["apiVersion"] != OPERATORS:
            kubernetes_validate.validate(document, version, strict=True)


def test_a_word_that_kubernetes_does_not_know_is_found() -> None:
    document = only("Deployment", kustomized(BASE))
    document["spec"]["replicaz"] = 2
    with pytest.raises(kubernetes_validate.ValidationError, match="replicaz"):
        kubernetes_validate.validate(document, VERSIONS[1], strict=True)


@everywhere
def test_every_container_of_ours_is_shut_in(manifests: list[Document]) -> None:
    found = list(ours(manifests))
    assert found
    for container, pod in found:
        within = pod["spec"].get("securityContext", {}) | container["securityContext"]
        assert (within["runAsNonRoot"], within["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
        assert (within["readOnlyRootFilesystem"], within["allowPrivilegeEscalation"]) == (True, False)
        assert within["capabilities"] == {"drop": ["ALL"]}
        assert within["runAsUser"] > 0
        assert container["resources"]["limits"].keys() == {"memory"}, "a limit of the processor only slows it"
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}


@everywhere
def test_a_token_of_the_cluster_is_mounted_only_where_an_account_is_named(manifests: list[Document]) -> None:
    for container, pod in ours(manifests):
        if container["name"] != "exporter" or pod["spec"]["containers"] == [container]:
            named = "serviceAccountName" in pod["spec"]
            assert pod["spec"]["automountServiceAccountToken"] is named


@everywhere
def test_what_is_mounted_is_there_and_what_is_there_is_mounted(manifests: list[Document]) -> None:
    for pod in pods(manifests):
        mounted = {
            each["name"] for container in pod["spec"]["containers"] for each in container["volumeMounts"]
        }
        assert mounted - {"data"} == {each["name"] for each in pod["spec"]["volumes"]}


@everywhere
def test_they_call_the_command_line_as_it_is(manifests: list[Document]) -> None:
    for container, _ in ours(manifests):
        words = container["args"]
        if container["name"] == "exporter":
            assert _parser().parse_args(words).config_file == SETTINGS
        else:
            assert words[0] == container["name"]
            parser = {"backup": backup, "restore-test": restore_test}[words[0]]._parser()
            assert parser.parse_args(words[1:]).stanza


@everywhere
def test_the_settings_are_the_exporters(manifests: list[Document], tmp_path: Path) -> None:
    found = [
        each["data"]["settings.yml"] for each in of("ConfigMap", manifests) if "settings.yml" in each["data"]
    ]
    assert found
    for text in found:
        (tmp_path / "settings.yml").write_text(text)
        settings = load(tmp_path / "settings.yml")
        assert isinstance(settings, Settings)
        assert "main" in settings.stanzas


@everywhere
def test_the_probes_ask_what_the_exporter_answers(manifests: list[Document]) -> None:
    for container, _ in ours(manifests):
        if container["name"] == "exporter":
            assert [each["name"] for each in container["ports"]] == ["pgbackrest"]
            assert container["livenessProbe"]["httpGet"]["path"] == "/-/healthy"
            assert container.get("readinessProbe", {}).get("httpGet", {}).get("path") in {"/-/ready", None}
            assert container["livenessProbe"]["httpGet"]["port"] == "pgbackrest"


@everywhere
def test_what_selects_finds(manifests: list[Document]) -> None:
    deployment = only("Deployment", manifests)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    service = only("Service", manifests)
    assert matches(deployment["spec"]["selector"]["matchLabels"], labels)
    assert matches(service["spec"]["selector"], labels)
    jobs = [pod["metadata"]["labels"] for pod in pods(of("CronJob", manifests))]
    assert not [each for each in jobs if matches(service["spec"]["selector"], each)], "a job serves nothing"
    for policy in of("NetworkPolicy", manifests):
        assert all(matches(policy["spec"]["podSelector"]["matchLabels"], each) for each in [labels, *jobs])
    for monitor in of("ServiceMonitor", manifests):
        assert matches(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])


@everywhere
def test_a_claim_is_made_or_named_by_the_user(manifests: list[Document]) -> None:
    made = {each["metadata"]["name"] for each in of("PersistentVolumeClaim", manifests)}
    for pod in pods(manifests):
        claims = [each.get("persistentVolumeClaim", {}) for each in pod["spec"]["volumes"]]
        named = {each["claimName"] for each in claims if each}
        assert named <= made | {"pgbackrest-repository", "pgbackrest-records"}


def test_the_sidecar_is_in_the_database_and_prometheus_finds_it() -> None:
    manifests = ALL["cluster"]
    pod = only("StatefulSet", manifests)["spec"]["template"]
    assert [each["name"] for each in pod["spec"]["containers"]] == ["exporter", "postgresql"]
    assert matches(
        only("PodMonitor", manifests)["spec"]["selector"]["matchLabels"], pod["metadata"]["labels"]
    )
    sidecar, _ = pod["spec"]["containers"]
    alone = only("Deployment", manifests)["spec"]["template"]["spec"]["containers"][0]
    for same in ("image", "args", "ports", "livenessProbe", "resources"):
        assert sidecar[same] == alone[same], same


def test_a_cluster_has_the_rules_and_the_boards() -> None:
    manifests = ALL["cluster"]
    assert len(only("PrometheusRule", manifests)["spec"]["groups"]) > 1
    boards = {name: text for each in of("ConfigMap", manifests) for name, text in each["data"].items()}
    assert {name: boards[name] for name in BOARDS} == BOARDS


def test_the_image_has_the_version_of_the_exporter() -> None:
    assert {container["image"].partition(":")[2] for container, _ in ours(ALL["base"])} == {__version__}


def test_the_kustomization_that_the_guide_shows_is_built(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "install.md").read_text()
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    checkout = os.path.relpath(ROOT, tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(
        shown.replace(" pgbackrest-exporter/", f" {checkout}/").replace("# - ", "- ")
    )
    manifests = kustomized(tmp_path)
    assert {each["kind"] for each in manifests} >= {
        "Deployment",
        "CronJob",
        "ServiceMonitor",
        "PrometheusRule",
    }
    assert all(container["image"].startswith("registry.example.com/") for container, _ in ours(manifests))
    assert "500Gi" in {
        each["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"]
        for pod in pods(manifests)
        for each in pod["spec"]["volumes"]
        if "ephemeral" in each
    }
