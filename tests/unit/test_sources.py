from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.collectors.archiver import ArchiverCollector
from exporter.collectors.repository import RepositoryCollector
from exporter.collectors.runs import RunsCollector
from exporter.settings import Archiver, Patroni, PgBackRest, Repository, Runs, Settings, Stanza
from exporter.snapshot import Expectation, Off, Reload, Snapshot
from exporter.sources import look_around, plan
from tests.unit.shut import shut

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


def archivers(settings: Settings) -> tuple[dict[str, ArchiverCollector], dict[str, str]]:
    """Return the archiver's collectors by stanza, and why the others are off."""
    around = look_around(settings)
    snapshot = Snapshot(settings=settings, expected=around.expected, reload=Reload(0.0))
    planned = plan(settings, around, lambda: snapshot)
    found = {
        stanza: one for (_, stanza), one in planned.collectors.items() if isinstance(one, ArchiverCollector)
    }
    return found, {off.stanza: off.why for off in planned.off if off.collector == "archiver"}


def test_archiving_is_asked_of_the_servers_that_are_stated(conf: PgBackRest) -> None:
    found, _ = archivers(
        Settings(pgbackrest=conf, stanzas={"main": Stanza(postgresql="host=pg1,pg2"), "own": Stanza()})
    )
    assert [found["main"].conninfo, found["main"].stanza] == ["host=pg1,pg2", "main"]


def test_archiving_is_asked_of_the_local_server_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "pgbackrest.conf"
    file.write_text(
        f"[here]\npg1-path={tmp_path}/data\npg1-socket-path={tmp_path}\n"
        f"[gone]\npg1-path={tmp_path}/gone\npg1-socket-path={tmp_path}\npg1-port=1\n"
        f"[elsewhere]\npg1-path={tmp_path}/data\npg1-host=pg1\n[nothing]\nrepo1-path=/srv\n"
    )
    settings = Settings(pgbackrest=PgBackRest(config=str(file)))
    found, off = archivers(settings)
    assert list(found) == ["here"]
    assert found["here"].conninfo == f"host='{tmp_path}' port='5432'"
    assert off == {
        "gone": f"neither {tmp_path}/.s.PGSQL.1 nor {tmp_path}/gone is here: state stanzas.gone.postgresql",
        "elsewhere": "PostgreSQL is on pg1: state stanzas.elsewhere.postgresql",
        "nothing": "no pg1-path is known: state stanzas.nothing.postgresql",
    }
    assert list(archivers(replace(settings, archiver=Archiver(enabled=True)))[0]) == ["gone", "here"]
    found, off = archivers(replace(settings, archiver=Archiver(enabled=False)))
    assert (found, off) == ({}, {"": "switched off in the settings: archiver.enabled"})


def test_a_spool_that_is_here_is_looked_into_without_a_database(tmp_path: Path) -> None:
    out = tmp_path / "spool/archive/main/out"
    out.mkdir(parents=True)
    file = tmp_path / "pgbackrest.conf"
    file.write_text(f"[global]\nspool-path={tmp_path}/spool\n[main]\nrepo1-path=/srv\n")
    found, off = archivers(Settings(pgbackrest=PgBackRest(config=str(file))))
    assert (found["main"].conninfo, found["main"].spool, off) == (None, out, {})


def test_behind_ssh_only_a_stated_connection_is_asked(conf: PgBackRest) -> None:
    remote = PgBackRest(command=("ssh", "repo-host", "pgbackrest"), config=conf.config)
    stanzas = {"main": Stanza(postgresql="host=pg1"), "own": Stanza()}
    found, off = archivers(Settings(pgbackrest=remote, stanzas=stanzas))
    assert (found["main"].conninfo, found["main"].spool) == ("host=pg1", None)
    assert off == {"own": "no connection to PostgreSQL is known: state stanzas.own.postgresql"}


