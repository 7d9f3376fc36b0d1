from pathlib import Path

import pytest

from exporter.app import collectors, expectation
from exporter.settings import PgBackRest, Settings, Stanza

CONF = """\
[global]
repo1-type=s3
repo1-path=/backups

[main]
pg1-path=/var/lib/postgresql/15/main

[own]
pg1-path=/var/lib/postgresql/15/own
repo1-path=/srv/own
repo1-type=posix

[scratch-1]
pg1-path=/tmp/scratch
"""


@pytest.fixture
def conf(tmp_path: Path) -> PgBackRest:
    file = tmp_path / "pgbackrest.conf"
    file.write_text(CONF)
    return PgBackRest(config=str(file))


def test_the_sections_of_pgbackrest_conf_are_expected_less_the_excluded(conf: PgBackRest) -> None:
    expected = expectation(Settings(pgbackrest=conf, exclude=("scratch-*",)))
    assert expected.stanzas == ("main", "own")
    assert expected.own == {"own"}
    assert expected.type_of("main", 1) == "s3"
    assert expected.type_of("own", 1) == "posix"
    assert expected.error is None


def test_stanzas_of_the_settings_replace_the_sections(conf: PgBackRest) -> None:
    assert expectation(Settings(pgbackrest=conf, stanzas={"main": Stanza()})).stanzas == ("main",)


def test_a_configuration_that_cannot_be_read_leaves_the_settings_stanzas_and_says_so(tmp_path: Path) -> None:
    gone = PgBackRest(config=str(tmp_path / "gone.conf"))
    expected = expectation(Settings(pgbackrest=gone, stanzas={"main": Stanza()}))
    assert expected.stanzas == ("main",)
    assert expected.error is not None
    assert "gone.conf" in expected.error


def test_behind_ssh_the_local_configuration_does_not_count(conf: PgBackRest) -> None:
    remote = PgBackRest(command=("ssh", "repo-host", "pgbackrest"), config=conf.config)
    assert expectation(Settings(pgbackrest=remote)).stanzas == ()


def test_there_is_one_collector_for_all_and_one_for_each_stanza_with_its_own_repository(conf: PgBackRest) -> None:
    settings = Settings(pgbackrest=conf)
    assert [one.stanza for one in collectors(settings, expectation(settings))] == ["", "own"]
