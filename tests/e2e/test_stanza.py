"""A real stanza, from PostgreSQL and pgBackRest through the exporter to Prometheus' query API."""

import ssl
import subprocess  # noqa: TID251 - promtool is a tool of the tests
import urllib.error
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.conftest import SETTINGS
from tests.e2e.prometheus import Labels, Prometheus
from tests.lab.exporter import Exporter
from tests.lab.lab import Lab
from tests.lab.program import find, until
from tests.lab.stanza import Stanza
from tests.lab.summary import Scrape

JOBS = ("open", "secured")


def by_repo_and_type(labels: Labels) -> tuple[str, str]:
    return labels["repo"], labels["backup_type"]


@pytest.mark.parametrize("job", JOBS)
def test_prometheus_counts_the_backups_of_each_type_and_repository(
    prometheus: Prometheus, demo: Stanza, job: str
) -> None:
    counted = prometheus.query(f'pgbackrest_backups{{job="{job}", stanza="demo"}} > 0')
    really = Counter(
        (str(backup["database"]["repo-key"]), backup["type"]) for backup in demo.info()["backup"]
    )
    assert {by_repo_and_type(labels): count for labels, count in counted} == really
    assert really == {("1", "full"): 1, ("1", "diff"): 1, ("1", "incr"): 1, ("2", "full"): 1}


@pytest.mark.parametrize("job", JOBS)
def test_stanza_and_repositories_are_ok_and_expected(prometheus: Prometheus, job: str) -> None:
    for family in ("stanza_ok", "stanza_expected", "repo_ok"):
        values = prometheus.query(f'pgbackrest_{family}{{job="{job}", stanza="demo"}}')
        assert [value for _, value in values] == ([1, 1] if family == "repo_ok" else [1])


def test_repositories_tell_their_cipher_and_kind(prometheus: Prometheus) -> None:
    rows = prometheus.query('pgbackrest_repo_info{job="open", stanza="demo"}')
    assert {(labels["repo"], labels["cipher"], labels["type"]) for labels, _ in rows} == {
        ("1", "none", "posix"),
        ("2", "aes-256-cbc", "posix"),
    }


def test_every_size_is_the_one_that_pgbackrest_reports(prometheus: Prometheus, demo: Stanza) -> None:
    for backup in demo.info()["backup"]:
        sizes = {
            "size": backup["info"]["size"],
            "delta": backup["info"]["delta"],
            "repo_size": backup["info"]["repository"]["size"],
            "repo_delta": backup["info"]["repository"]["delta"],
        }
        for name, size in sizes.items():
            family = f"pgbackrest_backup_{name}_bytes"
            assert prometheus.value(f'{family}{{job="open", backup="{backup["label"]}"}}') == size


def test_the_newest_backup_of_a_type_ended_when_pgbackrest_says(prometheus: Prometheus, demo: Stanza) -> None:
    ended = prometheus.query('pgbackrest_backup_last_completion_timestamp_seconds{job="open", stanza="demo"}')
    newest: dict[tuple[str, str], int] = {}
    for backup in demo.info()["backup"]:
        key = str(backup["database"]["repo-key"]), backup["type"]
        newest[key] = max(newest.get(key, 0), backup["timestamp"]["stop"])
    assert {by_repo_and_type(labels): value for labels, value in ended} == newest


def test_the_age_is_small_grows_by_itself_and_fits_the_timestamp(prometheus: Prometheus) -> None:
    selector = '{job="open", stanza="demo", repo="1", backup_type="full"}'
    age = prometheus.value(f"pgbackrest_backup_age_seconds{selector}")
    assert 0 < age < 600
    until(
        lambda: prometheus.value(f"pgbackrest_backup_age_seconds{selector}") >= age + 2,
        within=15,
        what="an age that is two seconds more",
    )
    completion = f"pgbackrest_backup_last_completion_timestamp_seconds{selector}"
    # The last scrape may be a second old, and PromQL's time() is in milliseconds.
    assert abs(prometheus.value(f"time() - {completion} - pgbackrest_backup_age_seconds{selector}")) < 3


def test_the_newest_wal_segment_moves_with_the_archive(prometheus: Prometheus, demo: Stanza) -> None:
    segment = demo.switch_wal()
    number = int(segment[8:16], 16) * 256 + int(segment[16:], 16)  # 16 MiB segments: 256 to a log file
    newest = 'pgbackrest_wal_archive_newest_segment_number{job="open", stanza="demo"}'
    until(
        lambda: [value >= number for _, value in prometheus.query(newest)] == [True, True],
        within=20,
        what=f"segment {segment} in both repositories",
    )
    assert (
        prometheus.value('pgbackrest_wal_archive_newest_timeline{job="open", stanza="demo", repo="1"}') == 1
    )


