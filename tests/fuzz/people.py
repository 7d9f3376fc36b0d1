"""What people write, and what was written before: settings, web configuration, records, what was counted."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec

from exporter import jsonfile
from exporter.collectors.restore_tests import RestoreTestsCollector
from exporter.collectors.runs import RunsCollector
from exporter.model.restore_tests import Check, RestoreTests
from exporter.model.restore_tests import Record as Tested
from exporter.restore.records import RecordError
from exporter.runs.ledger import Ledger
from exporter.runs.logfolder import LogFolder
from exporter.runs.records import FORMAT, Reader, Record
from exporter.settings import Runs as RunsSettings
from exporter.settings.file import SettingsError, effective, load
from exporter.settings.restore_tests import RestoreTests as RestoreTestsSettings
from exporter.web.config import WebConfigError
from exporter.web.config import load as load_web_config
from tests.fuzz.programs import runs
from tests.fuzz.scratch import file, folder
from tests.fuzz.shown import show, snapshot
from tests.fuzz.target import TESTS, Target, genuine
from tests.process.conftest import CORPUS

T = TypeVar("T")


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def _settings(data: bytes) -> None:
    """What is in force reads back as it is."""
    some = load(file(data, "settings.yml"))
    if load(file(effective(some).encode(), "effective.yml")) != some:
        raise AssertionError("the effective settings are others")


def _web_config(data: bytes) -> None:
    load_web_config(file(data, "web.yml"))


def _record(data: bytes) -> None:
    """As the ledger enters it."""
    file(data, "records/any.json")
    ledger = Ledger()
    ledger.records(Reader(folder() / "records").read(), [], lambda _: "1", count=True)
    show(snapshot(runs=runs(ledger)))


def _state(data: bytes) -> None:
    """What was counted before a restart, by a hand that is not ours: taken up whole or refused, written and shown."""
    logs = LogFolder(folder())
    try:
        document = jsonfile.read(file(data, "runs.json"))
        ledger = Ledger.restored(document["ledger"])
        for one in document["folders"].values():
            logs.restore(one)
    except (KeyError, TypeError, ValueError, AttributeError, msgspec.MsgspecError):
        return  # begun anew
    jsonfile.write(folder() / "again.json", ledger.document() | logs.document())
    show(snapshot(runs=runs(ledger)))


def _restore_test(data: bytes) -> None:
    file(data, "tests/demo/20261122T071500Z.json")
    file(data, "tests/demo/totals.json")
    collector = RestoreTestsCollector(records=folder() / "tests", settings=RestoreTestsSettings())
    found: RestoreTests = _run(collector.read())
    show(snapshot(restore_tests=found))


def _a_state() -> Sequence[bytes]:
    """What our own collector writes after a genuine log."""
    state = folder() / "seed.json"
    collector = RunsCollector(
        settings=RunsSettings(),
        log_paths=(CORPUS / "logs",),
        lock_path=None,
        records=None,
        state=state,
        latest=snapshot,
    )
    _run(collector.read())
    return [state.read_bytes()]


def _records() -> Sequence[bytes]:
    ended = Record(
        stanza="demo", command="backup", backup_type="full", repo="1", pid=1, started=1.0, ended=2.0,
        exit_code=55, words="no",
    )  # fmt: skip
    return [json.dumps({"format": FORMAT} | asdict(one)).encode() for one in (ended,)]


def _restore_tests() -> Sequence[bytes]:
    record = Tested(
        stanza="demo", repo=2, target="latest", started=1.0, ended=61.0, result="not_proven", words="indexes: rotten",
        backup="20261122-100000F", checks=(Check(name="indexes", state="failed", words="rotten"),),
    )  # fmt: skip
    total = {"2/latest": {"results": {"proven": 3}, "last_success": 1.5, "last_failure": None}}
    return [msgspec.json.encode({"schema": "1", "test": record}), msgspec.json.encode(total)]


TARGETS = {
    "settings": Target(
        _settings, genuine("deploy/patroni/*/exporter.yml", below=TESTS.parent), (SettingsError,)
    ),
    "web config": Target(_web_config, genuine("unit/web/config/*.yml", below=TESTS), (WebConfigError,)),
    "record": Target(_record, _records),
    "state": Target(_state, _a_state),
    "restore test": Target(_restore_test, _restore_tests, (RecordError,)),
}
