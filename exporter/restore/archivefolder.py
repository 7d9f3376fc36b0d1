"""What lies in the stanza's WAL archive: when segments came, and the timelines, of which a test must add none."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.pgbackrest.client import Client
from exporter.pgbackrest.words import PgBackRestError

_TIMELINE = re.compile(r"([0-9A-F]{8})(?:\.history|[0-9A-F]{8})")


@dataclass(frozen=True, slots=True)
class ArchiveFolder:
    """What the repository holds of one database's WAL: archive/STANZA/ID."""

    client: Client
    stanza: str
    repo: int
    id: str
    within: float

    async def timelines(self) -> frozenset[int]:
        """Return every timeline of which there is a segment or a history file; raises PgBackRestError."""
        names = await self._list("")
        return frozenset(int(found[1], 16) for name in names if (found := _TIMELINE.fullmatch(name)))

    async def arrived(self, segment: str) -> float | None:
        """Return when a segment reached the archive, None while it has not; raises PgBackRestError."""
        for name, entry in (await self._list(segment[:16])).items():
            if name.startswith(f"{segment}-"):
                return float(entry["time"])
        return None

    async def history(self, timeline: int) -> bytes | None:
        """Return a timeline's history file, None where there is none; raises PgBackRestError."""
        name = f"{timeline:08X}.history"
        if name not in await self._list(""):
            return None
        path = f"archive/{self.stanza}/{self.id}/{name}"
        return await self.client.repo_get(path, within=self.within, repo=self.repo, stanza=self.stanza)

    async def _list(self, folder: str) -> Mapping[str, Any]:
        listed = bytearray()
        path = f"archive/{self.stanza}/{self.id}/{folder}".rstrip("/")
        await self.client.repo_ls(path, listed.extend, within=self.within, repo=self.repo, stanza=self.stanza)
        try:
            listing: Mapping[str, Any] = json.loads(listed)
        except ValueError:
            raise PgBackRestError("pgbackrest repo-ls: its answer is cut short: try again") from None
        return listing
