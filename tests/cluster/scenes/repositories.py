"""A repository is full, closed, out of reach, not mounted; or the stanza is gone from all of them."""

from pathlib import Path

from tests.cluster import archiving
from tests.cluster.condition import above, equals, everywhere, used
from tests.cluster.healing import anew, resumed
from tests.cluster.health import ARCHIVING
from tests.cluster.scene import Props, Scene, shows


def _fill(props: Props) -> None:
    props.cluster.repository.filesystem.fill()
    props.cluster.switch_wal()


def _make_room(props: Props) -> None:
    props.cluster.repository.filesystem.empty()
    resumed(props)


def _close_archive(props: Props) -> None:
    archiving.asynchronous(props.cluster, on=False)
    for folder in _archive_folders(props):
        folder.chmod(0o500)
    props.cluster.switch_wal()


def _open_archive(props: Props) -> None:
    for folder in _archive_folders(props):
        folder.chmod(0o750)
    resumed(props)


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


def _unmount(props: Props) -> None:
    props.cluster.repository.filesystem.unmount()
    props.cluster.switch_wal()


def _mount(props: Props) -> None:
    props.cluster.repository.filesystem.mount_again()
    resumed(props)


def _delete_stanza(props: Props) -> None:
    repository = props.cluster.repository
    for repo in (1, 2):
        repository.pgbackrest("stop")  # the stop file goes with the stanza
        repository.pgbackrest(f"--repo={repo}", "--force", "stanza-delete")


def _make_stanza(props: Props) -> None:
    props.cluster.repository.pgbackrest("stanza-create")
    resumed(props)
    anew(props, 1, 2)


REPOSITORIES = (
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
        name="S3 is out of reach",
        act=_s3_away,
        shows=shows(45, equals("repo_ok", 0, repo="2"), above("wal_archive_lag_seconds", 5)),
        upsets=ARCHIVING | {"stanza", "collectors"},
        heal=_s3_again,
        clears=shows(20, equals("repo_ok", 1, repo="2"), everywhere("wal_archive_lag_seconds", 0)),
    ),
    Scene(
        name="a repository is not mounted",
        act=_unmount,
        shows=shows(20, equals("repo_ok", 0, repo="1"), equals("wal_archive_failing", 1)),
        upsets=ARCHIVING | {"stanza", "collectors"},
        heal=_mount,
        clears=shows(15, equals("repo_ok", 1, repo="1"), everywhere("wal_archive_failing", 0)),
    ),
)
# Last of all: what is older is in no repository any more.
DELETED = (
    Scene(
        name="the stanza is deleted",
        act=_delete_stanza,
        shows=shows(15, equals("stanza_ok", 0)),
        upsets=ARCHIVING | {"stanza", "collectors", "stopped"},
        heal=_make_stanza,
        clears=shows(15, equals("stanza_ok", 1), everywhere("repo_ok", 1)),
    ),
)
