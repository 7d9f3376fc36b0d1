"""The table of scenes: healthy ones, in which nobody may complain, and every way in which backups and archiving break.

They are performed in this order on one cluster. Names are those of the metrics, without the prefix.
"""

from tests.cluster.scenes.archive import ARCHIVE
from tests.cluster.scenes.commands import COMMANDS
from tests.cluster.scenes.healthy import HEALTHY
from tests.cluster.scenes.repositories import DELETED, REPOSITORIES
from tests.cluster.scenes.timelines import STRAY, TIMELINES

__all__ = ["SCENES", "STRAY"]

SCENES = (*HEALTHY, *COMMANDS, *ARCHIVE, *REPOSITORIES, *TIMELINES, *DELETED)
