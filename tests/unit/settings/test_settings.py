"""The settings as values: defaults, overrides, and where pgBackRest runs."""

import math
from dataclasses import fields
from types import MappingProxyType

import pytest

from exporter.settings import (
    OFF,
    SIGNALS,
    Info,
    Override,
    PgBackRest,
    Repo,
    RepoThresholds,
    Settings,
    Stanza,
    StanzaThresholds,
    Threshold,
    Thresholds,
)

HOUR = 3600.0
DAY = 24 * HOUR


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = Settings()
    assert settings.pgbackrest.command == ("pgbackrest",)
    assert settings.threshold("backup", "main", 1) == Threshold(warning=26 * HOUR, critical=50 * HOUR)
    assert settings.threshold("repo_used", "", 2) == Threshold(warning=0.8, critical=0.9)
    assert settings.threshold("recovery_window", "main", 1) == Threshold(warning=math.inf, critical=math.inf)
    assert (settings.info.every, settings.info.within, settings.info.per_backup) == (60, 60, 1000)


def test_stale_after_is_ten_intervals_unless_it_is_stated() -> None:
    assert Info(every=15.0).stale_after == 150.0
    assert Info(every=15.0, stale_after=20.0).stale_after == 20.0


def test_a_threshold_is_resolved_severity_by_severity() -> None:
    repo = Repo(thresholds=RepoThresholds(backup=Override(critical=9 * DAY)))
    stanza = Stanza(
        thresholds=StanzaThresholds(backup=Override(warning=2 * DAY), restore_test=Override(warning=OFF)),
        repos=MappingProxyType({2: repo}),
    )
    settings = Settings(stanzas=MappingProxyType({"main": stanza}))
    assert settings.threshold("backup", "main", 2) == Threshold(warning=2 * DAY, critical=9 * DAY)
    assert settings.threshold("backup", "main", 1) == Threshold(warning=2 * DAY, critical=50 * HOUR)
    assert settings.threshold("backup", "other", 2) == Threshold(warning=26 * HOUR, critical=50 * HOUR)
    assert settings.threshold("restore_test", "main") == Threshold(warning=OFF, critical=15 * DAY)
    assert settings.threshold("restore_test", "main", 2) == Threshold(warning=OFF, critical=15 * DAY)


def test_every_signal_has_its_field_where_its_scope_says() -> None:
    def names(cls: type) -> set[str]:
        return {field.name for field in fields(cls)}

    every = {signal.name for signal in SIGNALS}
    assert names(Thresholds) == names(StanzaThresholds) == every
    assert names(RepoThresholds) == {signal.name for signal in SIGNALS if signal.scope == "repo"}


def test_settings_are_equal_by_value_and_can_be_hashed() -> None:
    one, other = (Settings(stanzas=MappingProxyType({"main": Stanza()})) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Settings()


@pytest.mark.parametrize(
    ("command", "local"),
    [
        ("pgbackrest", True),
        ("/usr/local/bin/pgbackrest-wrapper", True),
        ("sudo -n -u postgres pgbackrest", True),
        ("/usr/bin/env LC_ALL=C pgbackrest", True),
        ("ssh repo-host pgbackrest", False),
        ("kubectl exec -i pod -- pgbackrest", False),
        ("sudo -u postgres ssh repo-host pgbackrest", False),
        ("timeout 60 /usr/bin/docker exec db pgbackrest", False),
        ("my-wrapper pgbackrest", False),
    ],
)
def test_the_command_tells_whether_pgbackrest_runs_here(command: str, local: bool) -> None:
    assert Settings(pgbackrest=PgBackRest(command=tuple(command.split()))).is_local is local
