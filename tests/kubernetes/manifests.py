"""What kubectl builds of deploy/kubernetes and Helm made of the chart: documents, their pods, and what they ask for."""

import hashlib
import re
import subprocess  # noqa: TID251 - kubectl is a program
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]

ROOT = Path(__file__).parents[2]
BASE = ROOT / "deploy" / "kubernetes"
CHART = ROOT / "deploy" / "helm" / "pgbackrest-exporter"
RENDERED = Path(__file__).parent / "rendered"
CASES = sorted(file.name.removesuffix("-values.yaml") for file in (CHART / "ci").iterdir())
OPERATORS = "monitoring.coreos.com/v1"
BOARDS = {file.name: file.read_text() for file in (ROOT / "dashboards").glob("*.json")}
# What kubectl adds to the name of a ConfigMap, so that new settings are a new pod.
_HASH = re.compile(r"^(pgbackrest-exporter(?:-sidecar)?)-[a-z0-9]{10}$")
# Where the two may differ: names and labels, by which each finds its own.
_OWN = frozenset({"metadata", "selector", "podSelector", "imagePullPolicy"})


def documents(text: str) -> list[Document]:
    # The loader in C: boards are long.
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def kustomized(folder: Path) -> list[Document]:
    kubectl = Path(sysconfig.get_path("scripts")) / "kubectl"
    done = subprocess.run((kubectl, "kustomize", folder), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return documents(done.stdout)


def rendered(case: str) -> list[Document]:
    return documents((RENDERED / f"{case}.yml").read_text())


def digest() -> str:
    """Return the sum of what is rendered: the links lead to the rules and the boards, which come as they are."""
    total = hashlib.sha256()
    for file in sorted(file for file in CHART.rglob("*") if file.is_file() and not file.is_symlink()):
        total.update(f"{file.relative_to(CHART)}\n".encode() + file.read_bytes())
    return total.hexdigest()


def of(kind: str, among: Iterable[Document]) -> list[Document]:
    return [document for document in among if document["kind"] == kind]


def only(kind: str, among: Iterable[Document]) -> Document:
    (found,) = of(kind, among)
    return found


def template(document: Document) -> Document | None:
    """Return the pod that a document makes, if it makes one."""
    spec: Document = document.get("spec", {})
    made: Document | None = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    return made


def pods(among: Iterable[Document]) -> Iterator[Document]:
    yield from filter(None, map(template, among))


def ours(among: Iterable[Document]) -> Iterator[tuple[Document, Document]]:
    """Give each container of ours with the pod that it is in."""
    for pod in pods(among):
        for container in pod["spec"]["containers"]:
            if "pgbackrest-exporter" in container["image"]:
                yield container, pod


def meaning(document: Document) -> Any:
    """Return what a document asks for, without what it and its parts are called."""
    return _meaning(document["spec"])


def _meaning(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _meaning(each) for key, each in value.items() if key not in _OWN}
    if isinstance(value, list):
        return [_meaning(each) for each in value]
    named = _HASH.match(value) if isinstance(value, str) else None
    return named[1] if named else value


def key(document: Document) -> tuple[str, ...]:
    """Return by what the same document is known in both: a kind, and the words of what its pod runs."""
    pod = template(document)
    return (document["kind"], *(pod["spec"]["containers"][0]["args"] if pod else ()))


def matches(selector: Document, labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()
