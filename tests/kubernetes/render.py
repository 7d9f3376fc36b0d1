"""Renders the chart with Helm: `python -m tests.kubernetes.render`, which make kubernetes UPDATE=1 calls.

The boards and the rules are left out of what is kept: they are the files of dashboards/ and alerts/, byte by byte.
"""

import subprocess  # noqa: TID251 - Helm is a program
from typing import Any

import yaml

from tests.kubernetes.manifests import BOARDS, CASES, CHART, RENDERED, Document, digest, documents

# The newest that the schemas know; Helm built by `go install` takes itself to be of 1.20.
KUBERNETES = "1.37"


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("helm", *words), capture_output=True, text=True, timeout=60)


def render(case: str) -> list[Document]:
    done = helm(
        "template", "pgbackrest-exporter", str(CHART), "--namespace=db", f"--kube-version={KUBERNETES}",
        f"--values={CHART}/ci/{case}-values.yaml",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def kept(document: Document) -> bool:
    return document["kind"] != "PrometheusRule" and not document.get("data", {}).keys() & BOARDS.keys()


def text(case: str) -> str:
    body: Any = yaml.safe_dump_all([each for each in render(case) if kept(each)], sort_keys=False, width=120)
    return f"# Written by make kubernetes UPDATE=1; the chart's sum is\n# {digest()}\n---\n{body}"


def main() -> None:
    RENDERED.mkdir(exist_ok=True)
    for file in RENDERED.iterdir():
        file.unlink()
    for case in CASES:
        (RENDERED / f"{case}.yml").write_text(text(case))


if __name__ == "__main__":
    main()
