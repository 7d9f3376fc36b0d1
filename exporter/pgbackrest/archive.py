"""Follows the WAL archive of one database in one repository: what is new is listed, the rest remembered.

A folder rests when it cannot change any more but by a deletion: a later one of its timeline was begun, and its
newest segment came long ago. It is listed again now and then, since somebody may delete in the middle of it.
"""

import logging
import re
import time
from array import array
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Final

from exporter.model.repository import Folder, WalArchive
from exporter.pgbackrest.lister import Lister
from exporter.pgbackrest.listing import Entries
from exporter.pgbackrest.words import PgBackRestError
from exporter.wal import Switch, read_history

log = logging.getLogger(__name__)

_FOLDER: Final = re.compile(r"[0-9A-F]{16}")
_SEGMENT: Final = re.compile(r"([0-9A-F]{16})([0-9A-F]{8})-[0-9a-f]{40}(?:\.(?:gz|lz4|zst|bz2))?")
_HISTORY: Final = re.compile(r"([0-9A-F]{8})\.history")
# Segments of 1 MiB, the smallest: so many share the upper half of their position.
_MOST_IN_FOLDER: Final = 4096
# Seconds after which a folder that is not the last one counts as finished, and the last one of an old timeline.
_LATE: Final = 600.0
_RETIRED: Final = 86400.0
# More of them are listed at one go: a process for each folder would cost more than reading some in vain.
_ONE_BY_ONE: Final = 16
_MOST_HISTORIES: Final = 64
_LAST_SECOND: Final = (1 << 32) - 1
_MISSING_FILE: Final = 55


@dataclass(slots=True)
class _Known:
    folder: Folder
    seen: float
    rests: bool = False


class Archive:
    """One archive, such as 15-1 of a stanza."""

    def __init__(self, archive_id: str) -> None:
        self.id = archive_id
        self._known: dict[str, _Known] = {}
        self._histories: dict[int, tuple[Switch, ...] | None] = {}
        self._too_much = False
        self._last = WalArchive(id=archive_id)

    async def look(self, lister: Lister, *, active: Container[int], again: float) -> WalArchive:
        """Return what is there now, the very same object when nothing changed.

        The last folder of each *active* timeline is always listed, each other one after *again* seconds.
        Raises PgBackRestError or MalformedListingError; what was listed until then is not listed anew.
        """
        path = f"archive/{lister.stanza}/{self.id}"
        top = await lister.entries(path)
        names = {
            name
            for name, entry in top.items()
            if entry.type == "path" and (name in self._known or _FOLDER.fullmatch(name))
        }
        for name in self._known.keys() - names:
            del self._known[name]
        wanted = self._wanted(names, again)
        if len(wanted) > _ONE_BY_ONE and not self._too_much:
            await self._walk(lister, path, names)
        else:
            for name in wanted:
                await self._list(lister, path, name)
        self._let_rest(active)
        await self._read_histories(lister, path, top)
        return self._remember(sum(entry.size for entry in top.values()))

    @property
    def idle_since(self) -> float:
        """When its oldest news was gathered, by time.monotonic; minus infinity before the first."""
        return min((known.seen for known in self._known.values()), default=float("-inf"))

    def _wanted(self, names: Iterable[str], again: float) -> list[str]:
        """Return the folders to list now: first those that nothing is known of, then the stalest."""
        due = time.monotonic() - again
        found = []
        for name in names:
            known = self._known.get(name)
            if known is None or known.seen <= due or not known.rests:
                found.append((known.seen if known else float("-inf"), name))
        return [name for _, name in sorted(found)]

    async def _walk(self, lister: Lister, path: str, names: Container[str]) -> None:
        gathering = _Gathering("")
        began = time.monotonic()
        try:
            await lister.walk(path, gathering.take)
        except PgBackRestError:
            # The next reading goes folder by folder, and keeps those that it gets.
            self._too_much = lister.deadline <= time.monotonic()
            raise
        for name, growing in gathering.folders.items():
            if name in names:
                self._put(name, growing, began)

    async def _list(self, lister: Lister, path: str, name: str) -> None:
        gathering = _Gathering(name)
        began = time.monotonic()
        for_one = await lister.entries(f"{path}/{name}")
        gathering.take(for_one)
        self._put(name, gathering.folders.get(name) or _Growing(), began)

    def _put(self, name: str, growing: "_Growing", seen: float) -> None:
        before = self._known.get(name)
        folder = growing.folder(name, before.folder if before else None)
        self._known[name] = _Known(folder, seen, rests=before.rests if before else False)

    def _let_rest(self, active: Container[int]) -> None:
        now = time.time()
        folders = [self._known[name] for name in sorted(self._known)]
        newest = folders[-1].folder.timeline if folders else 0
        for known, following in zip(folders, [*folders[1:], None], strict=True):
            folder = known.folder
            age = now - folder.newest
            if following is not None and following.folder.timeline == folder.timeline:
                known.rests = age > _LATE
            else:
                known.rests = age > _RETIRED and folder.timeline != newest and folder.timeline not in active

    async def _read_histories(self, lister: Lister, path: str, top: Mapping[str, object]) -> None:
        """Read those that are new; of a timeline that never archived only the newest can ever matter."""
        there = {int(found[1], 16) for name in top if (found := _HISTORY.fullmatch(name))}
        archived = {known.folder.timeline for known in self._known.values()}
        self._histories = {one: self._histories.get(one) for one in sorted(there)}
        for one in sorted(there, reverse=True)[:_MOST_HISTORIES]:
            if self._histories[one] is None and (one in archived or one == max(there)):
                self._histories[one] = await self._read_history(lister, f"{path}/{one:08X}.history")

    async def _read_history(self, lister: Lister, path: str) -> tuple[Switch, ...] | None:
        try:
            text = (await lister.get(path)).decode(errors="replace")
            return read_history(text)
        except PgBackRestError as error:
            if error.code != _MISSING_FILE:
                raise
        except ValueError as error:
            log.warning("not taken for a history", extra={"path": path, "error": str(error)})
            return ()
        return None

    def _remember(self, others: int) -> WalArchive:
        folders = [self._known[name].folder for name in sorted(self._known)]
        size = others + sum(folder.size for folder in folders)
        last = self._last
        before = [folder for group in last.timelines.values() for folder in group]
        if not (
            (size, self._histories) == (last.size, dict(last.histories))
            and len(folders) == len(before)
            and all(one is other for one, other in zip(folders, before, strict=True))
        ):
            timelines = {one: tuple(group) for one, group in groupby(folders, lambda folder: folder.timeline)}
            self._last = WalArchive(
                id=self.id,
                timelines=MappingProxyType(timelines),
                histories=MappingProxyType(dict(self._histories)),
                size=size,
            )
        return self._last


