"""Follows the backup folders of one stanza in one repository: a finished one never changes and is looked at once."""

import re
import time
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from exporter.model.repository import BackupFolder
from exporter.pgbackrest.lister import Lister
from exporter.pgbackrest.listing import Entries

_LABEL: Final = re.compile(r"\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?")
_MANIFEST: Final = "backup.manifest"
# A label is in the backup host's local time: after a day it is old anywhere.
_LONG_AGO: Final = 86400.0


@dataclass(slots=True)
class _Known:
    folder: BackupFolder
    files: Entries


class BackupFolders:
    """All that lies in backup/STANZA."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._history = 0
        self._history_due = float("-inf")
        self.others = 0
        """Bytes outside of backups."""

    async def look(
        self, lister: Lister, *, listed: Container[str] | None, measure: bool, again: float
    ) -> tuple[BackupFolder, ...]:
        """Return the folders that have a backup's name, in the order of their names.

        Measured, which walks the whole folder, is each finished one where *measure* is true, else only what
        *listed*, the backups that pgBackRest knows of, does not hold; None: it could not read its list.
        Raises PgBackRestError or MalformedListingError.
        """
        path = f"backup/{lister.stanza}"
        top = await lister.entries(path)
        labels = sorted(
            name for name, entry in top.items() if entry.type == "path" and _LABEL.fullmatch(name)
        )
        self._known = {label: self._known[label] for label in labels if label in self._known}
        for label in labels:
            known = self._known.get(label)
            if known is None or not known.folder.finished:
                known = self._known[label] = await _look_into(lister, f"{path}/{label}", label, known)
            elif not known.folder.settled:
                known.folder = replace(known.folder, settled=True)
            folder = known.folder
            leftover = folder.settled and listed is not None and label not in listed
            if folder.size is None and ((folder.finished and measure) or leftover):
                known.folder = replace(folder, size=await _size(lister, f"{path}/{label}"))
        await self._measure_history(lister, path, top, again)
        self.others = self._history + sum(entry.size for entry in top.values())
        return tuple(self._known[label].folder for label in labels)

    async def _measure_history(self, lister: Lister, path: str, top: Entries, again: float) -> None:
        """Manifests of all backups ever taken lie there: they grow slowly."""
        if "backup.history" in top and time.monotonic() >= self._history_due:
            self._history = await _size(lister, f"{path}/backup.history")
            self._history_due = time.monotonic() + again


async def _look_into(lister: Lister, path: str, label: str, before: _Known | None) -> _Known:
    files = {name: entry for name, entry in (await lister.entries(path)).items() if entry.type == "file"}
    same = before is not None and before.files == files
    folder = BackupFolder(
        label=label,
        finished=_MANIFEST in files,
        files=sum(entry.size for entry in files.values()),
        size=before.folder.size if before and same else None,
        settled=same or (before is None and _is_old(label)),
    )
    return _Known(folder, files)


def _is_old(label: str) -> bool:
    try:
        begun = datetime.strptime(label[-16:-1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    return time.time() - begun.timestamp() > _LONG_AGO


async def _size(lister: Lister, path: str) -> int:
    sizes: list[int] = []
    await lister.walk(path, lambda entries: sizes.append(sum(one.size for one in entries.values())))
    return sum(sizes)
