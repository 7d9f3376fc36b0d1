"""How pgBackRest's commands went: every kind of run, verify's findings, dropped WAL, stop files."""

from collections.abc import Iterator
from typing import Any

from exporter.model.runs import Dropped, History, Runs, Stop, Verification
from exporter.runs import lastword
from exporter.snapshot import Snapshot
from exporter.table import Group, Metric, Part, Row

_KIND = ("stanza", "command", "backup_type", "repo")


def _each_history(snapshot: Snapshot) -> Iterator[Part]:
    return ((history,) for history in lastword.histories(snapshot))


def _each_verification(snapshot: Snapshot) -> Iterator[Part]:
    for runs in lastword.values(snapshot):
        yield from ((one,) for one in runs.verifications if lastword.is_watched(snapshot, one.stanza))


def _each_dropped(snapshot: Snapshot) -> Iterator[Part]:
    for runs in lastword.values(snapshot):
        yield from ((one,) for one in runs.dropped if lastword.is_watched(snapshot, one.stanza))


def _each_stop(snapshot: Snapshot) -> Iterator[Part]:
    for runs in lastword.values(snapshot):
        yield from ((one,) for one in runs.stops if lastword.is_watched(snapshot, one.stanza))


def _each_value(snapshot: Snapshot) -> Iterator[Part]:
    return ((runs,) for runs in lastword.values(snapshot))


def _labels(history: History) -> tuple[str, str, str, str]:
    kind = history.kind
    return kind.stanza, kind.command, kind.backup_type, kind.repo


def _history(history: History) -> Iterator[Row[History]]:
    yield _labels(history), history


def _results(history: History) -> Iterator[Row[int]]:
    counted = {"success": history.successes, "failure": history.failures, "killed": history.killed}
    return (((*_labels(history), result), count) for result, count in counted.items())


def _verification(one: Verification) -> Iterator[Row[Verification]]:
    yield (one.stanza, one.repo), one


def _of_stanza(one: Any) -> Iterator[Row[Any]]:
    yield (one.stanza,), one


def _value(runs: Runs) -> Iterator[Row[Runs]]:
    yield (), runs


GROUPS: tuple[Group[Any], ...] = (
    Group(
        labels=_KIND,
        parts=_each_history,
        rows=_history,
        metrics=(
            Metric[History](
                "run_last_start_timestamp_seconds",
                "When a run of this kind began last, running or over. command is backup, expire, restore, verify, "
                "archive-push, archive-get, or what else was recorded; backup_type is as requested; repo is the one "
                'used, "" for commands over all.',
                lambda history: history.last_start,
            ),
            Metric[History](
                "run_last_end_timestamp_seconds",
                "When the last run that is over ended; no sample when nobody saw its end.",
                lambda history: history.last.end if history.last else None,
            ),
            Metric[History](
                "run_last_success_timestamp_seconds",
                "When a good run of this kind ended last; of backups also the newest good one of this or a stronger "
                "type (full, diff, incr) in the repository, whoever took it.",
                lambda history: history.last_success,
            ),
            Metric[History](
                "run_last_failure_timestamp_seconds",
                "When a run of this kind failed last: its end, or the start of one that was killed without a word. "
                "Newer than the last success: the failure is the last word.",
                lambda history: history.last_failure,
            ),
            Metric[History](
                "run_last_duration_seconds",
                "How long the last run that is over took.",
                lambda history: history.last_duration,
            ),
            Metric[History](
                "run_last_exit_code",
                "pgBackRest's exit code of the last run that is over, 128 + N where signal N ended it; no sample "
                "when nobody saw its end.",
                lambda history: history.last.exit_code if history.last else None,
            ),
        ),
    ),
    Group(
        labels=(*_KIND, "result"),
        parts=_each_history,
        rows=_results,
        metrics=(
            Metric[int](
                "runs_total",
                "Runs that were over since they are watched. result is success, failure or killed (by a signal, or "
                "vanished without an end).",
                lambda count: count,
                "counter",
            ),
        ),
    ),
    Group(
        labels=("stanza",),
        parts=_each_dropped,
        rows=_of_stanza,
        metrics=(
            Metric[Dropped](
                "wal_dropped_segments_total",
                "Segments that archive-push-queue-max made asynchronous archiving drop: they are lost for ever. "
                "No sample without asynchronous archiving, which alone has a log.",
                lambda dropped: dropped.segments,
                "counter",
            ),
        ),
    ),
    Group(
        labels=("stanza", "repo"),
        parts=_each_verification,
        rows=_verification,
        metrics=(
            Metric[Verification](
                "verify_last_ok",
                "1: the last pgbackrest verify found all files whole. 0: it found damage, though its exit code is 0.",
                lambda one: one.ok,
            ),
            Metric[Verification](
                "verify_last_invalid_files",
                "Files that the last verify found missing, of a wrong size or checksum, or unreadable.",
                lambda one: one.invalid_files,
            ),
            Metric[Verification](
                "verify_last_completion_timestamp_seconds",
                "When the last verify ended.",
                lambda one: one.completed,
            ),
        ),
    ),
    Group(
        labels=("stanza",),
        parts=_each_stop,
        rows=_of_stanza,
        metrics=(
            Metric[Stop](
                "stanza_stopped",
                "1: a stop file makes every command of the stanza fail, on this host. No sample where lock-path is "
                "not there.",
                lambda stop: stop.stopped,
            ),
        ),
    ),
    Group(
        labels=(),
        parts=_each_value,
        rows=_value,
        metrics=(
            Metric[Runs](
                "runs_unreadable_sources",
                "Logs and records that cannot be read, and stanzas whose logs say too little and of whose backups no "
                "record is there; the log and the status page name them.",
                lambda runs: len(runs.troubles),
            ),
        ),
    ),
)
