"""The settings and flags of docs/configuration.md are those of the program."""

import argparse
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from exporter.commands import serve as command_line
from exporter.settings import Settings, Threshold
from exporter.settings import file as settings_file
from tests.unit.docs.pages import DOCS, PAGES, blocks

PAGE = DOCS / "configuration.md"


def sample() -> str:
    """All settings, with their defaults."""
    (block,) = blocks(PAGE, "yaml")
    return block


def flags() -> set[str]:
    parser: argparse.ArgumentParser = command_line._parser()
    return set(re.findall(r"--[a-z][a-z.-]+", parser.format_help()))


def test_every_flag_is_told() -> None:
    rows = set(
        re.findall(r"`(--[a-z.-]+)", "".join(re.findall(r"^\| `--.*$", PAGE.read_text(), re.MULTILINE)))
    )
    assert rows == flags()


def test_every_flag_that_is_told_somewhere_exists() -> None:
    for page in PAGES:
        told = set(re.findall(r"(?<!\w)--(?:config|log|web)\.[a-z-]+(?:\.[a-z-]+)*", page.read_text()))
        assert told <= flags(), page.name


def test_the_settings_are_complete_and_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "settings.yml"
    file.write_text(sample())
    settings = settings_file.load(file)
    assert replace(settings, stanzas={}, exclude=()) == Settings()
    assert paths(yaml.safe_load(sample())) == paths(yaml.safe_load(settings_file.effective(Settings()))) | {
        "stanzas",
        "exclude",
    }
    assert {field.name for field in fields(Settings)} == yaml.safe_load(sample()).keys()


def paths(document: dict[str, Any], below: str = "") -> set[str]:
    """The keys of sections, down to the settings; what is in `stanzas` are examples."""
    found: set[str] = set()
    for key, value in document.items():
        path = f"{below}{key}"
        found |= paths(value, f"{path}.") if isinstance(value, dict) and path != "stanzas" else {path}
    return found


def test_the_example_of_overrides_does_what_its_comments_say(tmp_path: Path) -> None:
    file = tmp_path / "settings.yml"
    file.write_text(sample())
    settings = settings_file.load(file)
    assert settings.threshold("full_backup", "archive", 1).warning == 32 * 86400
    assert settings.threshold("backup", "archive", 2) == Threshold()
    assert settings.threshold("backup", "archive", 1) == Settings().thresholds.backup
