"""The table of scenes: healthy ones, in which nobody may complain, and every way in which backups and archiving break.

They are performed in this order on one cluster. Names are those of the metrics, without the prefix.
"""

import time
from pathlib import Path

from tests.cluster import archiving, backups, failover
from tests.cluster.condition import above, equals, everywhere, exceeds, grows, kept, same, total, used
from tests.cluster.damage import Copy, lose_segment
from tests.cluster.scene import Props, Scene, shows
from tests.lab.exporter import Exporter
from tests.lab.program import until
from tests.lab.summary import Scrape

ARCHIVING = frozenset({"failing", "lag"})
# While no node takes writes there is nobody to ask how archiving goes.
HANDOVER = frozenset({"leader", "collectors"})
GAP = frozenset({"gap", "old gap"})
IDLE = 75


def _anew(props: Props, *repos: int) -> None:
    """A new full backup, which needs nothing of what was damaged before; all that is older goes."""
    for repo in repos:
        backups.again(props.cluster, "full", repo)
        props.cluster.repository.pgbackrest(f"--repo={repo}", f"--repo{repo}-retention-full=1", "expire")


# --- healthy -----------------------------------------------------------------------------------------------------


def _burst(props: Props) -> None:
    for _ in range(4):
        props.cluster.insert(20_000)
        segment = props.cluster.switch_wal(5)
    archiving.archived(props.cluster, segment)


def _drop(props: Props) -> None:
    """Segments pile up; when the command works again, they are more than the queue may hold."""
    cluster, node = props.cluster, props.cluster.primary()
    with Exporter(cluster, settings=cluster.node_settings(node), port=props.exporter.port + 1) as watching:
        before = Scrape(watching.scrape())
        for on in (False, True):
            archiving.parameters(cluster, archive_command=archiving.BAD_COMMAND)
            dropped = cluster.switch_wal(5)
            archiving.asynchronous(cluster, on=on, queue_max="32MiB")
            archiving.mend_command(cluster)
            archiving.archived(cluster, dropped)
            archiving.asynchronous(cluster)
            archiving.archived(cluster, cluster.switch_wal())
        props.dropped_at = time.monotonic()
        counted = grows("wal_dropped_segments_total", 5)
        until(
            lambda: counted.holds(Scrape(watching.scrape()), before),
            within=15,
            what="the exporter on the node counts what was dropped",
        )


def _expire(props: Props) -> None:
    props.cluster.repository.pgbackrest("expire")
    props.idle_since = time.monotonic()


def _idle(props: Props) -> None:
    end = props.idle_since + IDLE
    until(lambda: time.monotonic() >= end, within=IDLE + 5, what="an idle minute", every=0.2)


def _restart_exporter(props: Props) -> None:
    props.exporter.child.stop()
    props.exporter.start()
    props.exporter.wait_until_ready()


def _idle_promoted(props: Props) -> None:
    archiving.parameters(props.cluster, archive_timeout="0")
    failover.switchover(props.cluster)
    props.cluster.wait_until_whole()


def _switchover(props: Props) -> None:
    failover.switchover(props.cluster)
    props.cluster.wait_until_whole()


def _begin_long_backup(props: Props) -> None:
    child = backups.begun(props.cluster)
    backups.freeze(child)
    props.running = child


HEALTHY = (
    Scene(
        name="a backup of a replica",
        act=lambda props: props.cluster.repository.backup("incr", 1),
        shows=shows(
            10,
            grows("backups", repo="1", backup_type="incr"),
            grows("runs_total", result="success", repo="1"),
        ),
    ),
    Scene(
        name="a burst of WAL",
        act=_burst,
        shows=shows(
            15, grows("wal_archived_segments_total", 20), grows("wal_archive_segments_total", 20, repo="1")
        ),
        clears=shows(15, everywhere("wal_archive_ready_segments", 0)),
    ),
    # An asynchronous push may be late: that a hole is one is said two minutes later, and so is looked for further down.
    Scene(
        name="archive-push-queue-max drops WAL, synchronously and asynchronously",
        act=_drop,
        upsets=ARCHIVING | GAP,
        scars=GAP,
    ),
    # Nothing is written from here on: the next scenes are one idle time, with archive_timeout = 60s.
    Scene(
        name="expire on an idle cluster",
        act=_expire,
        shows=shows(10, grows("runs_total", command="expire", result="success")),
    ),
    Scene(
        name="a replica is down on an idle cluster",
        act=lambda props: failover.stop_replica(props.cluster),
        shows=shows(20, total("patroni_members", 1, role="replica", state="running")),
        heal=lambda props: failover.bring_back(props.cluster),
        clears=shows(20, total("patroni_members", 2, role="replica", state="running")),
    ),
    Scene(name="idle for more than a minute, archive_timeout 60s", act=_idle),
    Scene(
        name="a switchover",
        act=_switchover,
        shows=shows(20, grows("patroni_timeline"), grows("postgresql_timeline")),
        upsets=HANDOVER,
        clears=shows(
            20,
            kept("wal_archived_segments_total"),
            same("wal_archive_newest_history_timeline", "patroni_timeline"),
        ),
    ),
    Scene(
        name="a promoted primary stays idle, archive_timeout 0",
        act=_idle_promoted,
        shows=shows(20, grows("patroni_timeline")),
        upsets=HANDOVER,
        clears=shows(
            20,
            same("wal_archive_newest_history_timeline", "patroni_timeline"),
            # It has a history there and no segment: nothing was written.
            exceeds("patroni_timeline", "wal_archive_newest_timeline"),
        ),
    ),
    Scene(
        name="the exporter restarts on an idle cluster",
        act=_restart_exporter,
        clears=shows(20, kept("runs_total")),
        lasts=IDLE / 3,
        heal=lambda props: archiving.parameters(props.cluster, archive_timeout="60s"),
    ),
    Scene(
        name="what was dropped is a hole in both repositories",
        since=lambda props: props.dropped_at,
        shows=shows(
            180,
            above("wal_archive_missing_segments", 5, position="newest", repo="1"),
            above("wal_archive_missing_segments", 5, position="newest", repo="2"),
        ),
        upsets=GAP,
        heal=lambda props: _anew(props, 1, 2),
        clears=shows(20, everywhere("wal_archive_missing_segments", 0, position="newest")),
        mends=GAP,
    ),
    # Not before: with the backup from before the hole it would wait for the dropped WAL for ever.
    Scene(
        name="a replica is made anew by pgBackRest",
        act=lambda props: failover.reinitialise(props.cluster),
    ),
    Scene(
        name="a backup runs long",
        act=_begin_long_backup,
        shows=shows(10, equals("stanza_lock_held", 1, command="backup")),
        lasts=10,
    ),
)

