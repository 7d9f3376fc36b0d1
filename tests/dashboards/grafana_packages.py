"""Grafana's own packages in node, of the oldest version that the boards are for and of the newest: see grafana/."""

import json
import shutil
import subprocess  # noqa: TID251 - node is a tool of the tests
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.dashboards.boards import Json

FOLDER = Path(__file__).parent / "grafana"
VERSIONS = ("9.4", "newest")

Columns = dict[str, list[Any]]


def _run(script: str, *arguments: str, given: str = "") -> str:
    node = shutil.which("node")
    assert node, "node is missing: tests/setup.sh test installs it"
    done = subprocess.run(
        (node, str(FOLDER / script), *arguments), input=given, text=True, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def schema_faults(version: str, boards: Sequence[Path]) -> list[str]:
    """What this version's types do not allow."""
    return _run("schema.mjs", version, *map(str, boards)).splitlines()


def transformed(version: str, panels: Sequence[tuple[Json, Mapping[str, list[Any]]]]) -> list[list[Columns]]:
    """The tables that each panel's transformations make of the answers to its queries, by refId."""
    given = [{"transformations": panel["transformations"], "answers": found} for panel, found in panels]
    tables: list[list[Columns]] = json.loads(_run("transform.mjs", version, given=json.dumps(given)))
    return tables