def test_where_only_patroni_is_named_archiving_is_told_by_positions() -> None:
    stanzas = {"main": Stanza(patroni=("http://pg1:8008",))}
    settings = Settings(pgbackrest=PgBackRest(command=("ssh", "x", "pgbackrest")), stanzas=stanzas)
    found, _ = archivers(settings)
    assert found["main"].conninfo is None
    assert archivers(replace(settings, patroni=Patroni(enabled=False)))[0] == {}


def runs(settings: Settings) -> RunsCollector | Off:
    found = plan(
        settings,
        look_around(settings),
        lambda: Snapshot(settings=settings, expected=Expectation(), reload=Reload(0.0)),
    )
    one = found.collectors.get(("runs", ""))
    if one is None:
        (off,) = (off for off in found.off if off.collector == "runs")
        return off
    assert isinstance(one, RunsCollector)
    return one


def with_logs(tmp_path: Path, *options: str) -> Settings:
    (tmp_path / "log").mkdir(exist_ok=True)
    file = tmp_path / "logs.conf"
    file.write_text("\n".join([f"[global]\nlog-path={tmp_path}/log\nlock-path=/locks", *options, "[main]\n"]))
    return Settings(pgbackrest=PgBackRest(config=str(file)), state_path=str(tmp_path))


def test_logs_and_locks_are_where_pgbackrest_conf_says(tmp_path: Path) -> None:
    found = runs(with_logs(tmp_path, "repo3-path=/three", "repo2-host=there"))
    assert isinstance(found, RunsCollector)
    assert (found.log_paths, found.lock_path) == ((tmp_path / "log",), Path("/locks"))
    assert (found.records, found.state) == (tmp_path / "runs", tmp_path / "runs.json")
    assert (found.stanzas, found.lowest_repos, found.blind) == (("main",), (("main", "2"),), ())
    assert found == runs(with_logs(tmp_path, "repo3-path=/three", "repo2-host=there"))


