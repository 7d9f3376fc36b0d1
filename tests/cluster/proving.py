"""Restore tests on the repository host, as a timer starts them there."""

import json
import subprocess  # noqa: TID251 - restore tests are started from outside, as by a timer
import sys
from collections.abc import Mapping
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.repository import STANZA
from tests.lab.exporter import PROJECT
from tests.lab.program import LabError

# More rows than there are.
TOO_MANY = {"name": "rows", "query": "select count(*) from lab", "at_least": 1e9}


def tested_settings(cluster: Cluster, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Of the exporter on the repository host; its state is its own, and the account's, which runs restore tests."""
    scratch, state = (cluster.own(cluster.path / name) for name in ("scratch", "state-of-tests"))
    restore_tests = {
        "every": "1s", "to": str(scratch), "keep_free": "100MiB", "shared_buffers": "16MiB", "nice": 0,
        "amcheck": "off", "repos": [1], "allow_repository_filesystem": True,
    }  # fmt: skip
    settings = cluster.exporter_settings({**changes, "restore_tests": restore_tests})
    return settings | {"state_path": str(state)}


def restore_test(
    cluster: Cluster, settings: Mapping[str, Any], target: str, *, code: int, **changes: Any
) -> None:
    """Run one with *changes* of its section; LabError when it ends otherwise than with *code*."""
    file = cluster.path / f"restore-test-{target}.yml"
    document = {**settings, "restore_tests": settings["restore_tests"] | changes}
    cluster.write(file, json.dumps(document))  # JSON is YAML
    account = cluster.account
    ended = subprocess.run(
        (
            *(sys.executable, "-m", "tests.restore.launch", str(account.uid), str(account.gid)),
            *("restore-test", f"--config.file={file}", f"--stanza={STANZA}", f"--target={target}"),
        ),
        env=cluster.servers_environment | {"PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=cluster.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )
    if ended.returncode != code:
        raise LabError(f"the restore test ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
