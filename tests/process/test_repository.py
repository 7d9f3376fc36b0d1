"""The repositories, listed beside `info`: what is seen, what fails alone, and why it may be off."""

import json
import time
from pathlib import Path

import pytest

from tests.process.conftest import CORPUS
from tests.process.host import Host
from tests.process.running import Running
from tests.standin.tree import Tree

TWO = "[global]\nrepo1-path={folder}/one\nrepo2-type=s3\nrepo2-path=/two\n[demo]\npg1-path=/pg/demo\n"
LONG_AGO = int(time.time()) - 86_400


@pytest.fixture
def tree(host: Host) -> Tree:
    """The WAL of the corpus' two repositories, on this disk and in an object store."""
    host.writes("pgbackrest.conf", TWO.format(folder=host.folder))
    host.standin.prints((CORPUS / "two_repos_ok.json").read_bytes())
    host.sets(repository={"enabled": True, "every": "1s", "within": "20s"})
    for repo in (2, 1):
        tree = Tree(host.standin, repo)
        for number in range(1, 0x21):
            tree.segment(f"0000000100000000{number:08X}", LONG_AGO + number)
        tree.show()
    return tree


def missing(exporter: Running, repo: int) -> float | None:
    name = "wal_archive_missing_segments"
    return exporter.value(name, stanza="demo", repo=str(repo), position="newest")


def works(exporter: Running) -> bool:
    return exporter.value("exporter_collector_success", collector="repository", stanza="demo") == 1


def test_a_hole_is_seen_and_heals(host: Host, tree: Tree) -> None:
    exporter = host.start()
    exporter.until(lambda: missing(exporter, 1) == missing(exporter, 2) == 0, "a whole archive")
    tree.lacks("0000000100000000" + f"{0x1F:08X}")
    tree.show()
    exporter.until(lambda: missing(exporter, 1) == 1, "the hole")
    assert missing(exporter, 2) == 0
    scrape = exporter.scrape()
    assert scrape.value("wal_archive_newest_timestamp_seconds", stanza="demo", repo="1") == LONG_AGO + 0x20
    assert scrape.value("repo_capacity_bytes", stanza="", repo="2") is None
    tree.segment("0000000100000000" + f"{0x1F:08X}", LONG_AGO)
    tree.show()
    exporter.until(lambda: missing(exporter, 1) == 0, "healed")


def test_one_dead_repository_is_told_of_and_the_other_goes_on(host: Host, tree: Tree) -> None:
    exporter = host.start()
    exporter.until(lambda: works(exporter), "both are listed")
    (host.standin.folder / "dead.2").touch()
    exporter.until(lambda: not works(exporter), "the failure")
    tree.lacks("0000000100000000" + f"{0x1F:08X}")
    tree.show()
    exporter.until(lambda: missing(exporter, 1) == 1, "what is new in the living one")
    assert missing(exporter, 2) == 0, "what was known of the dead one"
    assert len(exporter.logged("repository 2: pgbackrest repo-ls: error 49")) == 1
    assert exporter.value("exporter_collector_success", collector="info", stanza="") == 1
    (host.standin.folder / "dead.2").unlink()
    exporter.until(lambda: works(exporter), "all is well again")


def test_a_listing_that_hangs_holds_up_nothing_and_ends_with_the_exporter(host: Host, tree: Tree) -> None:  # noqa: ARG001
    hangs = f'#!/bin/sh\ncase "$*" in *repo-ls*) exec sleep 1000 ;; esac\nexec {host.standin.program} "$@"\n'
    host.installs(hangs.encode())
    exporter = host.start().until_ready()
    exporter.until(lambda: exporter.value("stanza_ok", stanza="demo") == 1, "info")
    assert exporter.value("exporter_collector_success", collector="repository", stanza="demo") == 0
    assert exporter.end() < 10


def test_where_no_repository_is_here_it_is_off_and_says_why(host: Host) -> None:
    host.writes("pgbackrest.conf", "[global]\nrepo1-host=backup\n[demo]\npg1-path=/pg/demo\n")
    host.sets(repository={"enabled": None})
    exporter = host.start().until_ready()
    assert exporter.value("exporter_collector_enabled", collector="repository", stanza="demo") == 0
    assert len(exporter.logged("a collector is off.*repository.*repository.enabled: true")) == 1
    assert not [call for call in host.standin.calls if "repo-ls" in call]


def test_repositories_are_read_where_the_settings_are_silent(host: Host, tmp_path: Path) -> None:
    host.writes("pgbackrest.conf", f"[global]\nrepo1-path={tmp_path}\n[demo]\npg1-path=/pg/demo\n")
    settings = json.loads(host.settings.read_text())
    del settings["repository"]
    host.settings.write_text(json.dumps(settings))
    exporter = host.start()
    exporter.until(lambda: works(exporter), "the first listing, soon after the start")
    assert exporter.value("repo_capacity_bytes", stanza="", repo="1")
