"""Whether recovery came far enough, on the right timeline, of the right cluster: judged without a server."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.model.info import Archive, Backup, Database
from exporter.model.restore_tests import Check
from exporter.restore.binaries import Binaries
from exporter.restore.checks import recovery
from exporter.restore.choice import Choice
from exporter.restore.console import Console
from exporter.restore.controldata import ControlData
from exporter.restore.findings import Findings
from exporter.restore.production import Production
from exporter.restore.replay import Recovered
from exporter.restore.scene import Scene
from exporter.restore.workplace import Workplace
from exporter.settings.restore_tests import RestoreTests

SIZE = 16 << 20
BACKUP = Backup(
    stanza="main", repo=1, label="F", type="full", database_id=1, start=90, stop=100, size=1000, delta=1000,
    repo_size=500, repo_delta=500, error=False, prior=None, wal_start="000000010000000000000002",
    wal_stop="000000010000000000000002", lsn_start="0/2000028", backrest_version="2.45",
)  # fmt: skip
CHOICE = Choice(
    backup=BACKUP,
    database=Database(id=1, repo=1, version="15", system_id=7),
    archive=Archive(
        database_id=1, repo=1, oldest="000000010000000000000002", newest="000000010000000000000005",
        wal_segment_size=SIZE,
    ),
    target="latest",
)  # fmt: skip
CONTROL = ControlData(
    system_id=7, timeline=1, segment_size=SIZE, block_size=8192, checksums=True, minimum_recovery="", redo="",
    settings={},
)  # fmt: skip
RECOVERED = Recovered(start=2 * SIZE, end=5 * SIZE + 100, last_transaction=200.0, timeline=2, stopping=None)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The newest segment was replayed, production cannot be asked."""
    (tmp_path / "data" / "pg_wal").mkdir(parents=True)
    return Scene(
        choice=CHOICE,
        place=Workplace(tmp_path, -1),
        binaries=Binaries(tmp_path, 15),
        control=CONTROL,
        recovered=RECOVERED,
        production=Production(why="nobody is there"),
        settings=RestoreTests(),
        findings=Findings(Console()),
    )


def judged(scene: Scene, check: str, **changes: Any) -> Check:
    judge = {
        "recovered_to": recovery._recovered_to,
        "timeline": recovery._timeline,
        "system_id": recovery._system_id,
    }[check]
    judge(replace(scene, **changes))
    return scene.findings.checks[check]


@pytest.mark.parametrize(
    ("end", "state"),
    [(5 * SIZE + 1, "ok"), (5 * SIZE, "failed"), (4 * SIZE + 100, "failed"), (6 * SIZE, "ok")],
)
def test_the_newest_segment_has_to_be_begun(scene: Scene, end: int, state: str) -> None:
    check = judged(scene, "recovered_to", recovered=replace(RECOVERED, end=end))
    assert check.state == state
    assert ("reaches 000000010000000000000005" in check.words) == (state == "failed")


@pytest.mark.parametrize(("end", "state"), [(6 * SIZE - 1, "failed"), (6 * SIZE, "ok")])
def test_the_canary_has_to_be_there(scene: Scene, end: int, state: str) -> None:
    known = Production(timeline=1, canary=6 * SIZE)
    check = judged(scene, "recovered_to", production=known, recovered=replace(RECOVERED, end=end))
    assert check.state == state
    assert ("the canary at 0/6000000 is missing" in check.words) == (state == "failed")


def test_a_target_that_was_reached_needs_no_newest_segment(scene: Scene) -> None:
    early = replace(RECOVERED, end=3 * SIZE, stopping="recovery stopping before commit")
    moment = replace(CHOICE, target="time", moment=150.0)
    assert judged(scene, "recovered_to", choice=moment, recovered=early).state == "ok"
    missed = replace(early, stopping=None)
    assert judged(scene, "recovered_to", choice=moment, recovered=missed).state == "failed"
    immediate = replace(CHOICE, target="immediate")
    assert judged(scene, "recovered_to", choice=immediate, recovered=missed).state == "ok"


@pytest.mark.parametrize(
    ("followed", "production", "state"),
    [(1, 1, "ok"), (2, 1, "failed"), (1, 2, "failed"), (None, 1, "skipped"), (1, None, "skipped")],
)
def test_the_timeline_has_to_be_productions(
    scene: Scene, followed: int | None, production: int | None, state: str
) -> None:
    if followed is not None:
        history = scene.place.data / "pg_wal" / "00000002.history"
        history.write_text(f"{followed}\t0/5000064\tno recovery target specified\n")
    known = Production(why="nobody is there", timeline=production)
    assert judged(scene, "timeline", production=known).state == state


def test_an_earlier_moment_may_be_on_an_earlier_timeline(scene: Scene) -> None:
    (scene.place.data / "pg_wal" / "00000002.history").write_text("1\t0/5000064\tno target\n")
    moment = replace(CHOICE, target="time", moment=150.0)
    assert judged(scene, "timeline", choice=moment, production=Production(timeline=2)).state == "ok"


@pytest.mark.parametrize(
    ("restored", "production", "state"),
    [(7, None, "ok"), (7, 7, "ok"), (8, None, "failed"), (7, 8, "failed")],
)
def test_the_system_identifier_has_to_be_the_stanzas(
    scene: Scene, restored: int, production: int | None, state: str
) -> None:
    check = judged(
        scene,
        "system_id",
        control=replace(CONTROL, system_id=restored),
        production=Production(system_id=production),
    )
    assert check.state == state


def test_the_moment_that_was_reached_is_at_least_the_backups_end(scene: Scene) -> None:
    assert scene.reached == 200.0
    assert replace(scene, recovered=replace(RECOVERED, last_transaction=None)).reached == 100.0
