"""Holes, leftovers and timelines in real repositories, the second of them encrypted."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.exporter import Exporter
from tests.lab.lab import Lab
from tests.lab.postgresql import PORT, PostgreSQL
from tests.lab.program import until
from tests.lab.stanza import Stanza
from tests.lab.summary import Scrape

SETTINGS = {"info": {"every": "1s"}, "repository": {"every": "1s", "within": "20s"}}


@pytest.fixture(scope="module")
def stanza(lab: Lab) -> Stanza:
    """A backup in each repository, then eight segments."""
    stanza = lab.stanza("holdings")
    stanza.write(2_000)
    for repo in (1, 2):
        stanza.backup("full", repo=repo)
    archive(stanza, 8)
    return stanza


@pytest.fixture(scope="module")
def watching(lab: Lab, stanza: Stanza) -> Iterator[Exporter]:  # noqa: ARG001 - the stanza must be there
    with Exporter(lab, settings=SETTINGS, port=19_900) as exporter:
        yield exporter


def archive(stanza: Stanza, count: int) -> list[str]:
    """Fill so many segments, and wait until they are archived."""
    segments = []
    for _ in range(count):
        stanza.write(200)
        segments.append(stanza.switch_wal())
    return segments


def value(exporter: Exporter, name: str, repo: int = 1, **labels: str) -> float | None:
    return Scrape(exporter.scrape()).value(name, stanza="holdings", repo=str(repo), **labels)


def holes(exporter: Exporter, repo: int = 1) -> tuple[float | None, ...]:
    scrape = Scrape(exporter.scrape())
    labels = {"stanza": "holdings", "repo": str(repo)}
    missing = (
        scrape.value("wal_archive_missing_segments", position=one, **labels) for one in ("newest", "older")
    )
    return *missing, scrape.value("backups_without_wal", **labels)


def see(exporter: Exporter, condition: Callable[[], bool], what: str) -> None:
    """Wait until the exporter has noticed; its log is told otherwise."""
    until(condition, within=30, what=f"{what}\n{exporter.child.log[-2000:]}")


def apparent(root: Path, kind: str) -> int:
    """Add up the files, as `du --apparent-size` without the folders; those directly in archive/STANZA are no WAL."""
    return sum(
        (Path(folder) / name).lstat().st_size
        for folder, _, names in os.walk(root)
        for name in names
        if kind == "backup" or Path(folder) != root
    )


def wait_for_a_listing(exporter: Exporter) -> None:
    """What is there now has been seen: removed, it is not on its way."""
    now = time.time()
    for repo in (1, 2):
        see(
            exporter,
            lambda repo=repo: (value(exporter, "repo_listed_timestamp_seconds", repo) or 0) > now,  # type: ignore[misc]
            f"repository {repo} listed",
        )


def remove(lab: Lab, segment: str, repo: int = 1) -> None:
    (path,) = (lab.repository(repo) / "archive" / "holdings").glob(f"*/{segment[:16]}/{segment}-*")
    path.unlink()


def test_a_whole_archive_has_a_window_in_both_repositories(watching: Exporter) -> None:
    for repo in (1, 2):
        see(watching, lambda repo=repo: holes(watching, repo) == (0, 0, 0), "no holes")  # type: ignore[misc]
        start = value(watching, "recovery_window_start_timestamp_seconds", repo)
        end = value(watching, "recovery_window_end_timestamp_seconds", repo)
        stopped = value(watching, "backup_last_completion_timestamp_seconds", repo, backup_type="full")
        assert start is not None
        assert end is not None
        assert stopped is not None
        assert start == stopped <= end
        assert value(watching, "wal_archive_newest_timestamp_seconds", repo) == end
        assert (value(watching, "repo_size_bytes", repo, kind="backup") or 0) > 1_000_000
        assert (value(watching, "repo_size_bytes", repo, kind="archive") or 0) > 10_000


def test_sizes_are_what_du_says(watching: Exporter, lab: Lab) -> None:
    for kind in ("backup", "archive"):
        root = lab.repository(1) / kind / "holdings"
        see(
            watching,
            lambda kind=kind, root=root: (
                value(watching, "repo_size_bytes", kind=kind) == apparent(root, kind)
            ),  # type: ignore[misc]
            f"the size of {kind}: {apparent(root, kind)}",
        )


def test_a_removed_segment_is_a_new_hole_until_the_next_good_backup(
    watching: Exporter, lab: Lab, stanza: Stanza
) -> None:
    segments = archive(stanza, 3)
    wait_for_a_listing(watching)
    end = value(watching, "recovery_window_end_timestamp_seconds") or 0
    remove(lab, segments[1])
    see(watching, lambda: holes(watching) == (1, 0, 0), "one new hole")
    assert (value(watching, "recovery_window_end_timestamp_seconds") or 0) <= end
    assert holes(watching, 2) == (0, 0, 0), "the other repository has it"
    stanza.backup("incr")
    see(watching, lambda: holes(watching) == (0, 1, 0), "an older hole")
    start = value(watching, "recovery_window_start_timestamp_seconds")
    assert start == value(watching, "backup_last_completion_timestamp_seconds", backup_type="incr")


def test_an_aborted_backup_is_an_orphan_until_it_is_gone(watching: Exporter, lab: Lab) -> None:
    see(watching, lambda: value(watching, "repo_orphans") == 0, "no orphan")
    folder = lab.repository(1) / "backup" / "holdings" / "20200101-000000F"
    folder.mkdir(mode=0o755)
    (folder / "backup.manifest.copy").write_bytes(b"x" * 1234)
    see(watching, lambda: value(watching, "repo_orphans") == 1, "one orphan")
    assert value(watching, "repo_orphan_bytes") == 1234
    (folder / "backup.manifest.copy").unlink()
    folder.rmdir()
    see(watching, lambda: value(watching, "repo_orphans") == 0, "no orphan again")


def test_a_restored_copy_that_archives_here_is_no_hole_and_hides_none(
    watching: Exporter, lab: Lab, stanza: Stanza
) -> None:
    before = holes(watching, 2)
    copy = restored(lab, stanza)
    try:
        copy.sql("create table stray as select 1")
        copy.sql("select pg_switch_wal()")
        see(
            watching,
            lambda: value(watching, "wal_archive_newest_history_timeline", 2) == 2,
            "the copy's timeline",
        )
        done = "select last_archived_wal like '00000002%' from pg_stat_archiver"
        until(lambda: copy.sql(done) == "t", within=30, what="the copy archives")
    finally:
        copy.stop()
    segments = archive(stanza, 4)
    wait_for_a_listing(watching)
    assert holes(watching, 2) == before
    for repo in (1, 2):
        remove(lab, segments[1], repo)
    see(watching, lambda: holes(watching, 2)[0] == 1, "the hole in production's timeline")
    stanza.backup("full", repo=2)
    stanza.backup("incr")
    see(watching, lambda: holes(watching, 2)[0] == holes(watching)[0] == 0, "cleared by new backups")


def restored(lab: Lab, stanza: Stanza) -> PostgreSQL:
    """Restore the newest backup of repository 2, promote it, and let it archive into the stanza by mistake."""
    home = lab.path / "postgresql-copy"
    lab.own(home)
    copy = PostgreSQL(home, lab.as_account)
    lab.as_account("mkdir", "-m", "0700", str(copy.data), str(copy.socket))
    stanza.pgbackrest(
        "--repo=2",
        f"--pg1-path={copy.data}",
        "--type=immediate",
        "--target-action=promote",
        "restore",
    )
    command = (
        f"{lab.program} --config={lab.config} --stanza={stanza.name} --pg1-path={copy.data} archive-push %p"
    )
    lines = f"unix_socket_directories = '{copy.socket}'\nport = {PORT}\narchive_command = '{command}'\n"
    lab.as_account("tee", "-a", str(copy.data / "postgresql.conf"), stdin=lines)
    copy.start()
    until(lambda: copy.sql("select pg_is_in_recovery()") == "f", within=60, what="the copy is promoted")
    return copy


def test_a_promotion_goes_on_without_a_hole(watching: Exporter, lab: Lab, stanza: Stanza) -> None:
    before = value(watching, "wal_archive_newest_history_timeline", 2)
    assert before == 2
    older = {repo: holes(watching, repo)[1:] for repo in (1, 2)}
    stanza.cluster.stop()
    get = f"{lab.program} --config={lab.config} --stanza={stanza.name} archive-get %f %p"
    lab.as_account(
        "tee",
        "-a",
        str(stanza.cluster.data / "postgresql.conf"),
        stdin=f"restore_command = '{get}'\nrecovery_target_timeline = 'current'\n",
    )
    lab.as_account("touch", str(stanza.cluster.data / "recovery.signal"))
    stanza.cluster.start()
    promoted = "select not pg_is_in_recovery()"
    until(lambda: stanza.cluster.sql(promoted) == "t", within=60, what="it is promoted")
    archive(stanza, 3)
    see(watching, lambda: value(watching, "wal_archive_newest_history_timeline", 2) == 3, "its history")
    for repo in (1, 2):
        see(watching, lambda repo=repo: holes(watching, repo) == (0, *older[repo]), "no new hole")  # type: ignore[misc]
    segments = archive(stanza, 3)
    wait_for_a_listing(watching)
    remove(lab, segments[0], 2)
    see(watching, lambda: holes(watching, 2)[0] == 1, "a hole in the new timeline")
