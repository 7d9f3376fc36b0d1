"""What the restore tests proved, and how long a restore would take by what they measured."""

from collections.abc import Iterable, Iterator
from typing import Any

from exporter import wal
from exporter.model.info import Stanza
from exporter.model.restore_tests import (
    CHECKS,
    PHASES,
    RESULTS,
    Check,
    Record,
    RestoreTests,
    Running,
    Tested,
)
from exporter.snapshot import Snapshot
from exporter.table import Group, Metric, Part, Row, one

_LABELS = ("stanza", "repo", "target")
_TARGET = (
    "target is latest (to the end of the archive), time (to a moment, also one by chance) or immediate "
    "(no further than the backup)."
)


def _tests(snapshot: Snapshot) -> Iterator[RestoreTests]:
    yield from (reading.value for reading in snapshot.restore_tests.values() if reading.value is not None)


def _each_tested(snapshot: Snapshot) -> Iterator[Part]:
    yield from ((tested,) for tests in _tests(snapshot) for tested in tests.tested)


def _each_running(snapshot: Snapshot) -> Iterator[Part]:
    yield from ((running,) for tests in _tests(snapshot) for running in tests.running)


def _each_stanza(snapshot: Snapshot) -> Iterator[Part]:
    yield from ((stanza, tests) for tests in _tests(snapshot) for stanza in snapshot.stanzas)


def _labels(record: Record) -> tuple[str, str, str]:
    return record.stanza, "" if record.repo is None else str(record.repo), record.target


def _tested(tested: Tested) -> Iterator[Row[Tested]]:
    yield _labels(tested.last), tested


def _last(tested: Tested) -> Iterator[Row[Record]]:
    yield _labels(tested.last), tested.last


def _result(tested: Tested) -> Iterator[Row[None]]:
    yield (*_labels(tested.last), tested.last.result), None


def _checks(tested: Tested) -> Iterator[Row[Check]]:
    for check in tested.last.checks:
        yield (*_labels(tested.last), check.name), check


def _phases(tested: Tested) -> Iterator[Row[float]]:
    for phase in PHASES:
        if phase in tested.last.phases:
            yield (*_labels(tested.last), phase), tested.last.phases[phase]


def _info(tested: Tested) -> Iterator[Row[None]]:
    if tested.last.backup is not None:
        yield (*_labels(tested.last), tested.last.backup, tested.last.backup_type or ""), None


def _totals(tested: Tested) -> Iterator[Row[int]]:
    for result in RESULTS:
        yield (*_labels(tested.last), result), tested.totals.get(result, 0)


def _running(running: Running) -> Iterator[Row[Running]]:
    yield (running.stanza,), running


def _estimates(stanza: Stanza, tests: RestoreTests) -> Iterator[Row[float]]:
    for archive in stanza.current_archives():
        backups = [
            backup
            for backup in stanza.backups.of(archive.repo).backups
            if backup.database_id == archive.database_id
        ]
        if not backups:
            continue
        newest = backups[-1]
        wal_bytes = wal.bytes_between(newest.wal_start, archive.newest, archive.wal_segment_size)
        measured = (
            record
            for record in tests.history
            if (record.stanza, record.repo, record.result) == (stanza.name, archive.repo, "proven")
        )
        record = next(measured, None)
        estimate = record.recovery_time(newest.size, wal_bytes or 0) if record else None
        if estimate is not None:
            yield (stanza.name, str(archive.repo)), estimate


def _state(check: Check) -> bool | None:
    return None if check.state == "skipped" else check.state == "ok"


_SUMMARY: Iterable[Metric[Tested]] = (
    Metric[Tested](
        "restore_test_last_run_timestamp_seconds",
        f"When the last restore test ended, seconds since the epoch. {_TARGET}",
        lambda tested: tested.last.ended,
    ),
    Metric[Tested](
        "restore_test_last_success_timestamp_seconds",
        "When a restore test proved the backup last, seconds since the epoch.",
        lambda tested: tested.last_success,
    ),
    Metric[Tested](
        "restore_test_last_failure_timestamp_seconds",
        "When a restore test failed last, seconds since the epoch; one that could not be tried is none.",
        lambda tested: tested.last_failure,
    ),
)

GROUPS: tuple[Group[Any], ...] = (
    Group(labels=_LABELS, parts=_each_tested, rows=_tested, metrics=tuple(_SUMMARY)),
    Group(
        labels=_LABELS,
        parts=_each_tested,
        rows=_last,
        metrics=(
            Metric[Record](
                "restore_test_success",
                "1: the last restore test proved the backup. 0: it did not. Absent when it could not be tried.",
                lambda record: record.success,
            ),
            Metric[Record](
                "restore_test_duration_seconds",
                "Duration of the last restore test, all of it.",
                lambda record: record.ended - record.started,
            ),
            Metric[Record](
                "restore_test_restored_bytes",
                "Bytes of database that the last restore test restored.",
                lambda record: record.restored_bytes,
            ),
            Metric[Record](
                "restore_test_replayed_wal_bytes",
                "Bytes of WAL that the last restore test replayed.",
                lambda record: record.replayed_wal_bytes,
            ),
            Metric[Record](
                "restore_test_recovered_to_timestamp_seconds",
                "Time of the last transaction that was replayed, seconds since the epoch.",
                lambda record: record.recovered_to,
            ),
        ),
    ),
    Group(
        labels=(*_LABELS, "result"),
        parts=_each_tested,
        rows=_result,
        metrics=(
            Metric(
                "restore_test_last_result",
                "1 for the result of the last restore test: proven, not_proven, could_not_try, or polluted "
                "(it left something in the repository).",
                one,
            ),
        ),
    ),
    Group(
        labels=(*_LABELS, "check"),
        parts=_each_tested,
        rows=_checks,
        metrics=(
            Metric[Check](
                "restore_test_check_success",
                f"1: the check of the last restore test was passed. 0: it failed. Absent: skipped, or not come to. "
                f"check is {', '.join(list(CHECKS)[:-1])} or {list(CHECKS)[-1]}.",
                _state,
            ),
        ),
    ),
    Group(
        labels=(*_LABELS, "phase"),
        parts=_each_tested,
        rows=_phases,
        metrics=(
            Metric[float](
                "restore_test_phase_duration_seconds",
                f"Duration of a phase of the last restore test. phase is {', '.join(PHASES[:-1])} or {PHASES[-1]}.",
                lambda seconds: seconds,
            ),
        ),
    ),
    Group(
        labels=(*_LABELS, "backup", "backup_type"),
        parts=_each_tested,
        rows=_info,
        metrics=(Metric("restore_test_info", "1. The backup that the last restore test restored.", one),),
    ),
    Group(
        labels=(*_LABELS, "result"),
        parts=_each_tested,
        rows=_totals,
        metrics=(
            Metric[int](
                "restore_tests_total",
                "Restore tests by result: proven, not_proven, could_not_try or polluted; kept beyond the history.",
                lambda count: count,
                "counter",
            ),
        ),
    ),
    Group(
        labels=("stanza",),
        parts=_each_running,
        rows=_running,
        metrics=(
            Metric[Running](
                "restore_test_running",
                "1: a restore test of the stanza runs now.",
                lambda running: running.running,
            ),
        ),
    ),
    Group(
        labels=("stanza", "repo"),
        parts=_each_stanza,
        rows=_estimates,
        metrics=(
            Metric[float](
                "recovery_time_estimate_seconds",
                "How long a restore of the newest backup and the replay of all WAL since would take, at the rates "
                "that the last successful restore test of this repository measured.",
                lambda seconds: seconds,
            ),
        ),
    ),
)
