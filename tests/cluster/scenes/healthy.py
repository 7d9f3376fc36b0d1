"""A healthy system: whatever is done, nobody may complain. Two harms stand among it, for the time that they take."""

import time

from tests.cluster import archiving, backups, failover
from tests.cluster.condition import above, equals, everywhere, exceeds, grows, kept, same, total
from tests.cluster.healing import anew, start_exporter
from tests.cluster.health import ARCHIVING, GAP, HANDOVER
from tests.cluster.scene import Props, Scene, shows
from tests.lab.exporter import Exporter
from tests.lab.program import until
from tests.lab.summary import Scrape

IDLE = 75


def _burst(props: Props) -> None:
    for _ in range(4):
        props.cluster.insert(20_000)
        segment = props.cluster.switch_wal(5)
    archiving.archived(props.cluster, segment)


def _drop(props: Props) -> None:
    """Segments pile up; when the command works again, they are more than the queue may hold."""
    cluster, node = props.cluster, props.cluster.primary()
    settings = {**cluster.node_settings(node), "thresholds": props.settings["thresholds"]}
    watching = props.watching = Exporter(cluster, settings=settings, port=props.exporter.port + 1)
    watching.start()
    watching.wait_until_ready()
    props.stack.also_scrape(watching.address.removeprefix("http://"))
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


def _leave_node(props: Props) -> None:
    """The exporter on the node has told what was to be told; Prometheus knows of it before it ends."""
    props.stack.also_scrape()
    if props.watching:
        props.watching.child.stop()


def _expire(props: Props) -> None:
    props.cluster.repository.pgbackrest("expire")
    props.idle_since = time.monotonic()


def _idle(props: Props) -> None:
    end = props.idle_since + IDLE
    until(lambda: time.monotonic() >= end, within=IDLE + 5, what="an idle minute", every=0.2)


def _restart_exporter(props: Props) -> None:
    props.exporter.child.stop()
    start_exporter(props)


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
        heal=_leave_node,
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
    Scene(name="Prometheus restarts", act=lambda props: props.stack.restart_prometheus(), lasts=15),
    Scene(name="the exporter is killed", act=lambda props: props.exporter.child.kill(), heal=start_exporter),
    Scene(
        name="what was dropped is a hole in both repositories",
        since=lambda props: props.dropped_at,
        shows=shows(
            180,
            above("wal_archive_missing_segments", 5, position="newest", repo="1"),
            above("wal_archive_missing_segments", 5, position="newest", repo="2"),
        ),
        upsets=GAP,
        heal=lambda props: anew(props, 1, 2),
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
