"""`pgbackrest-exporter backup`: whose turn it is, what is run there, and what is recorded."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.runs.records import Reader, Record
from tests.process.host import COMMAND, Ended, Host
from tests.unit.patroni.answering import Member, member, sample

VERSION = "3.0.2"
NODE = "[main]\npg1-path=/var/lib/postgresql/15/main\n"
REPOSITORY_HOST = "[main]\npg1-host=pg1\npg1-path=/var/lib/postgresql/15/main\n"


@pytest.fixture
def patroni() -> Iterator[Member]:
    """Patroni of a healthy cluster: pg1 leads, pg2 and pg3 follow."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = member()
    try:
        one = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(30)
        one.tells(VERSION, "healthy")
        yield one
        asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def node(host: Host, patroni: Member) -> Host:
    """A machine with PostgreSQL; its pgbackrest notes what it is called with, and succeeds."""
    host.writes("pgbackrest.conf", NODE)
    host.sets(
        stanzas={"main": {"patroni": [patroni.url]}},
        runs={"records": str(host.folder / "records")},
        patroni={"within": "5s"},
    )
    installs(host, "exit 0")
    return host


def installs(host: Host, script: str) -> None:
    note = f'for word; do echo "$word"; done >> {host.folder}/called; echo >> {host.folder}/called'
    host.installs(f"#!/bin/sh\n{note}\n{script}\n".encode())


def backup(host: Host, *flags: str, kind: str = "--type=diff") -> Ended:
    own = (f"--config.file={host.settings}", "--stanza=main", kind, "--patience=0")
    return host.run(*own, *flags, command=(*COMMAND, "backup"))


def called(host: Host) -> list[list[str]]:
    """What pgbackrest was called with, without where its configuration is."""
    file = host.folder / "called"
    calls = file.read_text().split("\n\n") if file.exists() else []
    return [[word for word in call.split("\n") if "--config" not in word] for call in calls if call]


def records(host: Host) -> list[Record]:
    folder = host.folder / "records"
    return list(Reader(folder).read().values()) if folder.exists() else []


def test_the_first_replica_takes_it_and_it_is_recorded(node: Host) -> None:
    done = backup(node, "--member=pg2", "--repo=2")
    assert (done.code, called(node)) == (
        0,
        [["--stanza=main", "--repo=2", "--type=diff", "--backup-standby", "backup"]],
    )
    assert "taken here, on pg2" in done.complaints[0]
    (record,) = records(node)
    assert (record.stanza, record.command, record.backup_type, record.repo) == ("main", "backup", "diff", "2")
    assert record.exit_code == 0


def test_it_is_called_with_the_configuration_of_the_settings(node: Host) -> None:
    backup(node, "--member=pg2")
    assert f"--config={node.folder}/pgbackrest.conf" in (node.folder / "called").read_text().splitlines()


def test_it_asks_again_right_before_the_start(node: Host, patroni: Member) -> None:
    backup(node, "--member=pg2")
    assert patroni.asked == ["/cluster", "/cluster"]


@pytest.mark.parametrize("name", ["pg1", "pg3", "pg9"])
def test_on_every_other_node_it_ends_at_once_with_a_line(node: Host, name: str) -> None:
    done = backup(node, f"--member={name}")
    assert (done.code, called(node), records(node)) == (0, [], [])
    (said,) = done.complaints
    assert "nothing to do here: pg2 takes it" in said


def test_the_exit_code_is_pgbackrests_and_so_are_the_words(node: Host) -> None:
    installs(node, "echo 'ERROR: [056]: unable to find primary cluster' >&2; exit 56")
    assert backup(node, "--member=pg2").code == 56
    assert records(node)[0].words == "[056]: unable to find primary cluster"


def test_without_a_replica_the_primary_takes_it_itself(node: Host, patroni: Member) -> None:
    patroni.tells("3.0.2", "standby_cluster")
    assert backup(node, "--member=dr1").code == 0
    assert called(node) == [["--stanza=main", "--type=diff", "--no-backup-standby", "backup"]]


@pytest.mark.parametrize(("name", "calls"), [("pg1", 1), ("pg2", 0), ("pg3", 0)])
def test_without_a_leader_one_node_lets_pgbackrest_tell_of_it(
    node: Host, patroni: Member, name: str, calls: int
) -> None:
    patroni.tells(VERSION, "paused_crashed")
    installs(node, "exit 56")
    assert backup(node, f"--member={name}").code == (56 if calls else 0)
    assert len(called(node)) == len(records(node)) == calls


def test_a_leader_that_is_about_to_be_there_is_waited_for(node: Host, patroni: Member) -> None:
    patroni.tells(VERSION, "paused_crashed")

    def elected() -> None:
        while not patroni.asked:
            threading.Event().wait(0.02)
        patroni.tells(VERSION, "healthy")

    election = threading.Thread(target=elected)
    election.start()
    done = backup(node, "--member=pg2", "--patience=25")
    election.join()
    assert (done.code, len(called(node))) == (0, 1)


