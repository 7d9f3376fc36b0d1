"""Lists paths of one stanza in one repository, few at a time, within a deadline, and counts what that takes."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from exporter.pgbackrest.client import Client
from exporter.pgbackrest.listing import Entries, Listing
from exporter.pgbackrest.words import PgBackRestError

# Of all stanzas and repositories together: each is a process with a connection of its own.
_AT_ONCE: Final = 2
# Seconds for one folder. A repository that does not answer shall not take the time of the others.
_FLAT: Final = 60.0
# Names that an object store returns for one call: S3's ListObjectsV2, max-keys; others give more.
_PAGE: Final = 1000

_gates: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]] = WeakKeyDictionary()


@dataclass(slots=True, kw_only=True)
class Lister:
    """Asks pgBackRest; *calls* goes on counting, *deadline* (of time.monotonic) is set anew for each reading."""

    client: Client
    stanza: str
    repo: int
    deadline: float = math.inf
    calls: int = 0

    async def entries(self, path: str) -> Entries:
        """Return what lies directly in *path*. Raises PgBackRestError or MalformedListingError."""
        found: Entries = {}
        await self._list(path, found.update, recurse=False, within=_FLAT)
        found.pop(".", None)
        return found

    async def walk(self, path: str, take: Callable[[Entries], None]) -> None:
        """Hand on what lies below *path*, in portions. Raises PgBackRestError or MalformedListingError."""
        await self._list(path, take, recurse=True, within=math.inf)

    async def get(self, path: str) -> bytes:
        """Return a small file's content. Raises PgBackRestError."""
        async with _gate():
            return await self.client.repo_get(
                path, within=self._left(_FLAT), repo=self.repo, stanza=self.stanza
            )

    async def _list(
        self, path: str, take: Callable[[Entries], None], *, recurse: bool, within: float
    ) -> None:
        names = folders = 0

        def count(entries: Entries) -> None:
            nonlocal names, folders
            names += len(entries)
            folders += sum(1 for entry in entries.values() if entry.type == "path") if recurse else 0
            take(entries)

        listing = Listing(count)
        async with _gate():
            try:
                await self.client.repo_ls(
                    path,
                    listing.take,
                    within=self._left(within),
                    repo=self.repo,
                    stanza=self.stanza,
                    recurse=recurse,
                )
            finally:
                self.calls += max(folders, 1) + names // _PAGE
        listing.close()

    def _left(self, most: float) -> float:
        left = min(self.deadline - time.monotonic(), most)
        if left <= 0:
            raise PgBackRestError(f"repository {self.repo}: not listed in time: raise repository.within")
        return left


def _gate() -> asyncio.Semaphore:
    return _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
