"""The pages name what exists, and lead somewhere."""

import re
from pathlib import Path

import pytest

from exporter.metrics import GROUPS, compat
from tests.unit.docs.pages import DOCS, PAGES, README, ROOT

# Of the other exporter, and told as not being here.
THEIRS_ALONE = {
    "pgbackrest_backup_databases",
    "pgbackrest_backup_last_databases",
    "pgbackrest_backup_references",
}
PROGRAM = "pgbackrest_exporter"  # the other one's name
OURS = {metric.family.name for group in GROUPS for metric in group.metrics}
THEIRS = {metric.family.name for group in compat.GROUPS for metric in group.metrics} | THEIRS_ALONE

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@every_page
def test_every_metric_that_is_named_exists(page: Path) -> None:
    known = OURS | THEIRS if page.name in ("migration.md", "BENCHMARKS.md") else OURS
    assert set(re.findall(r"(?<![/\w])pgbackrest_[a-z_]+", page.read_text())) - known - {PROGRAM} == set()


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            there = page.parent / path if path else page
            assert there.exists(), link
            assert not anchor or anchor in anchors(there), link


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:alerts|dashboards|deploy|docs|exporter|tests)/[\w./-]+)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


@every_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4})make ([a-z]+)", page.read_text(), re.MULTILINE)) <= targets


def test_the_readme_leads_to_every_page() -> None:
    text = README.read_text()
    assert [page.name for page in DOCS.glob("*.md") if f"](docs/{page.name})" not in text] == []
