from collections.abc import Mapping
from dataclasses import replace

from exporter.exposition import Block
from exporter.metrics import archiver
from exporter.model.archiver import Archiver, Archiving
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.table import Renderer
from tests.unit.rendering import rendered

NOW = 1_700_000_000.0
IDLE = Archiving(
    server="pg1:5432",
    role="primary",
    hindrance=None,
    ready_segments=0,
    oldest_ready=None,
    lag_bytes=96,
    failing=False,
    last_archived=NOW - 3600,
    last_failed=None,
    archived=4,
    failures=1,
    timeline=2,
    wal_segment_size=1 << 24,
    position=5 << 24,
    clock_skew=0.0,
)


def samples(found: Archiver | None) -> Mapping[str, float]:
    reading = Reading(value=found, attempted=NOW, succeeded=NOW, took=0.1)
    snapshot = Snapshot(
        settings=Settings(), expected=Expectation(), reload=Reload(NOW), archiver={"main": reading}
    )
    exposition = rendered(Renderer(archiver.GROUPS), snapshot)
    body = exposition.body("", gzip=False, now=NOW, own=lambda _: Block.of(b""))
    lines = b"".join(body.pieces).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name.removeprefix("pgbackrest_"): float(value) for name, _, value in pairs}


LAG = 'wal_archive_lag_seconds{stanza="main",source="postgresql"}'


def of(metric: str) -> str:
    return f'{metric}{{stanza="main"}}'


def test_an_idle_database_has_no_lag_however_long_ago_it_archived() -> None:
    found = samples(Archiver(archiving=IDLE))
    assert found[LAG] == 0
    assert found[of("wal_archive_last_archived_timestamp_seconds")] == NOW - 3600
    assert of("wal_archive_oldest_ready_timestamp_seconds") not in found
    assert of("wal_archive_last_failed_timestamp_seconds") not in found
    assert found[of("wal_archived_segments_total")] == 4
    assert found[of("postgresql_timeline")] == 2


def test_the_lag_is_the_age_of_what_waits() -> None:
    found = samples(Archiver(archiving=replace(IDLE, ready_segments=3, oldest_ready=NOW - 700, failing=True)))
    assert found[LAG] == 700
    assert found[of("wal_archive_oldest_ready_timestamp_seconds")] == NOW - 700
    assert (found[of("wal_archive_ready_segments")], found[of("wal_archive_failing")]) == (3, 1)


def test_where_nothing_is_archived_there_is_no_lag_to_tell_unless_something_waits() -> None:
    off = replace(IDLE, hindrance="archive_mode is off", lag_bytes=None)
    found = samples(Archiver(archiving=off))
    assert found[of("wal_archive_enabled")] == 0
    assert LAG not in found
    assert of("wal_archive_lag_bytes") not in found
    assert samples(Archiver(archiving=replace(off, oldest_ready=NOW - 5)))[LAG] == 5


def test_without_a_primary_there_is_no_sample() -> None:
    assert samples(Archiver(archiving=None)) == {}
    assert samples(None) == {}


def test_errors_of_the_spool_need_no_database() -> None:
    assert samples(Archiver(asked=False, spool_errors=2)) == {of("wal_archive_spool_errors"): 2}


def test_without_a_connection_the_repository_tells_of_the_lag() -> None:
    lag = LAG.replace("postgresql", "repository")
    assert samples(Archiver(asked=False, behind=NOW - 90)) == {lag: 90}
    assert samples(Archiver(asked=False)) == {}
