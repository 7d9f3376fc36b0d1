"""What `pgbackrest info` tells: stanzas, repositories, backups and the archive's span."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from exporter import memory, wal
from exporter.model.info import Archive, Backups, Info, Stanza, Status
from exporter.pgbackrest.client import Client
from exporter.pgbackrest.info import Decoder, MalformedError
from exporter.pgbackrest.words import PgBackRestError
from exporter.settings import Info as InfoSettings
from exporter.turns import TURNS

log = logging.getLogger(__name__)

# The version changes with an upgrade of the package: asking once an hour is often enough, and after
# a failure soon again.
_VERSION_EVERY = 3600.0
_VERSION_AGAIN = 600.0
# So many more backups than before are worth to be spared from searches for garbage.
_MANY = 10_000


_Asked = tuple[str, int | None]
"""A question: a stanza, "" for all, and a repository, None for all."""


@dataclass(slots=True)
class _Position:
    """Where a repository's archive ended when last seen, and how far it moved until then."""

    system_id: int
    number: int
    advanced: int = 0


@dataclass(slots=True, kw_only=True)
class InfoCollector:
    """Reads all stanzas that a plain `info` lists, or the one *stanza* that only `info --stanza` sees.

    Where pgbackrest.conf is out of reach, nobody knows which those are: of the *unsure* stanzas each that
    does not look well in the plain answer is asked for by name as well. So are those behind a repository host, which
    may refuse a question about all stanzas (tls-server-auth), and in each repository alone that does not look well
    then: 2.45 cannot read an encrypted one beside another, whose passphrase is on that host.
    """

    client: Client
    settings: InfoSettings
    stanza: str = ""
    unsure: tuple[str, ...] = ()
    name: str = field(default="info", init=False)
    _decoders: dict[_Asked, Decoder] = field(default_factory=dict, init=False, compare=False)
    _joined: dict[str, tuple[tuple[Stanza, ...], Stanza]] = field(
        default_factory=dict, init=False, compare=False
    )
    _last: Info | None = field(default=None, init=False, compare=False)
    _spared: int = field(default=0, init=False, compare=False)
    _counted: dict[str, tuple[Stanza, Stanza]] = field(default_factory=dict, init=False, compare=False)
    _positions: dict[tuple[str, int], _Position] = field(default_factory=dict, init=False, compare=False)
    _version: str | None = field(default=None, init=False, compare=False)
    _version_due: float = field(default=0.0, init=False, compare=False)

    async def read(self) -> Info:
        """Run `pgbackrest info` once; the same facts give the very same object.

        Raises PgBackRestError or MalformedError, each of one line.
        """
        began = time.monotonic()
        asked: set[_Asked] = {(self.stanza, None)}
        found = {stanza.name: stanza for stanza in await self._ask(self.stanza, self.settings.within)}
        for name in self.unsure:
            if self._left(began) > 0 and not _looks_well(found.get(name)):
                asked.add((name, None))
                found |= {stanza.name: stanza for stanza in await self._ask_again(name, self._left(began))}
                if (stanza := found.get(name)) is not None and len(stanza.repos) > 1:
                    found[name] = await self._each_repository(stanza, began, asked)
        stanzas = tuple(self._count(found[name]) for name in sorted(found))
        self._decoders = {key: decoder for key, decoder in self._decoders.items() if key in asked}
        skipped = tuple(line for decoder in self._decoders.values() for line in decoder.skipped)
        self._spare(sum(len(stanza.backups.all) for stanza in stanzas))
        return self._remember(Info(stanzas=stanzas, version=await self._ask_version(began), skipped=skipped))

    def _spare(self, backups: int) -> None:
        if backups >= self._spared + _MANY:
            memory.spare_from_collections()
            self._spared = backups

    def _left(self, began: float) -> float:
        return self.settings.within - (time.monotonic() - began)

    async def _each_repository(self, stanza: Stanza, began: float, asked: set[_Asked]) -> Stanza:
        """Ask for each repository alone that does not look well beside the others; the same facts, the same object."""
        parts: dict[int, Stanza] = {}
        for repo in stanza.repos:
            if repo.status.unreadable and self._left(began) > 0:
                asked.add((stanza.name, repo.key))
                for part in await self._ask_again(stanza.name, self._left(began), repo.key):
                    parts[repo.key] = part
        facts = (stanza, *parts.values())
        before = self._joined.get(stanza.name)
        if before is None or list(map(id, before[0])) != list(map(id, facts)):
            before = self._joined[stanza.name] = facts, joined(stanza, parts)
        return before[1]

    async def _ask(self, name: str, within: float, repo: int | None = None) -> list[Stanza]:
        """Ask pgBackRest for all stanzas, or for the one of this *name*, or for that in one repository."""
        document = await self.client.info(within=within, stanza=name or None, repo=repo)
        stanzas: list[Stanza] = []
        work = TURNS.work()
        for stanza in self._decoders.setdefault((name, repo), Decoder()).decode(document):
            if stanza is not None:
                stanzas.append(stanza)
            await work.pause()
        return stanzas

    async def _ask_again(self, name: str, within: float, repo: int | None = None) -> list[Stanza]:
        """Ask for a stanza by its name; when that fails, the answer of before is all there is."""
        try:
            return await self._ask(name, within, repo)
        except (PgBackRestError, MalformedError) as error:
            log.debug("stanza not read by its name", extra={"stanza": name, "error": str(error)})
            return []

    def _remember(self, info: Info) -> Info:
        last = self._last
        for line in sorted(set(info.skipped) - set(last.skipped if last else ())):
            log.warning("left out of pgbackrest info: unreadable", extra={"entry": line})
        if last is None or not _same(info, last):
            self._last = info
            known = {stanza.name for stanza in info.stanzas}
            self._counted = {name: pair for name, pair in self._counted.items() if name in known}
            return info
        return last

    def _count(self, stanza: Stanza) -> Stanza:
        """Return *stanza* with its archives' advances; unchanged it is the object returned the last time."""
        before = self._counted.get(stanza.name)
        if before is not None and before[0] is stanza:
            return before[1]
        current = tuple(stanza.current_archives())
        archives = tuple(
            replace(archive, advanced=self._advance(stanza, archive)) if archive in current else archive
            for archive in stanza.archives
        )
        counted = replace(stanza, archives=archives)
        self._counted[stanza.name] = stanza, counted
        return counted

    def _advance(self, stanza: Stanza, archive: Archive) -> int | None:
        """Count only steps forward: a new timeline, a restore or a new cluster may begin further back."""
        newest, database = wal.parse(archive.newest or ""), stanza.current_database(archive.repo)
        if newest is None or database is None or archive.wal_segment_size is None:
            return None
        number = newest.number(archive.wal_segment_size)
        position = self._positions.setdefault(
            (stanza.name, archive.repo), _Position(database.system_id, number)
        )
        if position.system_id == database.system_id:
            position.advanced += max(0, number - position.number)
        position.system_id, position.number = database.system_id, number
        return position.advanced

    async def _ask_version(self, began: float) -> str | None:
        """Ask now and then, in the time that is left of a reading; unanswered, the version of before holds."""
        now = time.monotonic()
        left = self.settings.within - (now - began)
        if not self.stanza and now >= self._version_due and left > 0:
            self._version_due = now + _VERSION_EVERY
            try:
                self._version = await self.client.version(within=left)
            except PgBackRestError as error:
                self._version_due = now + _VERSION_AGAIN
                log.warning("pgbackrest version failed", extra={"error": str(error)})
        return self._version


