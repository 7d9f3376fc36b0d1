"""The files that a user copies, with this machine's paths, ports and passwords in them."""

from collections.abc import Mapping
from pathlib import Path

from tests.lab.program import LabError

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "patroni"


def deployed(name: str, changes: Mapping[str, str]) -> str:
    """A file of deploy/patroni with each of *changes* made wherever its words stand.

    LabError when they stand nowhere: then the file and the laboratory have drifted apart.
    """
    text = (FOLDER / name).read_text()
    for old, new in changes.items():
        if old not in text:
            raise LabError(f'deploy/patroni/{name} says "{old}" no more: the laboratory has to follow it')
        text = text.replace(old, new)
    return text