# --- pgBackRest's commands --------------------------------------------------------------------------------------


def _finish_long_backup(props: Props) -> None:
    if props.running:
        backups.thaw(props.running)
    backups.again(props.cluster, "full")


def _fail_expire(props: Props) -> None:
    folder = props.cluster.repository.repo1 / "backup" / "main"
    folder.chmod(0o500)
    backups.fails(props.cluster, "--repo1-retention-full=1", "--repo=1", "expire", code=104)


def _let_expire(props: Props) -> None:
    (props.cluster.repository.repo1 / "backup" / "main").chmod(0o750)
    props.cluster.repository.pgbackrest("--repo1-retention-full=1", "--repo=1", "expire")


COMMANDS = (
    Scene(
        name="a backup meets the lock of another",
        act=lambda props: backups.fails(props.cluster, "--type=full", "--repo=1", "backup", code=50),
        shows=shows(
            10,
            grows("runs_total", command="backup", result="failure"),
            equals("run_last_exit_code", 50, command="backup", backup_type="full"),
        ),
        upsets=frozenset({"runs"}),
        heal=_finish_long_backup,
        clears=shows(
            10,
            equals("run_last_exit_code", 0, command="backup", backup_type="full"),
            everywhere("stanza_lock_held", 0, command="backup"),
        ),
    ),
    Scene(
        name="a backup is killed",
        act=lambda props: backups.killed(props.cluster),
        shows=(
            *shows(20, grows("runs_total", command="backup", result="killed")),
            *shows(20, equals("repo_orphans", 1, repo="1")),
        ),
        upsets=frozenset({"runs", "orphans"}),
        heal=lambda props: backups.again(props.cluster),
        clears=shows(15, everywhere("repo_orphans", 0)),
    ),
    Scene(
        name="expire fails",
        act=_fail_expire,
        shows=shows(
            10,
            grows("runs_total", command="expire", result="failure"),
            equals("run_last_exit_code", 104, command="expire"),
        ),
        upsets=frozenset({"runs"}),
        heal=_let_expire,
        clears=shows(10, everywhere("run_last_exit_code", 0, command="expire")),
    ),
    Scene(
        name="a stop file",
        act=lambda props: props.cluster.repository.pgbackrest("stop"),
        shows=shows(10, equals("stanza_stopped", 1)),
        upsets=frozenset({"stopped"}) | ARCHIVING,
        heal=lambda props: (props.cluster.repository.pgbackrest("start"), props.cluster.switch_wal()),
        clears=shows(10, equals("stanza_stopped", 0)),
    ),
)

# --- archiving ---------------------------------------------------------------------------------------------------


def _bad_command(props: Props) -> None:
    archiving.parameters(props.cluster, archive_command=archiving.BAD_COMMAND)
    props.cluster.switch_wal()


def _hang(props: Props) -> None:
    archiving.hang_command(props.cluster)
    props.cluster.switch_wal()


def _mend(props: Props) -> None:
    archiving.mend_command(props.cluster)
    # After three failures the archiver sleeps for a minute, or until the next segment.
    archiving.archived(props.cluster, props.cluster.switch_wal())


def _fill(props: Props) -> None:
    props.cluster.repository.filesystem.fill()
    props.cluster.switch_wal()


def _make_room(props: Props) -> None:
    props.cluster.repository.filesystem.empty()
    archiving.archived(props.cluster, props.cluster.switch_wal())


def _close_archive(props: Props) -> None:
    archiving.asynchronous(props.cluster, on=False)
    for folder in _archive_folders(props):
        folder.chmod(0o500)
    props.cluster.switch_wal()


