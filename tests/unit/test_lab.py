"""What of the lab needs no servers: leftovers, children, the summary of a scrape."""

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.lab import folder
from tests.lab.account import Account
from tests.lab.child import Child
from tests.lab.program import LabError, run, until
from tests.lab.summary import Scrape, summary

OURSELVES = Account(name="ourselves", uid=os.getuid(), gid=os.getgid())
SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")
SCRAPE = """\
# TYPE pgbackrest_stanza_ok gauge
pgbackrest_stanza_ok{stanza="main"} 1
# TYPE pgbackrest_database_info gauge
pgbackrest_database_info{stanza="main",repo="1",pg_version="14",state="prior"} 1
pgbackrest_database_info{stanza="main",repo="1",pg_version="15",state="current"} 1
# TYPE pgbackrest_repo_ok gauge
pgbackrest_repo_ok{stanza="main",repo="1"} 1
pgbackrest_repo_ok{stanza="main",repo="2"} 0
# TYPE pgbackrest_repo_info gauge
pgbackrest_repo_info{stanza="main",repo="1",cipher="aes-256-cbc",type="posix"} 1
# TYPE pgbackrest_wal_archive_newest_timeline gauge
pgbackrest_wal_archive_newest_timeline{stanza="main",repo="1"} 2
# TYPE pgbackrest_wal_archive_newest_segment_number gauge
pgbackrest_wal_archive_newest_segment_number{stanza="main",repo="1"} 12
# TYPE pgbackrest_wal_archive_oldest_segment_number gauge
pgbackrest_wal_archive_oldest_segment_number{stanza="main",repo="1"} 1
# TYPE pgbackrest_backups gauge
pgbackrest_backups{stanza="main",repo="1",backup_type="full"} 2
pgbackrest_backups{stanza="main",repo="1",backup_type="incr"} 0
# TYPE pgbackrest_backup_age_seconds gauge
pgbackrest_backup_age_seconds{stanza="main",repo="1",backup_type="full"} 90.4
# TYPE pgbackrest_backup_last_duration_seconds gauge
pgbackrest_backup_last_duration_seconds{stanza="main",repo="1",backup_type="full"} 3
# TYPE pgbackrest_backup_last_size_bytes gauge
pgbackrest_backup_last_size_bytes{stanza="main",repo="1",backup_type="full"} 24641536
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are made below the test's own: other labs on this machine are not looked at."""
    monkeypatch.setattr(folder, "_base", lambda _: tmp_path)


def test_the_summary_says_what_is_known_and_asks_where_it_is_not() -> None:
    assert summary(SCRAPE).splitlines() == [
        "stanza main: ok, PostgreSQL 15",
        "  repository 1: ok, aes-256-cbc, WAL segments 1 to 12 on timeline 2",
        "    2 full  newest 1 min 30 s ago, took 3 s, database 23.5 MiB, ? added to the repository",
        "  repository 2: NOT OK, ?",
    ]


def test_a_scrape_has_no_value_where_there_is_no_sample() -> None:
    assert Scrape(SCRAPE).value("repo_ok", stanza="other") is None


def test_a_lab_that_died_is_removed_with_its_processes_and_a_living_one_is_not(tmp_path: Path) -> None:
    living, dead = folder.Folder(OURSELVES), folder.Folder(OURSELVES)
    environment = {folder.VARIABLE: str(dead.path)}
    child = Child(SLEEPER, env=environment, cwd=dead.path, log=dead.path / "log")
    os.close(dead._lock)  # as the kernel does at kill -9
    assert folder.remove_leftovers(OURSELVES) == [dead.path]
    assert list(tmp_path.iterdir()) == [living.path]
    assert child.stop() == -15
    living.remove()
    assert not living.path.exists()


def test_a_folder_without_our_marker_is_never_removed(tmp_path: Path) -> None:
    foreign = tmp_path / f"{folder.PREFIX}of-somebody"
    foreign.mkdir()
    assert folder.remove_leftovers(OURSELVES) == []
    assert foreign.exists()


def test_a_failing_program_is_an_error_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"(?s)^sh -c .* exit code 3:\nit is full$"):
        run(("/bin/sh", "-c", "echo it is full >&2; exit 3"), env={}, cwd=tmp_path)


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"did not finish within 0\.2 s"):
        run(SLEEPER, env={}, cwd=tmp_path, within=0.2)


def test_a_child_is_known_by_the_port_at_which_it_listens_itself(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        listen = (
            "import socket, time; s = socket.create_server(('127.0.0.1', 0));"
            "print(s.getsockname()[1], flush=True); time.sleep(600)"
        )
        child = Child((sys.executable, "-c", listen), env={}, cwd=tmp_path, log=tmp_path / "log")
        until(lambda: child.log.endswith("\n"), within=10, what="a port")
        assert child.listens_at(int(child.log))
        assert not child.listens_at(port)
        child.stop()


def test_a_child_that_ended_is_an_error_in_its_own_words(tmp_path: Path) -> None:
    child = Child(("/bin/sh", "-c", "echo port in use; exit 1"), env={}, cwd=tmp_path, log=tmp_path / "log")
    with pytest.raises(LabError, match=r"sh ended with exit code 1:\nport in use"):
        child.wait_until(lambda: False, what="never")
