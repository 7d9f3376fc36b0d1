"""Prometheus' own judge of configurations, rules and queries."""

import subprocess  # noqa: TID251 - promtool is a tool of the tests

from tests.lab.program import find


def promtool(*arguments: str) -> None:
    """Fail with its words where it finds a mistake."""
    program = find("promtool", "apt-get install prometheus")
    checked = subprocess.run((program, *arguments), text=True, capture_output=True, timeout=30)
    assert checked.returncode == 0, checked.stdout + checked.stderr
