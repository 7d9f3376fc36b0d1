"""Writes `pgbackrest info` documents of any size, in the very shape and key order of pgBackRest 2.59.1.

The model is `tests/corpus/2.59.1/two_repos_mixed_cipher.json` and `bundle_block.json`: a weekly full, a daily
diff and three incr a day, in two repositories; the second is encrypted and block incremental, so it reports
`size-map` and `delta-map` but no `size`. The same seed and the same clock give the same bytes.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

SEGMENT = 16 * 1024**2
HOUR = 3600
DAY = 24 * HOUR
SLOTS = (
    1 * HOUR,
    7 * HOUR,
    13 * HOUR,
    19 * HOUR,
)  # of a day: the first is the full or the diff, the others are incr

Kind = Literal["full", "diff", "incr"]


def segment_name(lsn: int) -> str:
    """The WAL file that holds `lsn`, on timeline 1 and with segments of 16 MiB."""
    return f"{1:08X}{lsn >> 32:08X}{(lsn & 0xFFFFFFFF) // SEGMENT:08X}"


def lsn_text(lsn: int) -> str:
    """`lsn` as PostgreSQL writes it: `1A/2B000028`."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _is_sunday(start: int) -> bool:
    return (start // DAY + 4) % 7 == 0  # 1970-01-01 was a Thursday


class Repository:
    """The backups of one stanza in one repository, and the chain that the next one builds upon."""

    def __init__(self, key: int, size: int, chance: random.Random) -> None:
        self.key = key
        self._size = size
        self._chance = chance
        self._full: str | None = None
        self._diff: str | None = None
        self._incrs: list[str] = []

    def kind(self, start: int) -> Kind:
        """What the weekly, daily and six-hourly schedule takes at `start`."""
        first_of_day = start % DAY < SLOTS[1]
        if self._full is None or (first_of_day and _is_sunday(start)):
            return "full"
        return "diff" if first_of_day else "incr"

    def _references(self, kind: Kind) -> list[str]:
        if kind == "full" or self._full is None:
            return []
        if kind == "diff":
            return [self._full]
        return [self._full, *([self._diff] if self._diff else []), *self._incrs]

    def _remember(self, kind: Kind, label: str) -> None:
        if kind == "full":
            self._full, self._diff, self._incrs = label, None, []
        elif kind == "diff":
            self._diff, self._incrs = label, []
        else:
            self._incrs.append(label)

    def _sizes(self, kind: Kind) -> dict[str, Any]:
        self._size += self._chance.randrange(1, 64) * 8192 * 1024
        share = {"full": 1.0, "diff": 0.06, "incr": 0.01}[kind] * self._chance.uniform(0.7, 1.0)
        delta = self._size if kind == "full" else int(self._size * share)
        packed = self._chance.uniform(0.22, 0.31)
        if self.key == 1:
            repository = {"delta": int(delta * packed), "size": int(self._size * packed)}
        else:
            maps = self._size // 1300
            repository = {
                "delta": int(delta * packed * 0.6),
                "delta-map": maps if kind == "full" else int(maps * share),
                "size-map": maps,
            }
        return {"delta": delta, "repository": repository, "size": self._size}

    def backup(self, kind: Kind, start: int, lsn: int) -> tuple[dict[str, Any], int]:
        """The next backup, begun at second `start` and WAL position `lsn`, and where in the WAL it ended."""
        references = self._references(kind)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(start))
        label = f"{stamp}F" if kind == "full" else f"{self._full}_{stamp}{kind[0].upper()}"
        took = {"full": 5400, "diff": 900, "incr": 240}[kind] * self._chance.uniform(0.5, 1.5)
        stop_lsn = lsn + self._chance.randrange(3) * SEGMENT + 0x100 - 0x28
        self._remember(kind, label)
        return {
            "archive": {"start": segment_name(lsn), "stop": segment_name(stop_lsn)},
            "backrest": {"format": 5, "version": "2.59.1"},
            "database": {"id": 1, "repo-key": self.key},
            "error": False,
            "info": self._sizes(kind),
            "label": label,
            "lsn": {"start": lsn_text(lsn), "stop": lsn_text(stop_lsn)},
            "prior": references[-1] if references else None,
            "reference": references or None,
            "timestamp": {"start": start, "stop": start + int(took)},
            "type": kind,
        }, stop_lsn