@pytest.mark.parametrize(("conf", "first"), [(NODE, ["--backup-standby"]), (REPOSITORY_HOST, [])])
def test_after_a_failover_the_same_place_tries_once_more(
    node: Host, patroni: Member, conf: str, first: list[str]
) -> None:
    node.writes("pgbackrest.conf", conf)
    installs(node, f"[ -e {node.folder}/failed ] && exit 0; touch {node.folder}/failed; exit 56")
    cluster = json.loads(sample(VERSION, "switched", "cluster"))
    del cluster["members"][2], cluster["members"][0]

    def failover() -> None:
        while not (node.folder / "failed").exists():
            threading.Event().wait(0.02)
        patroni.answers = {"/cluster": json.dumps(cluster).encode()}

    died = threading.Thread(target=failover)
    died.start()
    done = backup(node, *(["--member=pg2"] if first else []), "--patience=25")
    died.join()
    assert done.code == 0
    assert called(node) == [
        ["--stanza=main", "--type=diff", *first, "backup"],
        ["--stanza=main", "--type=diff", "--no-backup-standby", "backup"],
    ]
    assert [record.exit_code for record in records(node)] == [56, 0]
    assert "once more: pg2 leads now" in done.stderr


@pytest.mark.parametrize("code", [50, 56, 63])
def test_what_fails_for_another_reason_is_not_tried_again(node: Host, code: int) -> None:
    installs(node, f"exit {code}")
    assert (backup(node, "--member=pg2").code, len(called(node))) == (code, 1)


@pytest.mark.parametrize("answer", [503, b"<html>", None])
def test_where_patroni_does_not_tell_a_node_does_nothing_and_records_that(
    node: Host, patroni: Member, answer: bytes | int | None
) -> None:
    patroni.answers = {} if answer is None else {"/cluster": answer}
    done = backup(node, "--member=pg2")
    assert (done.code, called(node)) == (3, [])
    assert "another node may take it" in done.stderr
    (record,) = records(node)
    assert (record.command, record.backup_type, record.exit_code) == ("backup", "diff", 3)
    assert record.words is not None
    assert "Patroni cannot be asked" in record.words


def test_one_member_that_answers_is_enough(node: Host, patroni: Member) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    node.sets(
        stanzas={"main": {"patroni": [f"http://127.0.0.1:{port}", patroni.url]}},
        runs={"records": str(node.folder / "records")},
    )
    assert (backup(node, "--member=pg2").code, len(called(node))) == (0, 1)


def test_a_node_is_known_by_its_host_name(node: Host, patroni: Member) -> None:
    cluster = json.loads(sample(VERSION, "healthy", "cluster"))
    del cluster["members"][2]
    cluster["members"][1]["name"] = socket.gethostname().partition(".")[0]
    patroni.answers["/cluster"] = json.dumps(cluster).encode()
    assert (backup(node).code, len(called(node))) == (0, 1)


def test_a_host_that_is_not_in_the_cluster_says_so_and_does_nothing(node: Host) -> None:
    done = backup(node)
    assert (done.code, called(node)) == (3, [])
    assert "is not in the cluster (pg1, pg2, pg3)" in done.stderr
    assert "--member" in done.stderr


@pytest.mark.parametrize(
    ("scene", "options"),
    [("healthy", []), ("standby_cluster", ["--no-backup-standby"]), ("paused_crashed", [])],
)
def test_a_repository_host_always_takes_it(
    node: Host, patroni: Member, scene: str, options: list[str]
) -> None:
    node.writes("pgbackrest.conf", REPOSITORY_HOST)
    patroni.tells(VERSION, scene)
    assert backup(node).code == 0
    assert called(node) == [["--stanza=main", "--type=diff", *options, "backup"]]


def test_a_repository_host_takes_it_without_patroni_too(node: Host, patroni: Member) -> None:
    patroni.answers = {}
    done = backup(node, "--here")
    assert (done.code, called(node)) == (0, [["--stanza=main", "--type=diff", "backup"]])
    assert "taken as pgbackrest.conf says: Patroni cannot be asked" in done.complaints[0]


def test_verify_runs_at_the_same_place(node: Host) -> None:
    assert backup(node, "--member=pg3", kind="--verify").code == 0
    assert backup(node, "--member=pg2", kind="--verify").code == 0
    assert called(node) == [["--stanza=main", "verify"]]
    assert records(node)[0].command == "verify"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "stanzas.main.patroni: name Patroni's addresses"),
        ({"pgbackrest": {"command": ["ssh", "repo-host", "pgbackrest"]}}, "leads to another host"),
    ],
)
def test_what_cannot_be_decided_is_a_mistake_in_one_line(
    node: Host, settings: dict[str, dict[str, object]], says: str
) -> None:
    node.sets(**settings)
    done = backup(node)
    assert (done.code, called(node), len(done.complaints)) == (2, [], 1)
    assert says in done.stderr


def test_settings_that_are_not_there_are_told(node: Host, tmp_path: Path) -> None:
    done = backup(node, f"--config.file={tmp_path}/none.yml")
    assert done.code == 2
    assert "none.yml" in done.stderr
