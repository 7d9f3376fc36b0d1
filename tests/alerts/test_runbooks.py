"""A runbook for each alert, a line of the sheet for each, and both name only what exists."""

import re

import pytest

from tests.alerts.known import FAMILIES, metrics_of
from tests.alerts.rules import ALERTS, PREFIX, alerts, names

RUNBOOKS = ALERTS / "runbooks"


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*.md")} == {PREFIX + name for name in names()}


@pytest.mark.parametrize("name", names())
def test_a_runbook_says_what_it_means_and_how_to_confirm_mend_and_prevent_it(name: str) -> None:
    text = (RUNBOOKS / f"{PREFIX}{name}.md").read_text()
    title, *headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert title == PREFIX + name
    assert headings == ["Confirm", "Mend", "Prevent", "When it is false"]
    assert re.findall(r"^ {4}\S", text, re.MULTILINE), "commands to confirm it"
    assert metrics_of(re.sub(r"grep -E .*", "", text)) <= FAMILIES.keys()
    for link in re.findall(r"\]\(([^)]*)\)", text):
        assert (RUNBOOKS / link).exists()


@pytest.mark.parametrize("name", names())
def test_the_patterns_of_a_runbook_find_metrics(name: str) -> None:
    text = (RUNBOOKS / f"{PREFIX}{name}.md").read_text()
    for pattern in re.findall(r"/metrics \| grep -E '([^']*)'", text):
        if "alertmanager_" not in pattern:
            assert [family for family in FAMILIES if re.match(pattern, family)], pattern


def test_the_sheet_has_a_line_for_each_alert() -> None:
    sheet = (ALERTS / "README.md").read_text()
    assert set(re.findall(r"\[(\w+)\]\(runbooks/\w+\.md\)", sheet)) == set(names())


def test_the_sheet_says_after_how_long() -> None:
    sheet = (ALERTS / "README.md").read_text()
    for rule in alerts():
        name, severity = rule["alert"].removeprefix(PREFIX), rule["labels"]["severity"]
        (line,) = (line for line in sheet.splitlines() if f"| [{name}](" in line)
        assert f"{severity} {rule.get('for', '0m')}" in line