def _open_archive(props: Props) -> None:
    for folder in _archive_folders(props):
        folder.chmod(0o750)
    archiving.archived(props.cluster, props.cluster.switch_wal())


def _archive_folders(props: Props) -> list[Path]:
    found = (props.cluster.repository.repo1 / "archive" / "main").rglob("*")
    return [path for path in found if path.is_dir()]


def _s3_away(props: Props) -> None:
    props.cluster.s3.stop()
    props.cluster.switch_wal()


def _s3_again(props: Props) -> None:
    props.cluster.s3.start()
    props.cluster.s3.wait()
    archiving.archived(props.cluster, props.cluster.switch_wal(), within=120)


BROKEN = (
    Scene(
        name="a bad archive_command",
        act=_bad_command,
        shows=shows(
            15,
            equals("wal_archive_failing", 1),
            above("wal_archive_lag_seconds", 5),
            above("wal_archive_ready_segments", 0),
            above("wal_archive_lag_bytes", 8 << 20),
            grows("wal_archive_failures_total"),
        ),
        upsets=ARCHIVING,
        heal=_mend,
        clears=shows(10, everywhere("wal_archive_failing", 0), everywhere("wal_archive_lag_seconds", 0)),
    ),
    Scene(
        name="an archive_command that hangs",
        act=_hang,
        shows=shows(20, above("wal_archive_lag_seconds", 10)),
        upsets=frozenset({"lag"}),
        heal=_mend,
        clears=shows(10, everywhere("wal_archive_lag_seconds", 0)),
    ),
    Scene(
        name="no archive_command",
        act=lambda props: archiving.parameters(props.cluster, archive_command="/bin/true"),
        shows=shows(10, equals("wal_archive_enabled", 0)),
        upsets=frozenset({"enabled"}),
        heal=_mend,
        clears=shows(10, equals("wal_archive_enabled", 1)),
    ),
    Scene(
        name="a full repository",
        act=_fill,
        shows=shows(
            20,
            used("repo", 0.95, repo="1"),
            equals("wal_archive_failing", 1),
            above("wal_archive_lag_seconds", 5),
        ),
        upsets=ARCHIVING | {"room"},
        heal=_make_room,
        clears=shows(15, everywhere("wal_archive_failing", 0), everywhere("wal_archive_lag_seconds", 0)),
    ),
    Scene(
        name="a repository that refuses, pushed to synchronously",
        act=_close_archive,
        shows=shows(20, equals("wal_archive_failing", 1), above("wal_archive_lag_seconds", 5)),
        upsets=ARCHIVING,
        heal=_open_archive,
        clears=shows(15, everywhere("wal_archive_failing", 0), everywhere("wal_archive_lag_seconds", 0)),
    ),
    Scene(
        name="a segment is lost in repository 1",
        act=lambda props: lose_segment(props.cluster),
        shows=shows(
            15,
            equals("wal_archive_missing_segments", 1, position="newest", repo="1"),
        ),
        upsets=GAP,
        heal=lambda props: _anew(props, 1),
        clears=shows(20, everywhere("wal_archive_missing_segments", 0, position="newest")),
    ),
    Scene(
        name="S3 is out of reach",
        act=_s3_away,
        shows=shows(45, equals("repo_ok", 0, repo="2"), above("wal_archive_lag_seconds", 5)),
        upsets=ARCHIVING | {"stanza", "collectors"},
        heal=_s3_again,
        clears=shows(20, equals("repo_ok", 1, repo="2"), everywhere("wal_archive_lag_seconds", 0)),
    ),
)

# --- timelines ---------------------------------------------------------------------------------------------------


def _stray(props: Props) -> None:
    props.copy = Copy(props.cluster)
    props.copy.start()


TIMELINES = (
    Scene(
        name="the primary dies",
        act=lambda props: failover.kill_primary(props.cluster),
        shows=shows(30, grows("patroni_timeline"), grows("postgresql_timeline")),
        upsets=HANDOVER,
        heal=lambda props: failover.bring_back(props.cluster),
        clears=shows(
            20,
            same("wal_archive_newest_history_timeline", "patroni_timeline"),
            total("patroni_members", 2, role="replica", state="running"),
        ),
    ),
)

# On a cluster of its own, after a switchover: this copy is made of the newest backup, whatever befell that before.
STRAY = (
    next(scene for scene in HEALTHY if scene.name == "a switchover"),
    Scene(
        name="a restored copy archives by mistake",
        act=_stray,
        shows=shows(
            15,
            exceeds("wal_archive_newest_timeline", "patroni_timeline", repo="1"),
            exceeds("wal_archive_newest_history_timeline", "patroni_timeline", repo="2"),
        ),
        upsets=frozenset({"timelines"}) | GAP,
        heal=lambda props: props.copy.undo() if props.copy else None,
        clears=shows(
            15,
            same("wal_archive_newest_history_timeline", "patroni_timeline"),
        ),
    ),
)

SCENES = (*HEALTHY, *COMMANDS, *BROKEN, *TIMELINES)
