"""docs/metrics.md agrees with the code; `python -m tests.unit.docs.test_metrics` writes its table anew."""

from exporter.metrics import GROUPS, backups
from tests.unit.docs.pages import DOCS

PAGE = DOCS / "metrics.md"
BEGIN = "<!-- metrics: written by `python -m tests.unit.docs.test_metrics` -->\n"
END = "<!-- end of metrics -->\n"


def metrics_table() -> str:
    rows = [
        (
            f"`{metric.family.name}`",
            metric.family.type,
            ", ".join(group.labels) or "–",
            metric.help.replace("|", "\\|"),
        )
        for group in GROUPS
        for metric in group.metrics
    ]
    head = [("metric", "type", "labels", "meaning"), ("---", "---", "---", "---")]
    return "".join(f"| {' | '.join(row)} |\n" for row in [*head, *rows])


def with_table(text: str) -> str:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{PAGE.name} has lost the line {BEGIN}"
    assert end, f"{PAGE.name} has lost the line {END}"
    return f"{before}{BEGIN}\n{metrics_table()}\n{END}{after}"


def test_the_table_of_metrics_is_that_of_the_code(update_golden: bool) -> None:
    if update_golden:
        PAGE.write_text(with_table(PAGE.read_text()))
    assert with_table(PAGE.read_text()) == PAGE.read_text(), (
        "the table of metrics is an old one: run `python -m tests.unit.docs.test_metrics`"
    )


def test_the_series_of_a_backup_are_counted() -> None:
    count = sum(len(group.metrics) for group in backups.GROUPS if "backup" in group.labels)
    assert f"**Series**: {count} for each backup" in (DOCS / "sizing.md").read_text()


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
