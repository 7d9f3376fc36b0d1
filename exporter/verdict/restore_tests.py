"""Whether restore tests prove that the backups are good for something."""

from collections.abc import Iterator

from exporter.human import span
from exporter.model.restore_tests import Tested
from exporter.snapshot import Snapshot
from exporter.verdict.scale import Finding, against


def findings(stanza: str, snapshot: Snapshot, now: float) -> Iterator[Finding]:
    """Yield what the tests of *stanza* found, and whether one is overdue. One that never ran is not held against it."""
    tested = of(stanza, snapshot)
    newest = max((one.last.ended for one in tested), default=0.0)
    for one in tested:
        last = one.last
        where = f"repo{last.repo}, {last.target}" if last.repo is not None else last.target
        if last.result in ("not_proven", "polluted"):
            yield Finding("critical", f"The last restore test ({where}) failed: {last.words}")
        elif last.result == "could_not_try" and last.ended == newest:  # else what stood in the way is gone
            yield Finding("warning", f"The last restore test ({where}) could not be tried: {last.words}")
    proven = proven_at(stanza, snapshot)
    if tested and proven is not None:
        verdict = against(now - proven, snapshot.settings.threshold("restore_test", stanza))
        if verdict != "ok":
            yield Finding(verdict, f"The last restore test that proved a backup is {span(now - proven)} old.")


def of(stanza: str, snapshot: Snapshot) -> list[Tested]:
    """Return what is on record of *stanza*."""
    readings = (reading.value for reading in snapshot.restore_tests.values() if reading.value is not None)
    return [one for value in readings for one in value.tested if one.last.stanza == stanza]


def proven_at(stanza: str, snapshot: Snapshot) -> float | None:
    """Return when a restore test proved a backup of *stanza* last, in seconds since the epoch."""
    times = (one.last_success for one in of(stanza, snapshot) if one.last_success is not None)
    return max(times, default=None)