def test_tls_and_password_are_needed(secured: Exporter, trust: ssl.SSLContext) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        secured.get_as(None, "/metrics")
    refused.value.close()
    assert refused.value.code == 401
    with pytest.raises(urllib.error.HTTPError) as refused:
        secured.get_as(("prometheus", "wrong"), "/metrics")
    refused.value.close()
    assert refused.value.code == 401
    assert trust.verify_mode == ssl.CERT_REQUIRED


def test_promtool_accepts_the_exposition(exporter: Exporter) -> None:
    promtool = find("promtool", "apt-get install prometheus")
    checked = subprocess.run(
        (promtool, "check", "metrics"), input=exporter.scrape(), text=True, capture_output=True, timeout=30
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_stanza_that_vanishes_is_not_ok_instead_of_missing(lab: Lab, exporter: Exporter) -> None:
    stanza = lab.stanza("vanishing")
    for repo in (1, 2):
        stanza.backup("full", repo=repo)
    with Exporter(lab, settings=SETTINGS, port=exporter.port + 1) as watching:
        assert Scrape(watching.scrape()).value("stanza_ok", stanza="vanishing") == 1
        for repo in (1, 2):
            for kind in ("archive", "backup"):
                folder = lab.repository(repo) / kind / "vanishing"
                folder.rename(lab.path / f"moved-{kind}-{repo}")
        until(
            lambda: Scrape(watching.scrape()).value("stanza_ok", stanza="vanishing") == 0,
            within=15,
            what='stanza_ok{stanza="vanishing"} 0',
        )
        scrape = Scrape(watching.scrape())
        assert scrape.value("stanza_expected", stanza="vanishing") == 1
        assert scrape.value("stanza_ok", stanza="demo") == 1


def test_an_unreadable_repository_is_not_ok_and_the_other_stays(
    lab: Lab, exporter: Exporter, demo: Stanza
) -> None:
    broken = lab.repository(2)
    before = Scrape(exporter.scrape())
    broken.chmod(0)
    try:
        until(
            lambda: Scrape(exporter.scrape()).value("repo_ok", stanza="demo", repo="2") == 0,
            within=15,
            what='repo_ok{repo="2"} 0',
        )
        scrape = Scrape(exporter.scrape())
    finally:
        broken.chmod(0o750)
    newest = {"stanza": demo.name, "repo": "1", "backup_type": "incr"}
    assert scrape.value("repo_ok", stanza="demo", repo="1") == 1
    assert scrape.value("stanza_ok", stanza="demo") == 0
    completed = "backup_last_completion_timestamp_seconds"
    assert scrape.value(completed, **newest) == before.value(completed, **newest) is not None
    until(
        lambda: Scrape(exporter.scrape()).value("repo_ok", stanza="demo", repo="2") == 1,
        within=15,
        what='repo_ok{repo="2"} 1 again',
    )


def test_a_stanza_with_a_passphrase_of_its_own_is_seen(lab: Lab, exporter: Exporter) -> None:
    """A plain `info` decrypts with the global options: only `info --stanza` can read it."""
    options = {"repo1-cipher-type": "aes-256-cbc", "repo1-cipher-pass": "of this stanza alone"}
    stanza = lab.stanza("private", options)
    stanza.backup("full")
    with Exporter(lab, settings=SETTINGS, port=exporter.port + 1) as watching:
        scrape = Scrape(watching.scrape())
    assert scrape.value("repo_ok", stanza="private", repo="1") == 1
    assert scrape.value("backups", stanza="private", repo="1", backup_type="full") == 1
    assert scrape.text_of("repo_info", "cipher", stanza="private", repo="1") == "aes-256-cbc"


def test_sigterm_during_a_hung_pgbackrest_ends_both_at_once(lab: Lab, exporter: Exporter) -> None:
    """The hung program has a child of its own, as ssh or sudo would."""
    child_pid = lab.path / "hung.pid"
    hanging = lab.path / "hanging-pgbackrest"
    hanging.write_text(
        f'#!/bin/sh\n[ "$1" = version ] && exec {lab.command} version\n'
        f"sleep 600 &\necho $! >{child_pid}.new\nmv {child_pid}.new {child_pid}\nwait\n"
    )
    hanging.chmod(0o755)
    settings = SETTINGS | {"pgbackrest": {"command": [str(hanging)], "config": str(lab.config)}}
    watching = Exporter(lab, settings=settings, port=exporter.port + 1)
    watching.start()
    try:
        until(child_pid.exists, within=15, what="the hung pgbackrest started")
        pid = int(child_pid.read_text())
        assert Path(f"/proc/{pid}").exists()
    finally:
        code = watching.child.stop(within=2)
    assert code == 0, watching.child.log
    until(lambda: not Path(f"/proc/{pid}").exists(), within=2, what="the child of the hung pgbackrest gone")
