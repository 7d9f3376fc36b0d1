"""A restored copy that archives into production's repositories, on a cluster of its own."""

import pytest

from tests.cluster.scene import Scene
from tests.cluster.scenes import STRAY
from tests.cluster.stage import Stage


@pytest.mark.parametrize("scene", STRAY, ids=lambda scene: scene.name.replace(" ", "-"))
def test_scene(stage: Stage, scene: Scene) -> None:
    stage.perform(scene)