class _Growing:
    """A folder while its entries come."""

    __slots__ = ("duplicates", "present", "size", "times")

    def __init__(self) -> None:
        self.present = 0
        self.duplicates = 0
        self.size = 0
        self.times = array("I")

    def add(self, low: int, time_: int) -> None:
        if low >= len(self.times):
            self.times.extend([0] * max(low + 1 - len(self.times), len(self.times), 16))
        bit = 1 << low
        if self.present & bit:
            self.duplicates += 1
        self.present |= bit
        self.times[low] = max(self.times[low], min(max(time_, 0), _LAST_SECOND))

    def folder(self, name: str, before: Folder | None) -> Folder:
        """Return the folder, the very object of *before* when nothing changed."""
        gone = (before.present | before.gone) & ~self.present if before else 0
        folder = Folder(
            timeline=int(name[:8], 16),
            high=int(name[8:], 16),
            present=self.present,
            gone=gone,
            duplicates=self.duplicates,
            size=self.size,
            times=self.times[: self.present.bit_length()],
            newest=max(self.times, default=0),
        )
        return before if before == folder else folder


class _Gathering:
    """Sorts the entries of a listing into folders: of one *folder*, or of all when it is ""."""

    def __init__(self, folder: str) -> None:
        self.folders: dict[str, _Growing] = {}
        self._prefix = folder

    def take(self, entries: Entries) -> None:
        """Take a portion; what is no segment only counts by its size."""
        folders, prefix, match = self.folders, self._prefix, _SEGMENT.fullmatch
        for name, entry in entries.items():
            if entry.type != "file":
                continue
            folder, _, base = name.rpartition("/") if not prefix else (prefix, "", name)
            growing = folders.get(folder)
            if growing is None:
                growing = folders[folder] = _Growing()
            growing.size += entry.size
            found = match(base)
            if found is not None and found[1] == folder and (low := int(found[2], 16)) < _MOST_IN_FOLDER:
                growing.add(low, entry.time)


def archive_ids(entries: Entries) -> Iterator[str]:
    """Yield the names of the archives in archive/STANZA, such as 15-1."""
    return (
        name for name, entry in entries.items() if entry.type == "path" and re.fullmatch(r"[\d.]+-\d+", name)
    )
