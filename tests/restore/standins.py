"""A pgbackrest that goes wrong at one point: it is the real one, but for one command or one segment."""

import shutil
from pathlib import Path

_SCRIPT = """#!/bin/sh
case "$*" in
*"{when}"*) {then} ;;
esac
exec {program} "$@"
"""


def going_wrong(folder: Path, name: str, *, when: str, then: str) -> list[str]:
    """The command of a pgbackrest that does *then*, in shell, whenever its arguments contain *when*."""
    script = folder / name
    script.write_text(_SCRIPT.format(when=when, then=then, program=shutil.which("pgbackrest")))
    script.chmod(0o755)
    return [str(script)]
