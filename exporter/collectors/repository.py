"""What lies in the repositories: sizes, leftovers, and every WAL segment, listed by `pgbackrest repo-ls`."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from exporter import filesystem
from exporter.model.info import Stanza
from exporter.model.repository import Capacity, Held, Holdings, Outlook, WalArchive
from exporter.pgbackrest.archive import Archive, archive_ids
from exporter.pgbackrest.backups import BackupFolders
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.lister import Lister
from exporter.pgbackrest.listing import MalformedListingError
from exporter.pgbackrest.repositories import Place
from exporter.pgbackrest.words import PgBackRestError
from exporter.settings import Repository as RepositorySettings
from exporter.snapshot import PartlyReadError, Snapshot
from exporter.wal import parse
from exporter.wal.outlook import outlook

log = logging.getLogger(__name__)

# What cannot change any more but by a deletion is listed again after so many seconds: LIST calls cost money.
AGAIN_LOCAL = 3600.0
AGAIN_ELSEWHERE = 86400.0
# The first `info` is on its way when this begins.
_INFO_PATIENCE = 30.0
_POLL = 0.1
# Seconds after which the answer of a filesystem is not waited for any more.
_STATVFS = 5.0
# pgBackRest's status of a repository in which there is no such stanza.
_NO_STANZA = 1
_FAILURES = (PgBackRestError, MalformedListingError)


@dataclass(slots=True)
class _Repository:
    """What is remembered of one repository between two readings."""

    place: Place
    lister: Lister
    archives: dict[str, Archive] = field(default_factory=dict)
    told: dict[str, WalArchive] = field(default_factory=dict)
    backups: BackupFolders = field(default_factory=BackupFolders)
    held: Held | None = None

    @property
    def again(self) -> float:
        return AGAIN_ELSEWHERE if self.place.path is None else AGAIN_LOCAL


@dataclass(slots=True, kw_only=True)
class RepositoryCollector:
    """Lists the repositories of one *stanza*: those at *places*, None being all that `info` tells of.

    *latest* gives what is known: the backups say which folders are none of theirs, and which timeline is in use.
    """

    client: Client
    settings: RepositorySettings
    stanza: str
    places: tuple[Place, ...] | None
    latest: Callable[[], Snapshot] = field(compare=False)
    name: str = field(default="repository", init=False)
    _repositories: dict[int, _Repository] = field(default_factory=dict, init=False, compare=False)

    async def read(self) -> Holdings:
        """List what is new. Raises PgBackRestError when nothing could be listed, PartlyReadError when not all."""
        began = time.monotonic()
        stanza = await self._stanza()
        repositories = [self._repository(place) for place in self._places(stanza)]
        for one in repositories:
            one.lister.deadline = began + self.settings.within
        looks = (self._try(one, stanza) for one in repositories)
        failures = [failure for failure in await asyncio.gather(*looks) if failure]
        await self._let_info_follow(repositories, began)
        held = tuple(one.held for one in repositories if one.held is not None)
        if failures:
            words = "; ".join(failures)
            if len(failures) == len(repositories):
                raise PgBackRestError(words)
            raise PartlyReadError(words, Holdings(stanza=self.stanza, repos=held))
        return Holdings(stanza=self.stanza, repos=held)

    def _places(self, stanza: Stanza) -> tuple[Place, ...]:
        without = {repo.key for repo in stanza.repos if repo.status.code == _NO_STANZA}
        places = self.places
        if places is None:
            places = tuple(Place(repo=repo.key) for repo in stanza.repos)
        return tuple(place for place in places if place.repo not in without)

    def _repository(self, place: Place) -> _Repository:
        known = self._repositories.get(place.repo)
        if known is None or known.place != place:
            lister = Lister(client=self.client, stanza=self.stanza, repo=place.repo)
            known = self._repositories[place.repo] = _Repository(place, lister)
        return known

    async def _stanza(self) -> Stanza:
        """Wait for what pgBackRest says of the stanza: it has just been asked when we begin."""
        for _ in range(int(_INFO_PATIENCE / _POLL)):
            if found := self._listed_stanza():
                return found
            await asyncio.sleep(_POLL)
        raise PgBackRestError(f"{self.stanza}: pgbackrest info has told nothing of it yet: see its own error")

    def _listed_stanza(self) -> Stanza | None:
        return next((one for one in self.latest().stanzas if one.name == self.stanza), None)

    async def _try(self, one: _Repository, stanza: Stanza) -> str | None:
        """Look at one repository; return the words of a failure, which keeps what was known for a while."""
        try:
            one.held = await self._look(one, stanza)
        except _FAILURES as error:
            words = (
                f"repository {one.place.repo}: {str(error).removeprefix(f'repository {one.place.repo}: ')}"
            )
            if one.held is not None:
                fresh = time.time() - one.held.listed <= self.settings.stale_after
                one.held = replace(one.held, error=words) if fresh else None
            return words
        return None

    async def _look(self, one: _Repository, stanza: Stanza) -> Held:
        listed = time.time()
        capacity = await _capacity(one.place)
        history = stanza.backups.of(one.place.repo)
        active = {
            start.timeline for backup in history.backups[-1:] if (start := parse(backup.wal_start or ""))
        }
        ids = sorted(
            archive_ids(await one.lister.entries(f"archive/{self.stanza}")),
            key=lambda name: int(name.rpartition("-")[2]),
        )
        one.archives = {name: one.archives.get(name) or Archive(name) for name in ids}
        one.told = {name: told for name, told in one.told.items() if name in ids}
        for name in ids:
            due = one.archives[name].idle_since <= time.monotonic() - one.again
            if name == ids[-1] or name not in one.told or due:
                one.told[name] = await one.archives[name].look(one.lister, active=active, again=one.again)
        known = stanza.knows_backups_of(one.place.repo)
        folders = await one.backups.look(
            one.lister,
            listed={backup.label for backup in history.backups} if known else None,
            measure=one.place.path is not None,
            again=one.again,
        )
        return Held(
            stanza=self.stanza,
            repo=one.place.repo,
            listed=listed,
            archives=tuple(one.told[name] for name in ids),
            backups=folders,
            others=one.backups.others,
            capacity=capacity,
            list_calls=one.lister.calls,
        )

    async def _let_info_follow(self, repositories: list[_Repository], began: float) -> None:
        """Let an `info` that is newer than the listing come first where something seems to be missing.

        While backups expire, their WAL goes before an older `info` has forgotten them.
        """
        if not self._seems_worse(repositories):
            return
        now, settings = time.time(), self.latest().settings.info
        until = min(time.monotonic() + settings.every + settings.within, began + self.settings.within)
        while time.monotonic() < until:
            read = [reading.succeeded or 0.0 for reading in self.latest().info.values()]
            if not read or min(read) > now:
                return
            await asyncio.sleep(_POLL)

    def _seems_worse(self, repositories: list[_Repository]) -> bool:
        snapshot, stanza = self.latest(), self._listed_stanza()
        known = snapshot.repository.get(self.stanza)
        before = {held.repo: held for held in known.value.repos} if known and known.value else {}
        return any(
            _troubles(outlook(snapshot, one.held, stanza))
            > _troubles(outlook(snapshot, before[one.place.repo], stanza))
            for one in repositories
            if one.held is not None and one.place.repo in before
        )


def _troubles(judged: Outlook) -> int:
    recovery = judged.recovery
    counts = (
        recovery.missing_newest,
        recovery.missing_older,
        len(recovery.without_wal or ()),
        judged.orphans,
    )
    return sum(count or 0 for count in counts)


async def _capacity(place: Place) -> Capacity | None:
    """Ask the filesystem; one that we may not look at, behind sudo, stays unknown."""
    if place.path is None:
        return None
    try:
        return await filesystem.capacity(place.path, within=_STATVFS)
    except TimeoutError as error:
        raise PgBackRestError(str(error)) from None
    except OSError as error:
        log.debug("statvfs failed", extra={"path": place.path, "error": str(error)})
        return None
