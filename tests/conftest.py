"""Fixtures for everybody."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.standin import PROGRAM, Standin

# No test judges speed: the machine may be busy with the other lane. A fixture that all examples share is meant.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Standin:
    """The stand-in is the `pgbackrest` on PATH, for this process and those it starts."""
    folder = tmp_path / "standin"
    folder.mkdir()
    monkeypatch.setenv("STANDIN_DIR", str(folder))
    monkeypatch.setenv("PATH", f"{PROGRAM.parent}:{os.environ['PATH']}")
    return Standin(folder)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that takes what is printed now as golden, and the one that writes down the scenes."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")
    parser.addoption("--scenes", metavar="FILE", help="write the table of tests/cluster's scenes there, too")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return bool(request.config.getoption("--update-golden"))
