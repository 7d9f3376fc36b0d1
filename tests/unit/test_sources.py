from pathlib import Path

import pytest

from exporter.settings import Patroni, PgBackRest, Settings, Stanza
from exporter.snapshot import Expectation, Reload, Snapshot
from exporter.sources import look_around, plan

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


def expectation(settings: Settings) -> Expectation:
    return look_around(settings).expected


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


def test_without_a_readable_configuration_the_settings_stanzas_are_expected_and_may_have_their_own_repository(
    tmp_path: Path,
) -> None:
    gone = PgBackRest(config=str(tmp_path / "gone.conf"))
    expected = expectation(Settings(pgbackrest=gone, stanzas={"main": Stanza()}))
    assert (expected.stanzas, expected.unsure, expected.error) == (("main",), ("main",), None)


def test_without_any_list_of_stanzas_it_says_why_none_is_expected(tmp_path: Path) -> None:
    expected = expectation(Settings(pgbackrest=PgBackRest(config=str(tmp_path / "gone.conf"))))
    assert expected.stanzas == ()
    assert expected.error is not None
    assert "gone.conf" in expected.error


def test_what_a_configuration_told_holds_while_it_cannot_be_read(conf: PgBackRest) -> None:
    settings = Settings(pgbackrest=conf)
    around = look_around(settings)
    before = around.expected
    assert not around.changed(settings)
    Path(str(conf.config)).unlink()
    assert around.changed(settings)
    after = look_around(settings, around).expected
    assert (after.stanzas, after.own, after.unsure) == (before.stanzas, before.own, ())
    assert after.error is not None


def test_behind_ssh_the_local_configuration_does_not_count(conf: PgBackRest) -> None:
    remote = PgBackRest(command=("ssh", "repo-host", "pgbackrest"), config=conf.config)
    assert expectation(Settings(pgbackrest=remote)).stanzas == ()
    assert expectation(Settings(pgbackrest=remote, stanzas={"main": Stanza()})).unsure == ("main",)


def test_there_is_one_collector_for_all_and_one_for_each_stanza_with_its_own_repository(
    conf: PgBackRest,
) -> None:
    settings = Settings(pgbackrest=conf)
    around = look_around(settings)
    snapshot = Snapshot(settings=settings, expected=around.expected, reload=Reload(0.0))
    planned = plan(settings, around, lambda: snapshot)
    assert [key for key in planned.collectors if key[0] == "info"] == [("info", ""), ("info", "own")]
    assert plan(settings, around, lambda: snapshot) == planned


def sources(settings: Settings, name: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The stanzas that a source is read for, and those that it is off for with the reason."""
    around = look_around(settings)
    snapshot = Snapshot(settings=settings, expected=around.expected, reload=Reload(0.0))
    planned = plan(settings, around, lambda: snapshot)
    assert plan(settings, around, lambda: snapshot) == planned
    off = [(one.stanza, one.why) for one in planned.off if one.collector == name]
    return [stanza for found, stanza in planned.collectors if found == name], off


def test_patroni_is_read_for_the_stanzas_that_name_its_addresses(conf: PgBackRest) -> None:
    named = {"main": Stanza(patroni=("http://pg1:8008",)), "own": Stanza()}
    assert sources(Settings(pgbackrest=conf, stanzas=named), "patroni") == (
        ["main"],
        [("own", "no address of Patroni is named: stanzas.own.patroni")],
    )


def test_patroni_is_off_where_no_stanza_names_it_or_the_settings_say_so(conf: PgBackRest) -> None:
    assert sources(Settings(pgbackrest=conf), "patroni") == (
        [],
        [("", "no stanza names Patroni's addresses: stanzas.NAME.patroni")],
    )
    off = Settings(
        pgbackrest=conf,
        stanzas={"main": Stanza(patroni=("http://pg1:8008",))},
        patroni=Patroni(enabled=False),
    )
    assert sources(off, "patroni") == ([], [("", "switched off in the settings: patroni.enabled")])
