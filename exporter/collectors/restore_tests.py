"""What the restore tests left on record: read again where something has changed, and the same objects where not."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from exporter.model.restore_tests import Record, RestoreTests, Running, Tested
from exporter.restore import records
from exporter.restore.records import RecordError, Total
from exporter.settings.restore_tests import RestoreTests as RestoreTestsSettings

# Lines of the newest failed run's log that the status page shows.
_TAIL = 30
_TAIL_BYTES = 16 << 10

_Signature = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _OfStanza:
    """What one stanza's folder holds; *signature* tells one state of it from another."""

    signature: _Signature
    tested: tuple[Tested, ...]
    history: tuple[Record, ...]
    running: Running
    tail: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class RestoreTestsCollector:
    """Reads the records of the expected *stanzas*, of all where none are expected."""

    records: Path
    settings: RestoreTestsSettings
    stanzas: tuple[str, ...] = ()
    stanza: str = field(default="", init=False)
    name: str = field(default="restore_tests", init=False)
    _known: dict[str, _OfStanza] = field(default_factory=dict, init=False, compare=False)
    _last: RestoreTests = field(default_factory=RestoreTests, init=False, compare=False)

    async def read(self) -> RestoreTests:
        """Read what has changed. Raises RecordError, or TimeoutError where the disk does not answer."""
        async with asyncio.timeout(self.settings.within):
            known = await asyncio.to_thread(self._read)
        if known != self._known:
            self._known = known
            self._last = _joined(known)
        return self._last

    def _read(self) -> dict[str, _OfStanza]:
        try:
            folders = sorted(path for path in self.records.iterdir() if path.is_dir())
        except FileNotFoundError:
            return {}  # the first test makes it
        except OSError as error:
            raise RecordError(
                f"{self.records}: {(error.strerror or str(error)).lower()}: let the exporter's user read it"
            ) from None
        wanted = [path for path in folders if not self.stanzas or path.name in self.stanzas]
        return {path.name: self._of_stanza(path) for path in wanted}

    def _of_stanza(self, folder: Path) -> _OfStanza:
        before = self._known.get(folder.name)
        try:
            running, signature = _runs(folder), _signature(folder)
            if before and before.signature == signature:
                return before if before.running == running else _still(before, running)
            return _read_stanza(folder, signature, running, before)
        except OSError as error:
            raise RecordError(
                f"{error.filename or folder}: {(error.strerror or str(error)).lower()}: let the exporter's user read it"
            ) from None


def _runs(folder: Path) -> Running:
    try:
        return Running(stanza=folder.name, running=records.runs_now(folder))
    except FileNotFoundError:
        return Running(stanza=folder.name, running=False)


def _still(known: _OfStanza, running: Running) -> _OfStanza:
    return _OfStanza(known.signature, known.tested, known.history, running, known.tail)


def _signature(folder: Path) -> _Signature:
    stats = ((path.name, path.stat()) for path in folder.glob("*.json"))
    return tuple(sorted((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats))


def _read_stanza(
    folder: Path, signature: _Signature, running: Running, before: _OfStanza | None
) -> _OfStanza:
    """Read all records of one stanza; what is as it was remains the same object."""
    history = tuple(records.read(folder / name) for name in reversed(records.names(folder)))
    known = {records.key(one.last): one for one in before.tested} if before else {}
    tested = tuple(
        known[key] if known.get(key) == one else one
        for key, one in _tested(history, records.totals(folder)).items()
    )
    failed = next((record for record in history if record.result != "proven"), None)
    return _OfStanza(signature, tested, history, running, _tail(folder, failed))


def _tested(history: Iterable[Record], totals: Mapping[str, Total]) -> Mapping[str, Tested]:
    """Join the last record of each repository and target with its totals, which reach beyond the history."""
    last: dict[str, Record] = {}
    for record in history:
        last.setdefault(records.key(record), record)
    return {
        key: Tested(
            last=record,
            last_success=total.last_success,
            last_failure=total.last_failure,
            totals=total.results,
        )
        for key, record in sorted(last.items())
        for total in (totals.get(key, Total()),)
    }


def _tail(folder: Path, record: Record | None) -> tuple[str, ...]:
    if record is None or record.log is None or Path(record.log).name != record.log:
        return ()
    try:
        with (folder / record.log).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return tuple(file.read().decode(errors="replace").splitlines()[-_TAIL:])
    except FileNotFoundError:
        return ()


def _joined(known: Mapping[str, _OfStanza]) -> RestoreTests:
    every = list(known.values())
    history = chain.from_iterable(one.history for one in every)
    return RestoreTests(
        tested=tuple(chain.from_iterable(one.tested for one in every)),
        history=tuple(sorted(history, key=lambda record: record.started, reverse=True)),
        running=tuple(one.running for one in every),
        tails={name: one.tail for name, one in known.items() if one.tail},
    )
