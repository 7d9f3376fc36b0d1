"""docs/restore-tests.md tells every field of a record, and no other."""

import re
from dataclasses import fields

from exporter.model.restore_tests import CHECKS, Check, Record
from tests.unit.docs.pages import DOCS, ROOT

PAGE = (DOCS / "restore-tests.md").read_text()
CHAPTER = PAGE.partition("## The record")[2]


def test_the_fields_of_a_record_are_told() -> None:
    rows = re.findall(r"^\| (`.*?) \|", CHAPTER, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {
        field.name for field in fields(Record)
    }


def test_the_fields_of_a_check_are_told() -> None:
    (told,) = re.findall(r"a list of `\{(.*?)\}`", CHAPTER)
    assert re.findall(r'"(\w+)"', told) == [field.name for field in fields(Check)]


def test_the_checks_are_counted() -> None:
    assert f"Of its {len(CHECKS)} checks" in PAGE
    assert f"checks the data in {len(CHECKS)} ways" in (ROOT / "CHANGELOG.md").read_text()
