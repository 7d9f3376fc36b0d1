"""Everything that can befall backups and archiving, on one real cluster; tests/cluster/scenes is the table."""

import pytest

from tests.cluster.scene import Scene
from tests.cluster.scenes import SCENES
from tests.cluster.stage import Stage


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
def test_scene(stage: Stage, scene: Scene) -> None:
    stage.perform(scene)
