"""The settings and flags of docs/configuration.md are those of the program."""

import argparse
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.commands import serve as command_line
from exporter.patroni.place import SMALL_LAG
from exporter.runs.records import KEPT
from exporter.settings import OFF, SIGNALS, Settings, Threshold
from exporter.settings import file as settings_file
from exporter.settings.quantity import MINUTE, show_ratio, show_seconds
from tests.unit.docs.pages import DOCS, PAGES, ROOT, blocks

PAGE = DOCS / "configuration.md"
DEFAULTS = Settings()
# What other pages say in passing.
SAID = (
    ("docs/sources.md", f"stanza and repository every {DEFAULTS.repository.every / MINUTE:g} minutes"),
    ("docs/sources.md", f"the newest {KEPT} of each kind"),
    ("docs/sizing.md", f"stanza and repository every {DEFAULTS.repository.every / MINUTE:g} minutes"),
    ("docs/sizing.md", f"{KEPT} of each kind of run, {DEFAULTS.restore_tests.history} restore tests of each"),
    ("docs/migration.md", f"`info: {{every: {show_seconds(DEFAULTS.info.every)}}}`"),
    ("docs/scheduled-backups.md", f"not more than {SMALL_LAG >> 20} MiB behind"),
)


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


def test_the_defaults_of_flags_are_those_of_the_program() -> None:
    told = re.findall(r"^\| `(--[a-z.-]+).*`([^`]+)` \(default\)", PAGE.read_text(), re.MULTILINE)
    defaults = {
        action.option_strings[0]: (action.help or "").rpartition("default: ")[2]
        for action in command_line._parser()._actions
    }
    assert dict(told) == {
        flag: defaults[flag] for flag in ("--web.listen-address", "--log.level", "--log.format")
    }


def test_the_sheet_of_alerts_quotes_the_default_thresholds() -> None:
    """Those of the severities that the alert has; one that holds for both is written once."""
    lines = (ROOT / "alerts" / "README.md").read_text().splitlines()
    told = {
        name: (quoted, re.findall(r"\b(warning|critical) \d", line))
        for line in lines
        for name, quoted in re.findall(r"thresholds? `(\w+)` \(([^)]+)\)", line)
    }
    assert told.keys() == {signal.name for signal in SIGNALS}
    for signal in SIGNALS:
        quoted, severities = told[signal.name]
        threshold = getattr(DEFAULTS.thresholds, signal.name)
        limits = [limit_in_words(getattr(threshold, severity), signal.unit) for severity in severities]
        assert quoted == ", ".join(dict.fromkeys(limits)), signal.name


def limit_in_words(limit: float, unit: str) -> str:
    if limit == OFF:
        return "off"
    return show_seconds(limit) if unit == "seconds" else show_ratio(limit).replace("%", " %")


@pytest.mark.parametrize(("page", "words"), SAID)
def test_a_default_that_is_said_in_passing_is_that_of_the_program(page: str, words: str) -> None:
    assert words in " ".join((ROOT / page).read_text().split())
