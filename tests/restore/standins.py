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


def halting(folder: Path, programs: Path, name: str) -> str:
    """A folder with PostgreSQL's programs, one of which does not come to an end."""
    made = folder / f"halting-{name}"
    if not made.exists():
        made.mkdir()
        for program in programs.iterdir():
            (made / program.name).symlink_to(program)
        (made / name).unlink()
        (made / name).write_text("#!/bin/sh\nexec sleep 60\n")
        (made / name).chmod(0o755)
    return str(made)
