"""A cluster for each module, watched all the time; what was measured is shown at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.scene import Props
from tests.cluster.stage import Stage, table
from tests.cluster.watch import Watch
from tests.lab.exporter import Exporter

# As often as the settings allow: scenes shall not take minutes.
OFTEN = {
    "info": {"every": "1s", "within": "15s"},
    "repository": {"every": "2s", "within": "15s"},
    "runs": {"every": "1s", "within": "10s"},
    "archiver": {"every": "1s", "within": "10s"},
    "patroni": {"every": "1s", "within": "3s"},
}
_TABLE = pytest.StashKey[str]()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Both repositories hold a full backup."""
    with Cluster() as cluster:
        for repo in (1, 2):
            cluster.repository.backup("full", repo)
        yield cluster


@pytest.fixture(scope="module")
def stage(cluster: Cluster, pytestconfig: pytest.Config) -> Iterator[Stage]:
    with (
        Exporter(cluster, settings=cluster.exporter_settings(OFTEN)) as exporter,
        Watch(exporter) as watch,
    ):
        stage = Stage(props=Props(cluster=cluster, exporter=exporter), watch=watch)
        yield stage
        before = pytestconfig.stash.get(_TABLE, "")
        pytestconfig.stash[_TABLE] = f"{before}\n{table(stage.measured)}".strip()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of scenes, and write it where --scenes says."""
    text = config.stash.get(_TABLE, "")
    if not text:
        return
    terminalreporter.section("after how many seconds it showed")
    terminalreporter.write_line(text)
    if file := config.getoption("--scenes"):
        Path(file).write_text(f"{text}\n")