def joined(stanza: Stanza, parts: Mapping[int, Stanza]) -> Stanza:
    """Return *stanza* with what its repositories say that were asked alone: *parts*, by repository."""
    if not parts:
        return stanza
    keys = [repo.key for repo in stanza.repos]
    told = {key: parts.get(key, stanza) for key in keys}
    repos = tuple(repo for key in keys for repo in told[key].repos if repo.key == key)
    statuses = {repo.status for repo in repos}
    return replace(
        stanza,
        status=statuses.pop() if len(statuses) == 1 else Status(code=4, message="different across repos"),
        repos=repos,
        databases=tuple(one for key in keys for one in told[key].databases if one.repo == key),
        archives=tuple(one for key in keys for one in told[key].archives if one.repo == key),
        backups=Backups(
            stanza.name, tuple(one for key in keys for one in told[key].backups.all if one.repo == key)
        ),
    )


def _looks_well(stanza: Stanza | None) -> bool:
    return stanza is not None and stanza.status is not None and not stanza.status.unreadable


def _same(info: Info, last: Info) -> bool:
    return (
        len(info.stanzas) == len(last.stanzas)
        and all(one is other for one, other in zip(info.stanzas, last.stanzas, strict=True))
        and (info.version, info.skipped) == (last.version, last.skipped)
    )
