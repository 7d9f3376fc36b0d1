"""Where PostgreSQL's programs of a given major version are."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.programs.process import ProcessError, run

# Debian's and Ubuntu's, PGDG's for Red Hat, SUSE's, Alpine's, the official container's.
PLACES = (
    "/usr/lib/postgresql/{}/bin",
    "/usr/pgsql-{}/bin",
    "/usr/lib/postgresql{}/bin",
    "/usr/libexec/postgresql{}",
    "/usr/local/bin",
)
_VERSION = re.compile(rb"\(PostgreSQL\) (\d+)")


class BinariesError(Exception):
    """There is no PostgreSQL of that version; the message is one line with a remedy."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one installation."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.folder / name)

    def has(self, name: str) -> bool:
        """Whether a program of contrib is installed."""
        return os.access(self.folder / name, os.X_OK)


async def find(
    version: str, named: Mapping[str, str], places: Sequence[str] = PLACES, *, needed: Sequence[str] = ()
) -> Binaries:
    """Return the programs for *version* ("15"), from the folder that the settings name or where packages put them.

    Each candidate is asked for its version, and has to hold those that are *needed*. Raises BinariesError.
    """
    folders = [Path(named[version])] if version in named else [Path(each.format(version)) for each in places]
    found: list[str] = []
    for folder in folders:
        if not os.access(folder / "postgres", os.X_OK):
            continue
        major = await _major(folder / "postgres")
        lacking = [name for name in needed if not os.access(folder / name, os.X_OK)]
        if str(major) == version and major is not None and not lacking:
            return Binaries(folder, major)
        lacks = f" and lacks {', '.join(lacking)}" if lacking else ""
        found.append(f"{folder} holds version {major or 'unknown'}{lacks}")
    what = "; ".join(found) or f"looked in {', '.join(map(str, folders))}"
    raise BinariesError(
        f"PostgreSQL {version} is needed to start this backup and not here ({what}):"
        f" install it, or name its folder in restore_tests.binaries"
    )


async def _major(program: Path) -> int | None:
    try:
        done = await run((str(program), "--version"), within=10.0)
    except ProcessError:
        return None
    found = _VERSION.search(bytes(done.stdout))
    return int(found[1]) if found else None
