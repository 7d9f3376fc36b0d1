"""Archiving stands still, is switched off, or has lost something."""

from tests.cluster import archiving
from tests.cluster.condition import above, equals, everywhere, grows
from tests.cluster.damage import lose_segment
from tests.cluster.healing import anew, resumed
from tests.cluster.health import ARCHIVING, GAP
from tests.cluster.scene import Props, Scene, shows


def _bad_command(props: Props) -> None:
    archiving.parameters(props.cluster, archive_command=archiving.BAD_COMMAND)
    props.cluster.switch_wal()


def _hang(props: Props) -> None:
    archiving.hang_command(props.cluster)
    props.cluster.switch_wal()


def _mend(props: Props) -> None:
    archiving.mend_command(props.cluster)
    resumed(props)


ARCHIVE = (
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
        name="a segment is lost in repository 1",
        act=lambda props: lose_segment(props.cluster, props.exporter),
        shows=shows(
            15,
            equals("wal_archive_missing_segments", 1, position="newest", repo="1"),
        ),
        upsets=GAP,
        heal=lambda props: anew(props, 1),
        clears=shows(20, everywhere("wal_archive_missing_segments", 0, position="newest")),
    ),
)
