"""The pages of docs/ name what exists."""

import re
from pathlib import Path

import pytest

from exporter.metrics import GROUPS, compat

ROOT = Path(__file__).parents[2]
# Of the other exporter, and told as not being here.
THEIRS_ALONE = {
    "pgbackrest_backup_databases",
    "pgbackrest_backup_last_databases",
    "pgbackrest_backup_references",
    "pgbackrest_exporter",  # the program
}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_metric_that_is_named_exists(page: Path) -> None:
    known = {metric.family.name for group in (*GROUPS, *compat.GROUPS) for metric in group.metrics}
    named = set(re.findall(r"(?<![/\w])pgbackrest_[a-z_]+", page.read_text()))
    assert named
    assert named - known - THEIRS_ALONE == set()


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name
)
def test_every_file_that_is_linked_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