class Stanza:
    """One stanza; its backups are kept as bytes, else a document of 57 MB would cost a gigabyte."""

    def __init__(self, name: str, backups: int, *, now: int, seed: int) -> None:
        self.name = name
        self._chance = random.Random(f"{seed} {name}")
        self._system_id = self._chance.randrange(7_000_000_000_000_000_000, 7_700_000_000_000_000_000)
        size = self._chance.randrange(40, 900) * 1024**3
        self._repositories = [Repository(key, size, self._chance) for key in (1, 2)]
        self._lsn = self._chance.randrange(0x10, 0x4000) * SEGMENT + 0x28
        self._backups: list[bytes] = []
        self._minute = self._chance.randrange(60) * 60
        starts = self._starts(backups, now)
        self._oldest = self._lsn
        for start in starts:
            self._take(start)
        self._next = now - HOUR

    def _starts(self, backups: int, now: int) -> list[int]:
        """When the backups were taken: the schedule walked back; repository 2 half an hour after 1."""
        starts: list[int] = []
        midnight = now - now % DAY
        while len(starts) < backups:
            for slot in reversed(SLOTS):
                for repository in (1, 0):
                    start = midnight + slot + self._minute + repository * 1800
                    if start < now - 3 * HOUR and len(starts) < backups:
                        starts.append(start)
            midnight -= DAY
        return starts[::-1]

    def _take(self, start: int, kind: Kind | None = None) -> None:
        repository = self._repositories[len(self._backups) % 2]
        backup, stop = repository.backup(kind or repository.kind(start), start, self._lsn)
        self._lsn += (stop - self._lsn) // SEGMENT * SEGMENT + self._chance.randrange(20, 400) * SEGMENT
        self._backups.append(_compact(backup))

    def add_backup(self) -> None:
        """One more incr is taken in the last hour; the archive moves on to hold it."""
        self._next += 60
        self._take(self._next, "incr")

    def move_archive(self) -> None:
        """A few WAL segments are archived, as on any database that is in use."""
        self._lsn += self._chance.randrange(1, 9) * SEGMENT

    def pieces(self) -> Iterator[bytes]:
        """The stanza's JSON object, cut so that no copy of all backups is made."""
        positions = {"max": segment_name(self._lsn), "min": segment_name(self._oldest)}
        archive = [{"database": {"id": 1, "repo-key": key}, "id": "15-1", **positions} for key in (1, 2)]
        yield b'{"archive":' + _compact(archive) + b',"backup":['
        for index, backup in enumerate(self._backups):
            yield b"," + backup if index else backup
        ok = {"code": 0, "message": "ok"}
        rest = {
            "cipher": "mixed",
            "db": [
                {"id": 1, "repo-key": key, "system-id": self._system_id, "version": "15"} for key in (1, 2)
            ],
            "name": self.name,
            "repo": [
                {"cipher": "none", "key": 1, "status": ok},
                {"cipher": "aes-256-cbc", "key": 2, "status": ok},
            ],
            "status": {
                "code": 0,
                "lock": {"backup": {"held": False}, "restore": {"held": False}},
                "message": "ok",
            },
        }
        yield b"]," + _compact(rest)[1:]


@dataclass(frozen=True, slots=True)
class Size:
    """How many stanzas, and how many backups each has over both repositories."""

    stanzas: int
    backups: int

    def __str__(self) -> str:
        return f"{self.stanzas} x {self.backups:,}"

    @classmethod
    def parse(cls, text: str) -> Size:
        """Reads `10x100`; raises ValueError for anything else."""
        stanzas, separator, backups = text.partition("x")
        size = cls(int(stanzas), int(backups)) if separator else cls(0, 0)
        if size.stanzas < 1 or size.backups < 2:
            raise ValueError(f"{text!r} is not a size: write STANZASxBACKUPS, as in 10x100")
        return size


class Document:
    """An `info` document that can grow as a real one does."""

    def __init__(self, size: Size, *, now: float | None = None, seed: int = 1) -> None:
        moment = int(time.time() if now is None else now)
        names = (f"db-{number:03d}" for number in range(1, size.stanzas + 1))
        self.size = size
        self.stanzas = [Stanza(name, size.backups, now=moment, seed=seed) for name in names]
        self._turn = 0

    def add_backup(self) -> None:
        """Only one backup more, in one stanza: each time in the next one."""
        self.stanzas[self._turn % len(self.stanzas)].add_backup()
        self._turn += 1

    def move_archives(self) -> None:
        """Every stanza archived some WAL."""
        for stanza in self.stanzas:
            stanza.move_archive()

    def pieces(self) -> Iterator[bytes]:
        """The document on one line without an end of line, as pgBackRest prints it."""
        for index, stanza in enumerate(self.stanzas):
            yield b"," if index else b"["
            yield from stanza.pieces()
        yield b"]"
