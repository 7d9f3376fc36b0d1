"""How harm is mended, whatever it was."""

from tests.cluster import archiving, backups
from tests.cluster.scene import Props


def anew(props: Props, *repos: int) -> None:
    """A new full backup, which needs nothing of what was damaged before; all that is older goes."""
    for repo in repos:
        backups.again(props.cluster, "full", repo)
        props.cluster.repository.pgbackrest(f"--repo={repo}", f"--repo{repo}-retention-full=1", "expire")


def resumed(props: Props) -> None:
    """After three failures the archiver sleeps for a minute, or until the next segment."""
    archiving.archived(props.cluster, props.cluster.switch_wal())


def start_exporter(props: Props) -> None:
    props.exporter.start()
    props.exporter.wait_until_ready()
