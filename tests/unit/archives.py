"""Archives and backups for tests, made from the names of segments."""

from array import array
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from exporter.model.info import Backup, BackupType
from exporter.model.repository import Folder, WalArchive
from exporter.wal import Switch, parse

MIB = 1 << 20
Moments = Mapping[tuple[int, int], int]
"""By timeline and number, when a segment arrived."""


def name(timeline: int, number: int, size: int = 16 * MIB) -> str:
    per = (1 << 32) // size
    return f"{timeline:08X}{number // per:08X}{number % per:08X}"


def archive(
    arrived: Moments,
    histories: Mapping[int, Iterable[tuple[int, int]]] | None = None,
    *,
    size: int = 16 * MIB,
    gone: Iterable[tuple[int, int]] = (),
    database_id: int = 1,
) -> WalArchive:
    """Return an archive that holds the segments of *arrived*; of a history each switch is (timeline, number)."""
    folders: dict[tuple[int, int], dict[int, int]] = {}
    for (timeline, number), moment in arrived.items():
        segment = parse(name(timeline, number, size))
        assert segment
        folders.setdefault((timeline, segment.high), {})[segment.low] = moment
    lost: dict[tuple[int, int], int] = {}
    for timeline, number in gone:
        segment = parse(name(timeline, number, size))
        assert segment
        key = timeline, segment.high
        lost[key] = lost.get(key, 0) | 1 << segment.low
        folders.setdefault(key, {})
    timelines: dict[int, tuple[Folder, ...]] = {}
    for (timeline, high), lows in sorted(folders.items()):
        times = array("I", [lows.get(low, 0) for low in range(max(lows, default=-1) + 1)])
        present = sum(1 << low for low in lows)
        folder = Folder(
            timeline=timeline,
            high=high,
            present=present,
            gone=lost.get((timeline, high), 0),
            times=times,
            newest=max(times, default=0),
        )
        timelines[timeline] = (*timelines.get(timeline, ()), folder)
    switched = {
        one: tuple(Switch(timeline, number * size + 0x28) for timeline, number in switches)
        for one, switches in (histories or {}).items()
    }
    return WalArchive(
        id=f"15-{database_id}", timelines=MappingProxyType(timelines), histories=MappingProxyType(switched)
    )


def backup(
    label: str,
    first: int,
    last: int,
    *,
    stop: int = 0,
    timeline: int = 1,
    type_: BackupType = "full",
    size: int = 16 * MIB,
    database_id: int = 1,
    offline: bool = False,
) -> Backup:
    """Return a finished backup that needs the segments from *first* to *last*."""
    return Backup(
        stanza="demo",
        repo=1,
        label=label,
        type=type_,
        database_id=database_id,
        start=stop - 10,
        stop=stop,
        size=1000,
        delta=1000,
        repo_size=100,
        repo_delta=100,
        error=False,
        prior=None,
        wal_start=None if offline else name(timeline, first, size),
        wal_stop=None if offline else name(timeline, last, size),
        lsn_start=None,
        backrest_version="2.59.1",
    )
