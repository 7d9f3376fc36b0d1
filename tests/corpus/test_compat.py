"""The compatible form against what pgbackrest_exporter 0.23 served of the same documents: `.compat` beside each.

Those files are its `/metrics`, less its own families, with the word AGE for a value that depends on the time of day.
A document that came later need not have one.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics import GROUPS, compat
from exporter.table import Renderer
from tests.corpus.test_corpus import CASES, NOW, snapshot
from tests.unit.rendering import rendered

COMPARED = [case for case in CASES if case.with_suffix(".compat").is_file()]
AGE = "pgbackrest_backup_since_last_completion_seconds"
STATUS = ("pgbackrest_exporter_status", (("stanza", "all-stanzas"),))
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): 0.0 if sample.name == AGE else sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The labels start_time and stop_time are local."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("case", COMPARED, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_the_compatible_form_is_that_of_the_original(case: Path) -> None:
    ours = samples(rendered(Renderer(compat.GROUPS[:-1]), snapshot(case.read_bytes())).facts_at(NOW).decode())
    theirs = samples(case.with_suffix(".compat").read_text().replace(" AGE", " 0"))
    if theirs[STATUS] == 0:  # it could not read the document
        assert ours[STATUS] == 1
        assert len(ours) > len(theirs)
    else:
        assert ours == theirs


def test_the_age_is_that_of_the_newest_backup_of_the_type_or_a_stronger_one() -> None:
    (case,) = (case for case in CASES if (case.parent.name, case.stem) == ("2.59.1", "full_diff_incr"))
    known = snapshot(case.read_bytes())
    text = rendered(Renderer(compat.GROUPS), known).facts_at(NOW).decode()
    stops = [backup.stop for backup in known.stanzas[0].backups.all]
    found = {
        sample.labels["backup_type"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == AGE
    }
    assert found["incr"] == NOW - max(stops)
    assert found["full"] >= found["diff"] >= found["incr"]


@pytest.mark.parametrize(
    ("version", "number"),
    [
        (None, 0),
        ("2.45", 2045000),
        ("2.59.1", 2059001),
        ("2.60.0dev", 2060000),
        ("2.60dev", 2060000),
        ("x.y", 0),
    ],
)
def test_the_version_is_a_number(version: str | None, number: int) -> None:
    info = snapshot(b"[]").info[""].value
    assert info is not None
    assert compat.number(type(info)(stanzas=(), version=version)) == number


def test_a_time_that_no_calendar_reaches_is_left_out() -> None:
    (case,) = (case for case in CASES if (case.parent.name, case.stem) == ("2.59.1", "full_only"))
    document = re.sub(rb'"stop":\d+', b'"stop":9223372036854775807', case.read_bytes())
    text = rendered(Renderer(compat.GROUPS), snapshot(document)).facts_at(NOW).decode()
    assert 'stop_time=""' in text


def test_a_stanza_that_is_not_listed_is_not_there() -> None:
    names = {
        name for name, _ in samples(rendered(Renderer(compat.GROUPS), snapshot(b"[]")).facts_at(NOW).decode())
    }
    assert names == {
        "pgbackrest_exporter_status",
        "pgbackrest_version_info",
        "pgbackrest_exporter_build_info",
    }


def test_names_that_both_have_are_never_served_on_one_path() -> None:
    """So they are served on another: in one exposition a family would be there twice."""
    ours = {metric.family.name for group in GROUPS for metric in group.metrics}
    theirs = {metric.family.name for group in compat.GROUPS for metric in group.metrics}
    assert "pgbackrest_backup_info" in ours & theirs