def test_a_stanza_may_have_its_logs_elsewhere_and_keep_wal_for_another_time(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    settings = with_logs(
        tmp_path,
        "repo1-retention-archive=3",
        f"[other]\nlog-path={tmp_path}/own\nrepo1-retention-archive=5\n[third]\nlog-path={tmp_path}/nowhere",
    )
    found = runs(settings)
    assert isinstance(found, RunsCollector)
    assert found.log_paths == (tmp_path / "log", tmp_path / "own")
    kept = look_around(settings).expected.retentions
    assert {name: one.archive for (name, _), one in kept.items()} == {"main": 3, "other": 5, "third": 3}


def test_without_logs_and_records_it_is_off_and_says_so(tmp_path: Path) -> None:
    settings = with_logs(tmp_path)
    (tmp_path / "log").rmdir()
    off = runs(settings)
    assert isinstance(off, Off)
    assert f"neither logs in {tmp_path}/log nor records in {tmp_path}/runs" in off.why
    (tmp_path / "runs").mkdir()
    found = runs(settings)
    assert isinstance(found, RunsCollector)
    assert found.log_paths == ()


@pytest.mark.parametrize("level", ["off", "error", "warn"])
def test_a_log_that_says_too_little_is_told(tmp_path: Path, level: str) -> None:
    settings = with_logs(tmp_path, f"log-level-file={level}")
    off = runs(settings)
    assert isinstance(off, Off)
    assert f"log-level-file={level}" in off.why
    (tmp_path / "runs").mkdir()
    found = runs(settings)
    assert isinstance(found, RunsCollector)
    ((stanza, line),) = found.blind
    assert stanza == "main"
    assert f"log-level-file={level}" in line


def test_logs_of_another_machine_are_not_these(tmp_path: Path) -> None:
    settings = replace(with_logs(tmp_path), pgbackrest=PgBackRest(command=("ssh", "repo", "pgbackrest")))
    off = runs(settings)
    assert isinstance(off, Off)
    assert "runs.log_path" in off.why
    found = runs(replace(settings, runs=Runs(log_path=f"{tmp_path}/log")))
    assert isinstance(found, RunsCollector)
    assert (found.log_paths, found.lock_path) == ((tmp_path / "log",), None)


def test_runs_can_be_switched_off(tmp_path: Path) -> None:
    off = runs(replace(with_logs(tmp_path), runs=Runs(enabled=False)))
    assert isinstance(off, Off)
    assert "runs.enabled" in off.why


def repository_plan(text: str, folder: Path, **more: Any) -> dict[str, str | tuple[int, ...] | None]:
    """By stanza the repositories that are listed, None for all that info tells of, or why they are not."""
    file = folder / "pgbackrest.conf"
    file.write_text(text)
    settings = Settings(pgbackrest=PgBackRest(config=str(file), **more.pop("pgbackrest", {})), **more)
    around = look_around(settings)
    snapshot = Snapshot(settings=settings, expected=around.expected, reload=Reload(0.0))
    planned = plan(settings, around, lambda: snapshot)
    found: dict[str, str | tuple[int, ...] | None] = {
        off.stanza: off.why for off in planned.off if off.collector == "repository"
    }
    for (name, stanza), collector in planned.collectors.items():
        if name == "repository":
            assert isinstance(collector, RepositoryCollector)
            places = collector.places
            found[stanza] = None if places is None else tuple(place.repo for place in places)
    return found


TWO = "[global]\nrepo1-path=/srv\nrepo2-type=s3\n[main]\npg1-path=/pg\n"
BEHIND_A_HOST = "[global]\nrepo1-host=backup\n[main]\npg1-path=/pg\n"


def test_repositories_on_this_disk_are_listed_and_others_when_asked_for(tmp_path: Path) -> None:
    assert repository_plan(TWO, tmp_path) == {"main": (1,)}
    assert repository_plan(TWO, tmp_path, repository=Repository(enabled=True)) == {"main": (1, 2)}
    assert "enabled is false" in str(repository_plan(TWO, tmp_path, repository=Repository(enabled=False))[""])


def test_behind_a_host_they_are_off_and_say_how_to_switch_them_on(tmp_path: Path) -> None:
    assert "repository.enabled: true" in str(repository_plan(BEHIND_A_HOST, tmp_path)["main"])
    assert repository_plan(BEHIND_A_HOST, tmp_path, repository=Repository(enabled=True)) == {"main": (1,)}


def test_where_pgbackrest_runs_elsewhere_info_tells_which_there_are(tmp_path: Path) -> None:
    remote = {"command": ("ssh", "repo-host", "pgbackrest")}
    assert "runs elsewhere" in str(repository_plan(TWO, tmp_path, pgbackrest=remote)[""])
    more: dict[str, Any] = {"repository": Repository(enabled=True), "stanzas": {"main": Stanza()}}
    assert repository_plan(TWO, tmp_path, pgbackrest=remote, **more) == {"main": None}


def test_stanzas_behind_a_repository_host_may_have_to_be_asked_for_by_name(tmp_path: Path) -> None:
    file = tmp_path / "pgbackrest.conf"
    file.write_text("[global]\nrepo1-host=repo-host\n[main]\npg1-path=/data\n[other]\nrepo1-path=/srv\n")
    assert expectation(Settings(pgbackrest=PgBackRest(config=str(file)))).unsure == ("main", "other")
    file.write_text("[global]\nrepo1-path=/srv\n[main]\npg1-path=/data\n")
    assert expectation(Settings(pgbackrest=PgBackRest(config=str(file)))).unsure == ()


def test_folders_that_may_not_be_entered_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "shut"
    (folder / "spool").mkdir(parents=True)
    file = tmp_path / "pgbackrest.conf"
    file.write_text(
        f"[global]\nspool-path={folder}/spool\nlog-path={folder}/log\n[main]\npg1-path={folder}/pg\n"
        f"pg1-socket-path={folder}/socket\n"
    )
    settings = Settings(pgbackrest=PgBackRest(config=str(file)), state_path=str(folder / "state"))
    around = look_around(settings)
    with shut(folder):
        planned = plan(
            settings,
            around,
            lambda: Snapshot(settings=settings, expected=around.expected, reload=Reload(0.0)),
        )
    assert {one.collector for one in planned.off} >= {"archiver", "runs", "restore_tests"}
