"""A cluster for each module, watched all the time; what was measured is shown at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.receivers import Receivers
from tests.alerts.stack import Stack
from tests.cluster.alarms import FACTOR, LASTING, ROUTING, THRESHOLDS, Alarms, matrix
from tests.cluster.cluster import Cluster
from tests.cluster.proving import tested_settings
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
_MATRIX = pytest.StashKey[str]()
_TABLES = (
    (_TABLE, "after how many seconds it showed"),
    (_MATRIX, "who was told what, after how many seconds"),
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Both repositories hold a full backup."""
    with Cluster() as cluster:
        for repo in (1, 2):
            cluster.repository.backup("full", repo)
        yield cluster


@pytest.fixture(scope="module")
def stage(cluster: Cluster, pytestconfig: pytest.Config) -> Iterator[Stage]:
    settings = tested_settings(cluster, {**OFTEN, "thresholds": THRESHOLDS})
    folder = cluster.path / "alerting"
    folder.mkdir()
    with (
        Exporter(cluster, settings=settings) as exporter,
        Receivers() as receivers,
        Stack(
            folder,
            receivers=receivers.address,
            jobs=[
                {"job_name": "pgbackrest", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
            ],
            factor=FACTOR,
            lasting=LASTING,
            routing=ROUTING,
        ) as stack,
        Watch(exporter) as watch,
    ):
        alarms = Alarms(stack=stack, receivers=receivers)
        props = Props(cluster=cluster, exporter=exporter, settings=settings, stack=stack)
        stage = Stage(props=props, watch=watch, observers=[alarms])
        yield stage
        for key, text in ((_TABLE, table(stage.measured)), (_MATRIX, matrix(alarms))):
            pytestconfig.stash[key] = f"{pytestconfig.stash.get(key, '')}\n{text}".strip()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the tables of scenes, and write them where --scenes says."""
    found = [(heading, text) for key, heading in _TABLES if (text := config.stash.get(key, ""))]
    for heading, text in found:
        terminalreporter.section(heading)
        terminalreporter.write_line(text)
    if found and (file := config.getoption("--scenes")):
        Path(file).write_text("\n\n".join(text for _, text in found) + "\n")
