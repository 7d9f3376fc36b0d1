"""What is known now, and since when: one frozen Snapshot of all readings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from exporter.model.archiver import Archiver
from exporter.model.info import Backups, Info, Repository, Stanza
from exporter.model.patroni import Cluster
from exporter.model.repository import Holdings, Retention
from exporter.model.restore_tests import RestoreTests
from exporter.model.runs import Runs
from exporter.settings import SOURCES, Settings

T_co = TypeVar("T_co", covariant=True)

INVALID = "[invalid]"
"""The stanza that pgBackRest makes up when a repository fails before it knows of any (2.33 and later)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[T_co]):
    """The last good value of one source, and how the last attempt went. Times are seconds since the epoch."""

    value: T_co | None = None
    attempted: float | None = None
    succeeded: float | None = None
    took: float | None = None
    error: str | None = None
    errors: int = 0

    @property
    def success(self) -> bool:
        """Whether there was an attempt and the last one was good."""
        return self.attempted is not None and self.error is None


class PartlyReadError(Exception):
    """A reading of which a part failed: the words tell of that part, *value* is all that is known nevertheless."""

    def __init__(self, words: str, value: Any) -> None:
        super().__init__(words)
        self.value = value


@dataclass(frozen=True, slots=True)
class Reload:
    """How the last loading of the settings went; *error* is one line, the older settings stay in force."""

    at: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Off:
    """A collector that is not run, for all stanzas ("") or for one, and why: one line for a person."""

    collector: str
    stanza: str
    why: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """Which stanzas must exist, and what pgbackrest.conf tells of their repositories.

    *own* are those whose section carries the repository itself: only `info --stanza` sees them.
    Where pgbackrest.conf is out of reach, *unsure* are the stanzas that may be such.
    *types* gives the storage of a stanza's repository, under the stanza "" that of one declared for all;
    *declared* are the repositories that a stanza's own section declares; *retentions* tells how long those keep
    WAL of which that is known. *error* tells why all this could
    not be known.
    """

    stanzas: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()
    unsure: tuple[str, ...] = ()
    types: Mapping[tuple[str, int], str] = field(default_factory=lambda: MappingProxyType({}))
    declared: frozenset[tuple[str, int]] = frozenset()
    retentions: Mapping[tuple[str, int], Retention] = field(default_factory=lambda: MappingProxyType({}))
    error: str | None = None

    def type_of(self, stanza: str, repo: int) -> str:
        """Return the storage type of a repository, "" where it is not known."""
        return self.types.get((stanza, repo), self.types.get(("", repo), ""))


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that is known at one instant. The fields named like a collector hold its readings by stanza ("": all)."""

    settings: Settings
    expected: Expectation
    reload: Reload
    off: tuple[Off, ...] = ()
    info: Mapping[str, Reading[Info]] = field(default_factory=lambda: MappingProxyType({}))
    repository: Mapping[str, Reading[Holdings]] = field(default_factory=lambda: MappingProxyType({}))
    runs: Mapping[str, Reading[Runs]] = field(default_factory=lambda: MappingProxyType({}))
    archiver: Mapping[str, Reading[Archiver]] = field(default_factory=lambda: MappingProxyType({}))
    patroni: Mapping[str, Reading[Cluster]] = field(default_factory=lambda: MappingProxyType({}))
    restore_tests: Mapping[str, Reading[RestoreTests]] = field(default_factory=lambda: MappingProxyType({}))

    def readings(self) -> Mapping[str, Mapping[str, Reading[Any]]]:
        """Return the readings of each collector by its name."""
        return {name: getattr(self, name) for name in SOURCES}

    @cached_property
    def stanzas(self) -> tuple[Stanza, ...]:
        """Every stanza that is listed or expected, each from the reading that can see it."""
        listed = {stanza.name: stanza for stanza in self.listed}
        for name in self.expected.stanzas:
            source = self.info.get(name if name in self.expected.own else "")
            if name not in listed and source is not None and source.value is not None:
                listed[name] = _unlisted(name, self._broken(source.value))
        if self.expected.stanzas:
            listed.pop(INVALID, None)
        return tuple(listed[name] for name in sorted(listed))

    @property
    def listed(self) -> list[Stanza]:
        """What pgBackRest lists, "[invalid]" included."""
        return [
            stanza
            for source, reading in self.info.items()
            if reading.value is not None
            for stanza in reading.value.stanzas
            if (stanza.name == source if source else stanza.name not in self.expected.own)
            and not self.settings.excludes(stanza.name)
        ]

    @staticmethod
    def _broken(info: Info) -> tuple[Repository, ...]:
        """Return the repositories that failed before any stanza was found in them: no stanza of theirs is seen."""
        return next((stanza.repos for stanza in info.stanzas if stanza.name == INVALID), ())


@lru_cache(maxsize=1024)
def _unlisted(name: str, repos: tuple[Repository, ...]) -> Stanza:
    """Return the same stanza for the same facts, so that it counts as unchanged."""
    return Stanza(name=name, status=None, repos=repos, backups=Backups(name))
