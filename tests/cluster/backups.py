"""Ways in which pgBackRest's own commands end badly, or take long."""

import os
import signal
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.lab.child import Child
from tests.lab.program import LabError, until


def begun(cluster: Cluster, backup_type: str = "full", repo: int = 1) -> Child:
    """A backup that is copying files now."""
    before = set(_manifests(cluster))
    child = cluster.repository.begin(f"--type={backup_type}", f"--repo={repo}", "backup")

    def copies() -> bool:
        child.check_alive()
        return bool(set(_manifests(cluster)) - before)

    until(copies, within=60, what="a backup copies files", every=0.005)
    return child


def freeze(child: Child) -> None:
    """Stop a command where it is, so that it takes as long as one likes."""
    os.killpg(child.pid, signal.SIGSTOP)


def thaw(child: Child) -> None:
    """Let it go on, and wait for its end; LabError when that is none in success."""
    os.killpg(child.pid, signal.SIGCONT)
    if not child.ends_within(60):
        raise LabError(f"the backup did not end:\n{child.log[-2000:]}")


def killed(cluster: Cluster) -> None:
    """A backup dies in the middle, by the out-of-memory killer say."""
    child = begun(cluster)
    os.killpg(child.pid, signal.SIGKILL)
    child.ends_within(10)


def again(cluster: Cluster, backup_type: str = "full", repo: int = 1) -> None:
    """A good backup; what an earlier one left holds the lock for some seconds yet."""

    def succeeds() -> bool:
        try:
            cluster.repository.backup(backup_type, repo)
        except LabError as error:
            if "exit code 50" not in str(error):
                raise
            return False
        return True

    until(succeeds, within=60, what="a backup gets the lock", every=0.5)


def fails(cluster: Cluster, *arguments: str, code: int) -> None:
    """Run a command that must fail with this exit code; LabError when it does not."""
    try:
        cluster.repository.pgbackrest(*arguments)
    except LabError as error:
        if f"exit code {code}:" in str(error):
            return
        raise
    raise LabError(f"pgbackrest {' '.join(arguments)} succeeded, it should have failed with {code}")


def _manifests(cluster: Cluster) -> list[Path]:
    """Of backups that are not finished."""
    found = (cluster.repository.repo1 / "backup" / "main").glob("*/backup.manifest.copy")
    return [path for path in found if not path.with_suffix("").exists()]
