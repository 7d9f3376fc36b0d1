"""What `pgbackrest info` tells: stanzas, repositories, backups and the archive's span."""

import logging
import time
from dataclasses import dataclass, field, replace

from exporter import wal
from exporter.model.info import Archive, Info, Stanza
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
# pgBackRest's status code for any error that has no code of its own.
_OTHER = 99


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
    does not look well in the plain answer is asked for by name as well.
    """

    client: Client
    settings: InfoSettings
    stanza: str = ""
    unsure: tuple[str, ...] = ()
    name: str = field(default="info", init=False)
    _decoders: dict[str, Decoder] = field(default_factory=dict, init=False, compare=False)
    _last: Info | None = field(default=None, init=False, compare=False)
    _counted: dict[str, tuple[Stanza, Stanza]] = field(default_factory=dict, init=False, compare=False)
    _positions: dict[tuple[str, int], _Position] = field(default_factory=dict, init=False, compare=False)
    _version: str | None = field(default=None, init=False, compare=False)
    _version_due: float = field(default=0.0, init=False, compare=False)

    async def read(self) -> Info:
        """Run `pgbackrest info` once; the same facts give the very same object.

        Raises PgBackRestError or MalformedError, each of one line.
        """
        began = time.monotonic()
        asked = {self.stanza}
        found = {stanza.name: stanza for stanza in await self._ask(self.stanza, self.settings.within)}
        for name in self.unsure:
            left = self.settings.within - (time.monotonic() - began)
            if left > 0 and not _looks_well(found.get(name)):
                asked.add(name)
                found |= {stanza.name: stanza for stanza in await self._ask_again(name, left)}
        stanzas = tuple(self._count(found[name]) for name in sorted(found))
        self._decoders = {name: decoder for name, decoder in self._decoders.items() if name in asked}
        skipped = tuple(line for decoder in self._decoders.values() for line in decoder.skipped)
        return self._remember(Info(stanzas=stanzas, version=await self._ask_version(began), skipped=skipped))

    async def _ask(self, name: str, within: float) -> list[Stanza]:
        """Ask pgBackRest for all stanzas, or for the one of this *name*."""
        document = await self.client.info(within=within, stanza=name or None)
        stanzas: list[Stanza] = []
        work = TURNS.work()
        for stanza in self._decoders.setdefault(name, Decoder()).decode(document):
            if stanza is not None:
                stanzas.append(stanza)
            await work.pause()
        return stanzas

    async def _ask_again(self, name: str, within: float) -> list[Stanza]:
        """Ask for a stanza by its name; when that fails, the plain answer is all there is."""
        try:
            return await self._ask(name, within)
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


def _looks_well(stanza: Stanza | None) -> bool:
    return stanza is not None and stanza.status is not None and stanza.status.code != _OTHER


def _same(info: Info, last: Info) -> bool:
    return (
        len(info.stanzas) == len(last.stanzas)
        and all(one is other for one, other in zip(info.stanzas, last.stanzas, strict=True))
        and (info.version, info.skipped) == (last.version, last.skipped)
    )
